"""kill -9 at every commit point: nothing lost, nothing sent twice, order kept (field-notes B.1)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from connector.journal.engine.backoff import Backoff
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.steps import recover, start_due
from tests.conftest import ROOT
from tests.journal.conftest import JournalFactory
from tests.journal.crash_program import LEASE, POINTS, Work
from tests.journal.support import FULL_PROOF, active, deliver, drained, events, message, patient, state

MESSAGES = {"sqlite": 1500, "postgresql": 600}


def crash(store: str, tmp_path: Path, *arguments: str) -> Work:
    """Runs the crash program on this test's journal; gives a Work that reads its effects and never dies."""
    effects = tmp_path / "effects"
    program = [sys.executable, "-m", "tests.journal.crash_program", store, str(effects)]
    subprocess.run([*program, *arguments], cwd=ROOT, check=True, timeout=100)
    return Work(effects)


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_at_each_point_of_a_delivery(
    journal_factory: JournalFactory, store: str, tmp_path: Path, point: str
) -> None:
    journal = journal_factory()
    journal.accept_sync(message(1))
    journal.close()
    work = crash(store, tmp_path, "point", point)
    journal = journal_factory()
    left = {"routing": None, "running": "running", "sending": "sending", "sent": "sending", "then": "sending"}[point]
    assert [row["state"] for row in journal.query("SELECT state FROM delivery")] == ([left] if left else [])
    already_sent = point in ("sent", "then")
    assert len(work.sent()) == already_sent
    await drained(journal, {"send": work.handle}, router=work.route, **LEASE)
    # what a killed process rolled back leaves a gap in PostgreSQL's numbers
    ((owner, number),) = [
        (row["patient_id"], row["id"]) for row in journal.query("SELECT id, patient_id FROM delivery")
    ]
    assert (work.sent(), state(journal, number)) == ([(owner, number)], "done")
    assert work.resumed == ([number] if left == "sending" else [])
    attempts = [row["outcome"] for row in journal.query("SELECT outcome FROM attempt ORDER BY id")]
    assert attempts == (["interrupted", "done"] if left else ["done"])
    assert ("recover" in events(journal, number)) is bool(left)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(2026, 2046 if FULL_PROOF else 2027))
async def test_twenty_kills_at_random(seed: int, journal_factory: JournalFactory, store: str, tmp_path: Path) -> None:
    journal, count = journal_factory(), MESSAGES[store.partition(":")[0]]
    await asyncio.gather(*(journal.accept(message(number)) for number in range(1, count + 1)))
    journal.close()
    work = crash(store, tmp_path, "kills", "20", str(seed))
    journal = journal_factory()
    done_before = journal.query("SELECT count(*) AS n FROM delivery WHERE state = 'done'")[0]["n"]
    assert 0 < done_before < count, "the kills must fall in the middle of the work to prove anything"
    await drained(journal, {"send": work.handle}, router=work.route, **LEASE)
    sent = work.sent()
    deliveries = [row["id"] for row in journal.query("SELECT id FROM delivery ORDER BY id")]
    assert len(deliveries) == count
    assert sorted(Counter(delivery for _, delivery in sent).items()) == [(number, 1) for number in deliveries]
    for owner in {owner for owner, _ in sent}:
        order = [delivery for p, delivery in sent if p == owner]
        assert order == sorted(order)
    assert active(journal) == 0


def test_a_delivery_that_kills_every_process_ends_as_a_dead_letter(journal_factory: JournalFactory) -> None:
    journal = journal_factory()
    delivery_id = deliver(journal, patient(journal, 1))
    policy = EngineConfig(backoff=Backoff(max_attempts=3)).backoff_of
    for _ in range(3):
        (started,) = journal.transact(lambda tx: start_due(tx, lambda name: 8))
        assert started.id == delivery_id
        journal.transact(lambda tx: recover(tx, policy, "stop"))
    delivery = journal.delivery(delivery_id)
    assert (delivery.state, delivery.reason_code, delivery.attempts) == ("dead", "interrupted", 3)
