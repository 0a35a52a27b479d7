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
from tests.journal.crash_program import POINTS, Work
from tests.journal.support import FULL_PROOF, active, deliver, drained, events, message, patient, state

MESSAGES = 1500


def crash(tmp_path: Path, *arguments: str) -> Work:
    """Runs the crash program on this test's journal; gives a Work that reads its effects and never dies."""
    effects = tmp_path / "effects"
    program = [sys.executable, "-m", "tests.journal.crash_program", str(tmp_path / "journal.db"), str(effects)]
    subprocess.run([*program, *arguments], cwd=ROOT, check=True, timeout=60)
    return Work(effects)


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_at_each_point_of_a_delivery(journal_factory: JournalFactory, tmp_path: Path, point: str) -> None:
    journal = journal_factory()
    journal.accept_sync(message(1))
    journal.close()
    work = crash(tmp_path, "point", point)
    journal = journal_factory()
    left = {"routing": None, "running": "running", "sending": "sending", "sent": "sending", "then": "sending"}[point]
    assert [row["state"] for row in journal.query("SELECT state FROM delivery")] == ([left] if left else [])
    already_sent = point in ("sent", "then")
    assert len(work.sent()) == already_sent
    await drained(journal, {"send": work.handle}, router=work.route)
    assert (work.sent(), state(journal, 1)) == ([(1, 1)], "done")
    assert work.resumed == ([1] if left == "sending" else [])
    attempts = [row["outcome"] for row in journal.query("SELECT outcome FROM attempt ORDER BY id")]
    assert attempts == (["interrupted", "done"] if left else ["done"])
    assert ("recover" in events(journal, 1)) is bool(left)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(2026, 2046 if FULL_PROOF else 2027))
async def test_twenty_kills_at_random(seed: int, journal_factory: JournalFactory, tmp_path: Path) -> None:
    journal = journal_factory()
    await asyncio.gather(*(journal.accept(message(number)) for number in range(1, MESSAGES + 1)))
    journal.close()
    work = crash(tmp_path, "kills", "20", str(seed))
    journal = journal_factory()
    done_before = journal.query("SELECT count(*) AS n FROM delivery WHERE state = 'done'")[0]["n"]
    assert 0 < done_before < MESSAGES, "the kills must fall in the middle of the work to prove anything"
    await drained(journal, {"send": work.handle}, router=work.route)
    sent = work.sent()
    assert sorted(Counter(delivery for _, delivery in sent).items()) == [(n, 1) for n in range(1, MESSAGES + 1)]
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
