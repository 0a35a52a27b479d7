"""Retention killed in the middle, and retention while messages come in: nothing needed is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import timedelta

from connector.base.clock import utc_now
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import StoredMessage
from connector.journal.retention.keeper import Keeper
from connector.journal.retention.reading import message_content
from connector.journal.tx import Tx
from tests.conftest import ROOT
from tests.journal.conftest import JournalFactory
from tests.journal.history import History, rules, start
from tests.journal.purge_program import LATER, RULES
from tests.journal.support import IPP, Clock, active, eventually, message, working

MESSAGES = 150


def ids(history: History, table: str) -> set[int]:
    return {row[0] for row in history.journal.query(f"SELECT id FROM {table}")}


def until_more_is_gone(history: History, process: subprocess.Popen[bytes]) -> None:
    def gone() -> int:
        return int(history.journal.query("SELECT count(*) FROM purged")[0][0])

    before, end = gone(), time.monotonic() + 10.0
    while gone() == before and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


def test_kill_9_in_the_middle_of_a_purge(journal_factory: JournalFactory, store: str) -> None:
    clock = Clock()
    history = start(journal_factory(clock=clock), clock, seed=9)
    for _ in range(MESSAGES):
        history.one()
    seen: set[tuple[int, int, int]] = set()
    killed = 0
    for pause in (0.02, 0.05, 0.09, 0.14, 0.2):
        program = [sys.executable, "-m", "tests.journal.purge_program", store]
        with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(pause)
            if pause > 0.1:
                # on a busy machine nothing may have gone yet: these two fall after something did
                until_more_is_gone(history, process)
            killed += process.poll() is None
            process.kill()
        messages, deliveries = ids(history, "message"), ids(history, "delivery")
        purged = history.journal.query("SELECT count(*) FROM purged")[0][0]
        seen.add((purged, len(messages), len(deliveries)))
        for fact in history.facts:
            if fact.unfinished:
                assert message_content(history.journal, fact.message_id) == fact.raw
                assert fact.message_id in messages
            assert {d for d, state, _ in fact.deliveries if state != "done"} <= deliveries
        assert (
            history.journal.query(
                "SELECT 1 FROM attempt WHERE delivery_id NOT IN (SELECT id FROM delivery)"
                " UNION ALL SELECT 1 FROM timeline WHERE delivery_id NOT IN (SELECT id FROM delivery)"
            )
            == []
        )
    assert killed >= 1, "at least one kill must fall in the middle to prove anything"
    assert len(seen) > 1
    clock.now = LATER
    Keeper(history.journal, RULES).round()
    messages, deliveries = ids(history, "message"), ids(history, "delivery")
    newest = history.facts[-1].message_id
    assert messages == {fact.message_id for fact in history.facts if fact.unfinished} | {newest}
    assert deliveries == {d for fact in history.facts for d, state, _ in fact.deliveries if state != "done"}


async def test_purging_while_messages_come_in(journal_factory: JournalFactory) -> None:
    """Every message of the load is worked off with its bytes whole, while an old history goes away beside it."""
    clock = Clock()
    clock.now = utc_now() - timedelta(days=1000)
    history = start(journal_factory(clock=clock), clock, seed=11)
    for _ in range(40):
        history.one(states=("done",))
    clock.now = utc_now()
    wrong: list[int] = []

    def route(tx: Tx, stored: StoredMessage) -> None:
        tx.deliver("send", tx.resolve_patient([(IPP, str(stored.id % 5))]), {}, message_id=stored.id)

    def handle(job: Job) -> Outcome:
        if not job.raw().startswith(b"MSH|message"):
            wrong.append(job.delivery_id)
        return Done("fait")

    keeper = Keeper(history.journal, rules(content_days=1, attachment_days=1, trace_days=5, every=0.001))
    keeper.start()
    async with working(history.journal, {"send": handle}, router=route):
        for number in range(20):
            # Old as soon as received: only the work they wait for keeps their bytes.
            batch = (message(f"{number}-{n}", received_at=clock() - timedelta(days=3)) for n in range(10))
            await asyncio.gather(*(history.journal.accept(one) for one in batch))
        await eventually(lambda: not active(history.journal))
        await eventually(lambda: max(ids(history, "message") & set(range(41)), default=0) == 0)
    await asyncio.to_thread(keeper.stop)
    assert wrong == []
    assert history.journal.query("SELECT count(*) FROM purged WHERE message_id > 40")[0][0] > 0
