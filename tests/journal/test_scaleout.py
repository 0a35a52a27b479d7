"""Two engines on one PostgreSQL: wake-ups doubled, lost and late; the server restarted; work given back."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connector.base.clock import utc_now
from connector.journal.engine import steps, sweeper
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.hands import IN_A_ROW
from connector.journal.engine.scaleout import ScaleOutEngine
from connector.journal.engine.wakeups import SCHEMA, Wakeup, Wakeups, queue_of
from connector.journal.job import Dead, Done, Handler, Job, Outcome, Retry, Unknown
from connector.journal.model import JournalConfig, StoredMessage
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.support import (
    FAST,
    IPP,
    Clock,
    Script,
    active,
    deliver,
    eventually,
    message,
    no_router,
    patient,
    state,
)
from tests.postgres import Postgres

SOON = timedelta(milliseconds=10)
OpenJournal = Callable[..., Journal]


@pytest.fixture
def open_journal(postgres_database: str, tmp_path: Path) -> Iterator[OpenJournal]:
    """Each call is one process's journal."""
    opened: list[Journal] = []

    def journal(clock: Callable[[], datetime] = utc_now) -> Journal:
        opened.append(Journal.open(JournalConfig(postgres_database, audit_key=tmp_path / "audit.key"), clock))
        return opened[-1]

    yield journal
    for one in opened:
        one.close()


@asynccontextmanager
async def engine(journal: Journal, handlers: Mapping[str, Handler], **settings: Any) -> AsyncIterator[ScaleOutEngine]:
    router, clock = settings.pop("router", no_router), settings.pop("clock", None)
    config = replace(EngineConfig(backoff=FAST, poll=0.2, drain_seconds=5.0, lease=2.0, beat=0.3), **settings)
    extra = {"clock": clock} if clock else {}
    one = ScaleOutEngine(journal, router=router, handlers=handlers, config=config, **extra)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def test_order_is_kept_by_two_engines_whatever_happens(open_journal: OpenJournal) -> None:
    first, second = open_journal(), open_journal()
    chance = random.Random(11)
    owners = [patient(first, n) for n in range(10)]
    expected: dict[int, list[int]] = {owner: [] for owner in owners}
    answers: dict[int, list[Outcome]] = {}
    for _ in range(200):
        owner = chance.choice(owners)
        delivery_id = deliver(first, owner)
        expected[owner].append(delivery_id)
        troubles: list[Outcome] = [Retry("panne", after=SOON), Unknown("coupure"), Retry("panne")]
        answers[delivery_id] = chance.sample(troubles, chance.choice([0, 0, 0, 1, 2]))
    script = Script(answers)
    async with engine(first, {"send": script}), engine(second, {"send": script}):
        await eventually(lambda: not active(first), 30)
    for owner in owners:
        assert list(dict.fromkeys(script.order(owner))) == expected[owner]
        assert script.order(owner) == sorted(script.order(owner))
    assert len(first.query("SELECT DISTINCT node FROM attempt")) == 2


async def test_a_dead_letter_stops_its_patient_everywhere(open_journal: OpenJournal) -> None:
    first, second = open_journal(), open_journal()
    owner = patient(first, 1)
    one, two = deliver(first, owner), deliver(first, owner)
    script = Script({one: [Dead("illisible", "E1")]})
    async with engine(first, {"send": script}), engine(second, {"send": script}):
        await eventually(lambda: state(first, one) == "dead")
        await asyncio.sleep(0.5)
        assert state(first, two) == "queued"
        second.transact(lambda tx: tx.requeue(one, "modèle corrigé"))
        await eventually(lambda: state(first, two) == "done")
    assert script.order(owner) == [one, one, two]


async def test_a_wake_up_too_many_is_harmless(open_journal: OpenJournal) -> None:
    journal = open_journal()
    owner = patient(journal, 1)
    ids = [deliver(journal, owner) for _ in range(3)]
    entered, gate = threading.Event(), threading.Event()
    script = Script()

    def handler(job: Job) -> Outcome:
        entered.set()
        gate.wait(10)
        return script(job)

    async with engine(journal, {"send": handler}):
        await asyncio.to_thread(entered.wait, 10)
        async with _wakeups(journal) as wakeups:
            # Other locks than the patient's: nothing but the journal keeps them from starting.
            await wakeups.wake([Wakeup(one, (-one, ""), "") for one in ids])
            await eventually(lambda: _waiting_jobs(journal) == 0)
        assert script.seen == []
        gate.set()
        await eventually(lambda: not active(journal))
    assert script.order(owner) == ids
    assert journal.query("SELECT count(*) AS n FROM attempt")[0]["n"] == 3


async def test_waking_for_what_is_woken_wakes_the_others(open_journal: OpenJournal) -> None:
    journal = open_journal()
    async with _wakeups(journal) as wakeups:
        await wakeups.wake([Wakeup(1, (1, ""), "dmp")])
        await wakeups.wake([Wakeup(1, (1, ""), "dmp"), Wakeup(2, (2, "zam"), "identity")])
        live = await wakeups.live()
        assert [(one.delivery_id, one.lock, one.queue, one.heard) for one in live] == [
            (1, "1:", "dmp", False),
            (2, "2:zam", "identity", False),
        ]
        await wakeups.forget(live[:1])
        assert [one.delivery_id for one in await wakeups.live()] == [2]


