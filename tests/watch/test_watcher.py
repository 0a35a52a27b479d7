"""A thousand failures, one notice; recovery, one notice; restarts, several processes, channels and stores that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import structlog

from connector.base.clock import random_uuid
from connector.journal import Journal, JournalError, Tx
from connector.journal.model import stamp
from connector.watch.channels import Channel, NotTaken
from connector.watch.config import AlertsConfig
from connector.watch.gather import Gatherer, Sources
from connector.watch.model import DestinationSeen, Notice, Snapshot
from connector.watch.watcher import Watcher
from tests.journal.support import NOW, Clock, deliver, patient
from tests.watch.conftest import JournalFactory, both
from tests.watch.test_evaluate import GOOD

WELL = replace(GOOD, queues={}, followers={}, certificates={})
CONFIG = AlertsConfig(every_seconds=10, clear_seconds=60, give_up_seconds=3600)


class Box:
    """A channel that remembers; `down` takes nothing."""

    name = "box"

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.down = False
        self.tried = 0

    def deliver(self, notice: Notice, key: str) -> None:
        self.tried += 1
        if self.down:
            raise NotTaken("box closed", cause="closed")
        self.taken.append((notice.kind, notice.cause))
        self.keys.append(key)


class World:
    """One process after the other, or beside it, on one journal and one clock."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.clock = Clock()
        self.box = Box()
        self.seen: dict[str, Any] = {}
        self.opened: list[Watcher | Gatherer] = []

    def process(self, node: str = "", journal: Journal | None = None, **changes: Any) -> Watcher:
        def gather() -> Snapshot:
            return replace(WELL, now=self.clock(), node=node, **(self.seen | changes))

        return self.watcher(gather, journal)

    def watcher(self, gather: Callable[[], Snapshot], journal: Journal | None = None) -> Watcher:
        watcher = Watcher(
            journal or self.journal,
            gather,
            [self.box],
            CONFIG,
            clock=self.clock,
            uuid_factory=random_uuid,
            monotonic=lambda: self.clock().timestamp(),
        )
        self.opened.append(watcher)
        return watcher

    def gatherer(self, sources: Sources) -> Gatherer:
        gatherer = Gatherer(self.journal, sources, clock=self.clock)
        self.opened.append(gatherer)
        return gatherer

    def close(self) -> None:
        for one in self.opened:
            one.close() if isinstance(one, Gatherer) else one.stop()

    def pass_time(self, watcher: Watcher, seconds: int) -> None:
        for _ in range(seconds // 10):
            self.clock.push(seconds=10)
            watcher.look()

    def down(self) -> None:
        self.seen = {"destinations": {"dmp": DestinationSeen(True, self.clock(), False)}}

    def up(self) -> None:
        self.seen = {"destinations": {"dmp": DestinationSeen(False, self.clock(), True)}}


@pytest.fixture
def world(journal: Journal) -> Iterator[World]:
    world = World(journal)
    yield world
    world.close()


RAISED, CLEARED = ("raised", "destination:dmp"), ("cleared", "destination:dmp")


@both
def test_one_notice_one_recovery_and_nothing_written_when_all_is_well(world: World) -> None:
    watcher = world.process()
    world.pass_time(watcher, 100)
    assert world.journal.query("SELECT * FROM alert") == []
    world.down()
    world.pass_time(watcher, 600)
    assert world.box.taken == [RAISED]
    world.up()
    world.pass_time(watcher, 600)
    assert world.box.taken == [RAISED, CLEARED]
    assert world.journal.query("SELECT * FROM alert_notice") == []


@both
def test_a_restart_in_between_is_still_one(world: World) -> None:
    world.down()
    world.pass_time(world.process(), 30)
    # nothing has been tried yet by the new process: its breaker is closed, its letters wait
    world.seen = {"destinations": {}, "unreachable": {"dmp": 1000}}
    world.pass_time(world.process(), 600)
    world.down()
    second = world.process()
    world.pass_time(second, 600)
    assert world.box.taken == [RAISED]
    world.up()
    world.pass_time(second, 600)
    assert world.box.taken == [RAISED, CLEARED]


@both
def test_several_processes_tell_it_once(world: World, journal_factory: JournalFactory) -> None:
    world.down()
    others = [journal_factory() for _ in range(3)] if "postgresql" in str(world.journal.config.url) else [world.journal]
    processes = [world.process(f"node-{n}", journal) for n, journal in enumerate(others)]

    def all_look() -> None:
        threads = [threading.Thread(target=process.look) for process in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for _ in range(5):
        world.clock.push(seconds=10)
        all_look()
    assert world.box.taken == [RAISED]
    assert len(set(world.box.keys)) == 1
    world.up()
    for _ in range(20):
        world.clock.push(seconds=10)
        all_look()
    assert world.box.taken == [RAISED, CLEARED]


def test_one_process_still_sees_it_none_ends_it(world: World) -> None:
    sees, sees_not = world.process(), world.process()
    world.down()
    for _ in range(30):
        world.clock.push(seconds=10)
        world.down()
        sees.look()
        world.up()
        sees_not.look()
    assert world.box.taken == [RAISED]


def test_a_process_without_destinations_ends_none(world: World) -> None:
    world.down()
    world.pass_time(world.process(), 30)
    world.seen = {}
    world.pass_time(world.process(destinations={}, blind=frozenset({"destination"})), 600)
    assert world.box.taken == [RAISED]


def test_the_own_cause_of_another_node_is_its_own_to_end_until_it_is_gone(world: World) -> None:
    world.seen = {"store": "", "engine": "arrêt", "nodes": frozenset({"a", "b"})}
    world.pass_time(world.process("a"), 30)
    world.seen = {"nodes": frozenset({"a", "b"})}
    world.pass_time(world.process("b"), 600)
    assert world.box.taken == [("raised", "engine@a")]
    world.seen = {"nodes": frozenset({"b"})}
    world.pass_time(world.process("b"), 600)
    assert world.box.taken == [("raised", "engine@a"), ("cleared", "engine@a")]


@both
def test_a_channel_that_is_down_gets_it_later_once_and_in_order(world: World) -> None:
    watcher = world.process()
    world.box.down = True
    world.down()
    world.pass_time(watcher, 300)
    world.up()
    world.pass_time(watcher, 300)
    assert world.box.taken == []
    tried = world.box.tried
    assert 1 < tried < 15, "tries are spaced"
    world.box.down = False
    world.pass_time(world.process(), 1200)
    assert world.box.taken == [RAISED, CLEARED]


def test_a_channel_that_stays_down_is_given_up_after_the_limit(world: World) -> None:
    watcher = world.process()
    world.box.down = True
    world.down()
    with structlog.testing.capture_logs() as lines:
        world.pass_time(watcher, 6000)
    assert world.journal.query("SELECT * FROM alert_notice") == []
    assert [line["cause"] for line in lines if line.get("result") == "dropped"] == ["destination:dmp"]


def test_a_channel_no_longer_set_keeps_nothing(world: World) -> None:
    world.box.down = True
    world.down()
    world.pass_time(world.process(), 20)
    world.box.name = "another"
    world.pass_time(world.process(), 1200)
    assert world.journal.query("SELECT * FROM alert_notice") == []


def test_every_notice_is_in_the_log(world: World) -> None:
    world.down()
    with structlog.testing.capture_logs() as lines:
        world.process().look()
    (line,) = [line for line in lines if line["event"] == "alert"]
    assert (line["log_level"], line["kind"], line["cause"]) == ("error", "raised", "destination:dmp")
    assert "DMP" in line["text"]


# -- the journal itself in trouble -------------------------------------------------------------------------------------


@both
def test_a_journal_that_refuses_is_told_from_memory_once_and_written_later(world: World) -> None:
    watcher = world.process()
    world.pass_time(watcher, 20)
    world.seen = {"store": "disque plein"}
    refusing = mock.patch.object(Journal, "transact", side_effect=JournalError("full"))
    with refusing:
        world.pass_time(watcher, 300)
    assert world.box.taken == [("raised", "store")]
    world.seen = {}
    world.pass_time(watcher, 300)
    assert world.box.taken == [("raised", "store"), ("cleared", "store")]
    assert [(row["cause"], bool(row["cleared_at"])) for row in world.journal.query("SELECT * FROM alert")] == [
        ("store", True)
    ]


def test_a_channel_down_during_the_trouble_gets_it_afterwards(world: World) -> None:
    watcher = world.process()
    world.seen, world.box.down = {"store": "disque plein"}, True
    world.pass_time(watcher, 100)
    world.box.down = False
    world.pass_time(watcher, 100)
    assert world.box.taken == [("raised", "store")]


@both
def test_a_write_that_hangs_then_comes_through_is_not_told_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.watch.watcher.STORE_SECONDS", 0.2)
    watcher = world.process()
    world.down()
    hung, release = threading.Event(), threading.Event()

    def hang(_: Tx) -> None:
        hung.set()
        release.wait(20)

    threading.Thread(target=world.journal.transact, args=(hang,)).start()
    assert hung.wait(10)
    with mock.patch("connector.watch.outbox.waiting", return_value=[]):
        watcher.look()
    assert world.box.taken == [RAISED]
    release.set()
    world.pass_time(watcher, 60)
    assert world.box.taken == [RAISED]


# -- what it looks at --------------------------------------------------------------------------------------------------


def test_a_thousand_dead_letters_are_one_notice(world: World) -> None:
    owner = patient(world.journal, 1)

    def kill(tx: Tx) -> None:
        for _ in range(1000):
            delivery = tx.delivery(tx.deliver("publication", owner, {}, destination="dmp"))
            tx.move(tx.move(delivery, "start", run=1), "die", run=0, reason="x", reason_code="transport")

    watcher = world.watcher(world.gatherer(Sources()))
    watcher.look()
    assert world.box.taken == []
    world.journal.transact(kill)
    world.pass_time(watcher, 100)
    assert world.box.taken == [("raised", "dead:transport")]

    def settle(tx: Tx) -> None:
        for row in tx.execute("SELECT id FROM delivery").fetchall():
            tx.settle(row["id"], "réglé")

    world.journal.transact(settle)
    world.pass_time(watcher, 100)
    assert world.box.taken == [("raised", "dead:transport"), ("cleared", "dead:transport")]


@both
def test_the_journal_seen_by_the_gatherer(world: World) -> None:
    owner = patient(world.journal, 1)
    deliver(world.journal, owner, "publication", destination="dmp")
    other = patient(world.journal, 2)
    deliver(
        world.journal, other, "publication", destination="dmp", state="held", reason_code="configuration.DMPX",
        reason="certificat",
    )  # fmt: skip
    deliver(
        world.journal, other, "publication", destination="dmp", state="held", reason_code="consent.unknown", reason="x"
    )
    gather = world.gatherer(Sources())
    seen = gather()
    assert seen.store == ""
    assert list(seen.configuration) == ["configuration.DMPX"]
    assert list(seen.queues) == ["dmp"]
    assert (seen.dead, seen.routing_failures, seen.unreachable) == ({}, None, {})
    assert seen.blind == {"destination"}


class Breaker:
    def __init__(self, state: str) -> None:
        self.state = state


def test_a_breaker_that_closes_before_our_eyes_is_an_answer(world: World) -> None:
    states = {"dmp": Breaker("closed")}
    gather = world.gatherer(Sources(breakers=lambda: states))
    assert not gather().destinations["dmp"].answered
    for state, expected in [("open", (True, False)), ("half-open", (True, False)), ("closed", (False, True))]:
        states["dmp"] = Breaker(state)
        seen = gather().destinations["dmp"]
        assert (seen.open, seen.answered) == expected


def test_a_delivery_that_ends_is_an_answer(world: World) -> None:
    gather = world.gatherer(Sources(breakers=dict))
    gather.answered("dmp")
    assert gather().destinations["dmp"].answered


@both
def test_a_journal_that_does_not_answer_is_a_trouble_and_not_an_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.watch.gather.STORE_SECONDS", 0.2)
    gather = world.gatherer(Sources(breakers=dict))
    hung, release = threading.Event(), threading.Event()

    def hang(_: Tx) -> None:
        hung.set()
        release.wait(20)

    threading.Thread(target=world.journal.transact, args=(hang,)).start()
    assert hung.wait(10)
    assert "ne répond pas" in gather().store
    release.set()
    end = time.monotonic() + 10
    while gather().store and time.monotonic() < end:
        time.sleep(0.01)
    assert gather().store == ""


def test_the_thread_looks_by_itself_and_outlives_failures(world: World) -> None:
    looked = threading.Event()
    broken = iter([True])

    def gather() -> Snapshot:
        if next(broken, False):
            raise ZeroDivisionError
        looked.set()
        return GOOD

    channels: list[Channel] = []
    watcher = Watcher(
        world.journal, gather, channels, replace(CONFIG, every_seconds=0.01), clock=world.clock,
        uuid_factory=random_uuid,
    )  # fmt: skip
    watcher.start()
    assert looked.wait(10)
    watcher.stop()


def test_zero_seconds_is_off_until_new_settings(world: World) -> None:
    watcher = Watcher(
        world.journal, lambda: GOOD, [], replace(CONFIG, every_seconds=0), clock=world.clock, uuid_factory=random_uuid
    )
    with mock.patch.object(Watcher, "look") as look, mock.patch("connector.watch.watcher._OFF_SECONDS", 0.01):
        watcher.start()
        time.sleep(0.05)
        assert not look.called
        watcher.configure([], replace(CONFIG, every_seconds=0.01))
        end = time.monotonic() + 10
        while not look.called and time.monotonic() < end:
            time.sleep(0.01)
        watcher.stop()
    assert look.called


def test_a_cause_of_one_look_ago_is_timed_by_the_steady_clock(world: World) -> None:
    world.down()
    watcher = world.process()
    watcher.look()
    world.up()
    world.clock.now += timedelta(days=30)
    watcher.look()
    assert world.box.taken == [RAISED], "seen absent for the first time just now"


# -- a store several processes share -----------------------------------------------------------------------------------

_NODE = (
    "INSERT INTO node (name, role, host, pid, version, started_at, beat_at, lease_until)"
    " VALUES (?, 'worker', ?, 1, '', '', '', ?)"
)


@both
def test_a_lost_node_is_told_until_one_of_its_kind_is_back(world: World) -> None:
    shared = world.journal.config.url.dialect == "postgresql"
    watcher = world.watcher(world.gatherer(Sources(breakers=dict)))
    past, future = stamp(NOW - timedelta(days=300)), stamp(NOW + timedelta(days=3000))

    def roll(*nodes: tuple[str, str, str]) -> None:
        def write(tx: Tx) -> None:
            tx.execute("DELETE FROM node")
            for node in nodes:
                tx.execute(_NODE, node)

        world.journal.transact(write)

    roll(("a-1", "a", future), ("b-1", "b", past))
    world.pass_time(watcher, 20)
    assert world.box.taken == ([("raised", "node:b/worker")] if shared else [])
    # the others struck it off the roll: it is lost all the same
    roll(("a-1", "a", future))
    world.pass_time(watcher, 300)
    assert len(world.box.taken) == (1 if shared else 0)
    roll(("a-1", "a", future), ("b-2", "b", future))
    world.pass_time(watcher, 300)
    assert world.box.taken[1:] == ([("cleared", "node:b/worker")] if shared else [])