async def test_lost_wake_ups_are_made_again(open_journal: OpenJournal, postgres_database: str) -> None:
    journal = open_journal()
    owners = [patient(journal, n) for n in range(20)]
    for owner in owners * 5:
        deliver(journal, owner)

    def slow(job: Job) -> Outcome:
        time.sleep(0.005)
        return Done()

    async with engine(journal, {"send": slow}, workers=2):
        for _ in range(5):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(_delete_jobs, postgres_database)
        await eventually(lambda: not active(journal), 20)


async def test_a_wake_up_for_what_is_no_head_any_more_does_not_hold_the_patient(open_journal: OpenJournal) -> None:
    """The destination of the later delivery takes nothing; the earlier one is released meanwhile."""
    journal = open_journal()
    owner = patient(journal, 1)
    early = deliver(journal, owner, state="held", reason="attente", reason_code="ins", destination="identity")
    late = deliver(journal, owner, destination="dmp")
    script = Script()
    async with _wakeups(journal) as wakeups:
        await wakeups.wake([Wakeup(late, (owner, ""), "nobody")])
    journal.transact(lambda tx: tx.release(owner))
    async with engine(journal, {"send": script}):
        await eventually(lambda: not active(journal))
    assert script.order(owner) == [early, late]


async def test_an_attempt_whose_start_was_never_heard_of_is_found_again(
    open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the commit that started it was lost with the connection."""
    monkeypatch.setattr(sweeper, "_UNKNOWN", 0.5)
    journal = open_journal()
    delivery_id = deliver(journal, patient(journal, 1), state="held", reason="attente", reason_code="ins")
    script = Script()
    async with engine(journal, {"send": script}) as one:

        def start(tx: Tx) -> None:
            released = tx.move(tx.delivery(delivery_id), "release", reason_code="")
            steps.start(tx, released, one.node)

        journal.transact(start)
        await eventually(lambda: state(journal, delivery_id) == "done")
    outcomes = [row["outcome"] for row in journal.query("SELECT outcome FROM attempt ORDER BY id")]
    assert (outcomes, len(script.seen)) == (["interrupted", "done"], 1)


async def test_work_left_by_an_embedded_engine_is_taken_over(open_journal: OpenJournal) -> None:
    """After a move from SQLite with work in flight: its attempts name no node."""
    journal = open_journal()
    delivery_id = deliver(journal, patient(journal, 1))
    journal.transact(lambda tx: steps.start(tx, tx.delivery(delivery_id)))
    async with engine(journal, {"send": Script()}):
        await eventually(lambda: state(journal, delivery_id) == "done")


async def test_messages_are_routed_once_in_order_by_one_engine_at_a_time(open_journal: OpenJournal) -> None:
    first, second, listener = open_journal(), open_journal(), open_journal()
    routed: list[int] = []
    lock = threading.Lock()

    def router(tx: Tx, stored: StoredMessage) -> None:
        assert lock.acquire(blocking=False), "two at once"
        try:
            tx.deliver("send", tx.resolve_patient([(IPP, str(stored.id % 7))]), {}, message_id=stored.id)
        finally:
            lock.release()
        routed.append(stored.id)

    script = Script()
    async with engine(first, {"send": script}, router=router), engine(second, {"send": script}, router=router):
        for n in range(60):
            await listener.accept(message(n))
        await eventually(lambda: not active(first), 20)
    done = [row["message_id"] for row in first.query("SELECT message_id FROM delivery ORDER BY id")]
    assert done == sorted(set(routed)) == [row["id"] for row in first.query("SELECT id FROM message ORDER BY id")]
    for owner in {owner for owner, _ in script.seen}:
        assert script.order(owner) == sorted(script.order(owner))


async def test_a_message_of_another_process_wakes_the_router(open_journal: OpenJournal) -> None:
    worker, listener = open_journal(), open_journal()
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()

    def router(tx: Tx, stored: StoredMessage) -> None:
        loop.call_soon_threadsafe(seen.set)

    # With a lease of a minute nothing is looked at for ten seconds.
    async with engine(worker, {}, router=router, poll=30.0, lease=60.0):
        await asyncio.sleep(0.3)
        await listener.accept(message(1))
        async with asyncio.timeout(3):
            await seen.wait()


async def test_the_server_restarted_in_the_middle(open_journal: OpenJournal, postgres: Postgres) -> None:
    journal, other = open_journal(), open_journal()
    owners = [patient(journal, n) for n in range(10)]
    expected = {owner: [deliver(journal, owner) for _ in range(15)] for owner in owners}
    done: dict[int, list[int]] = {owner: [] for owner in owners}

    def handler(job: Job) -> Outcome:
        time.sleep(0.01)
        done[job.patient_id].append(job.delivery_id)
        return Done()

    handlers = {"send": handler}
    async with engine(journal, handlers) as one, engine(other, handlers) as two:
        await asyncio.sleep(0.4)
        await asyncio.to_thread(postgres.stop)
        await eventually(lambda: bool(one.trouble and two.trouble))
        await asyncio.to_thread(postgres.start)
        await eventually(lambda: not active(journal), 30)
        await eventually(lambda: not one.trouble and not two.trouble)
        late = deliver(journal, owners[0])
        await eventually(lambda: state(journal, late) == "done")
    for owner in owners:
        # An outcome is kept in hand while the server is away: nothing is done twice.
        assert [n for n in done[owner] if n != late] == expected[owner]


async def test_stop_gives_back_at_once_what_it_cannot_finish(open_journal: OpenJournal) -> None:
    first, second = open_journal(), open_journal()
    owners = [patient(first, n) for n in range(4)]
    ids = [deliver(first, owner) for owner in owners]
    entered, gate, script = threading.Event(), threading.Event(), Script()

    def stuck(job: Job) -> Outcome:
        entered.set()
        gate.wait(30)
        return Done("trop tard")

    # Nobody would miss the first engine for a minute: what the second gets was given.
    async with engine(first, {"send": stuck}, workers=2, lease=60.0) as one:
        await asyncio.to_thread(entered.wait, 10)
        async with engine(second, {"send": script}, workers=4, lease=60.0):
            await one.stop(drain_seconds=0.1)
            began = time.monotonic()
            await eventually(lambda: not active(first))
            assert time.monotonic() - began < 3.0
            gate.set()
    assert sorted(n for _, n in script.seen) == ids
    assert [row["name"] for row in first.query("SELECT name FROM node")] == []


async def test_a_clock_set_forward_or_back_moves_no_delivery_to_another_process(open_journal: OpenJournal) -> None:
    clock = Clock()
    first, second = open_journal(clock), open_journal(clock)
    owner = patient(first, 1)
    slow, waiting = deliver(first, owner), deliver(first, patient(first, 2), due=clock.now + timedelta(hours=1))
    entered, gate, script = threading.Event(), threading.Event(), Script()

    def handler(job: Job) -> Outcome:
        if job.delivery_id == slow:
            entered.set()
            gate.wait(30)
        return script(job)

    handlers = {"send": handler}
    async with engine(first, handlers, clock=clock), engine(second, handlers, clock=clock):
        await asyncio.to_thread(entered.wait, 10)
        clock.push(hours=-2)
        await asyncio.sleep(1.0)
        assert state(first, waiting) == "queued"
        clock.push(days=2)
        await eventually(lambda: state(first, waiting) == "done")
        # Longer than a lease: whoever holds it still beats.
        await asyncio.sleep(2.5)
        gate.set()
        await eventually(lambda: state(first, slow) == "done")
    assert [n for _, n in script.seen] == [waiting, slow]
    assert first.query("SELECT count(*) AS n FROM attempt")[0]["n"] == 2


async def test_a_patient_with_much_to_do_lets_the_others_in(open_journal: OpenJournal) -> None:
    journal = open_journal()
    busy, calm = patient(journal, 1), patient(journal, 2)
    for _ in range(IN_A_ROW + 20):
        deliver(journal, busy)
    last = deliver(journal, calm)
    script = Script()
    async with engine(journal, {"send": script}, workers=1):
        await eventually(lambda: not active(journal), 20)
    assert script.seen.index((calm, last)) <= IN_A_ROW


@pytest.mark.parametrize("name", ["", "zam:GAM|CHU-X", "zam:" + "É" * 60, "x" * 200])
async def test_any_destination_has_a_queue(open_journal: OpenJournal, name: str) -> None:
    assert len(queue_of(name)) <= 40
    journal = open_journal()
    delivery_id = deliver(journal, patient(journal, 1), destination=name)
    async with engine(journal, {"send": Script()}):
        await eventually(lambda: state(journal, delivery_id) == "done")


def test_queues_of_two_destinations_differ() -> None:
    names = ["", "dmp", "dmp-read", "identity", "zam:" + "a" * 60, "zam:" + "a" * 61]
    assert len({queue_of(name) for name in names}) == len(names)


@asynccontextmanager
async def _wakeups(journal: Journal) -> AsyncIterator[Wakeups]:
    """The queues as somebody sees them who hears nothing."""

    async def nobody(delivery_id: int, destination: str) -> None:
        raise AssertionError("not heard here")

    wakeups = Wakeups(journal.config.url.dsn, None, nobody, name="test", lease=2.0, beat=0.3)
    await wakeups.open()
    try:
        yield wakeups
    finally:
        await wakeups.close()


def _waiting_jobs(journal: Journal) -> int:
    query = f"SELECT count(*) AS n FROM {SCHEMA}.procrastinate_jobs WHERE status = 'todo'"
    return int(journal.query(query)[0]["n"])


def _delete_jobs(url: str) -> None:
    with psycopg.connect(url, autocommit=True, options=f"-c search_path={SCHEMA}") as connection:
        connection.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
