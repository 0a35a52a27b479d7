"""Leases, fences and the roll of nodes: whose delivery it is, by clocks nobody can set."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import SettingsError
from connector.base.guard import FenceLost, check
from connector.journal.engine.attempt import attempt
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.lease import MARGIN, Fence, Lease
from connector.journal.engine.nodes import Roll, heartbeat, orphans
from connector.journal.engine.steps import Finished, finish, recover_one, start, start_due
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.journal.support import deliver, events, patient, state, working
from tests.postgres import Postgres


class Boot:
    """A boot clock pushed by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lost(fence: Fence) -> bool:
    try:
        fence.check()
    except FenceLost:
        return True
    return False


def test_a_lease_runs_out_by_the_boot_clock() -> None:
    clock = Boot()
    lease = Lease(clock)
    assert (lease.held, lease.held_for, lost(lease.fence())) == (False, 0.0, True)
    lease.renewed(clock.now, 5.0)
    fence = lease.fence()
    clock.now += 4.9
    assert (lease.held, lost(fence)) == (True, False)
    assert lease.held_for == pytest.approx(4.9)
    clock.now += 0.1
    assert (lease.held, lost(fence)) == (False, True)


def test_a_renewal_in_time_keeps_the_fence_open() -> None:
    clock = Boot()
    lease = Lease(clock)
    lease.renewed(clock.now, 5.0)
    fence = lease.fence()
    for _ in range(10):
        clock.now += 4.0
        lease.renewed(clock.now, 5.0)
    assert (lost(fence), lease.held_for) == (False, 40.0)


def test_a_lease_that_lapsed_opens_no_old_fence_again() -> None:
    """Stopped for longer than the lease, resumed: the heart beats first, the handler must still be stopped."""
    clock = Boot()
    lease = Lease(clock)
    lease.renewed(clock.now, 5.0)
    old = lease.fence()
    clock.now += 20.0
    lease.renewed(clock.now, 5.0)
    assert (lease.held, lost(old), lost(lease.fence())) == (True, True, False)


def test_a_beat_counts_from_its_beginning() -> None:
    """Stopped between the beat and its answer: what the store knows is the beginning."""
    clock = Boot()
    lease = Lease(clock)
    lease.renewed(clock.now, 5.0)
    fence, began = lease.fence(), clock.now + 3.0
    clock.now = began + 20.0
    lease.renewed(began, 5.0)
    assert (lease.held, lost(fence)) == (False, True)
    lease.renewed(clock.now, 5.0)
    assert lost(fence)


def test_a_lease_given_up_closes_every_fence() -> None:
    lease = Lease(Boot())
    lease.renewed(lease.now(), math.inf)
    fence = lease.fence()
    lease.lose()
    assert lost(fence)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30)), max_size=20))
def test_no_fence_outlives_what_the_store_was_told(steps: list[tuple[float, float]]) -> None:
    """Whatever stops between and inside the beats: open only while every instant since was covered by a beat."""
    clock, told = Boot(), 0.0
    lease = Lease(clock)
    lease.renewed(clock.now, 5.0)
    told, fence, covered = clock.now + 5.0, lease.fence(), True
    for before, inside in steps:
        clock.now += before
        began = clock.now
        covered &= began < told
        clock.now += inside
        lease.renewed(began, 5.0)
        told = began + 5.0
        assert lost(fence) == (not covered or clock.now >= told)


@pytest.mark.parametrize(("lease", "beat"), [(2.0, 0.6), (6.0, 0.0), (6.0, -1.0), (0.0, 1.5)])
def test_beats_must_fit_into_a_lease(lease: float, beat: float) -> None:
    with pytest.raises(SettingsError, match=r"engine\.lease") as caught:
        EngineConfig(lease=lease, beat=beat)
    assert caught.value.context["found"].startswith(f"{lease:g}")


# -- the roll ----------------------------------------------------------------------------------------------


def test_a_node_is_dead_when_its_row_stood_still_for_a_lease() -> None:
    roll = Roll(6.0)
    beats = {"a": "1", "b": "1"}
    for second in range(6):
        assert roll.look(beats | {"b": str(second)}, float(second)) == frozenset()
    assert roll.look(beats | {"b": "6"}, 6.0) == {"a"}
    assert roll.look({"a": "2", "b": "7"}, 7.0) == frozenset()


def test_a_look_that_comes_late_says_nothing_of_the_others() -> None:
    """The store was away, or this process was stopped: the others get a whole lease to beat again."""
    roll = Roll(6.0)
    assert roll.look({"a": "1"}, 0.0) == frozenset()
    for second in (100.0, 102.0, 104.0, 105.9):
        assert roll.look({"a": "1"}, second) == frozenset()
    assert roll.look({"a": "1"}, 106.0) == {"a"}


def test_a_date_that_jumps_kills_nobody() -> None:
    roll = Roll(6.0)
    far = "2199-01-01T00:00:00.000000+00:00"
    assert [roll.look({"a": beat}, float(n)) for n, beat in enumerate(["2026", far, "1970", "1970"])] == [
        frozenset()
    ] * 4


def test_orphans_are_those_of_the_dead_and_of_the_unknown() -> None:
    assert orphans(["a", "b", "c", ""], {"a": "1", "b": "1"}, frozenset({"b"})) == {"b", "c", ""}


# -- hearts --------------------------------------------------------------------------------------------------


def test_a_heart_beats_on_its_own_row(postgres_database: str) -> None:
    journal = Journal.open(JournalConfig(postgres_database))
    lease = Lease()
    heart = heartbeat(journal.config, "worker", lease, lease=3.0, every=0.05)
    heart.start()
    try:
        (row,) = journal.query("SELECT * FROM node")
        first, until = (datetime.fromisoformat(row[name]) for name in ("beat_at", "lease_until"))
        assert (row["name"], row["role"], row["host"]) == (heart.node.name, "worker", heart.node.host)
        assert timedelta(seconds=2.9) < until - first < timedelta(seconds=3.1)
        assert lease.held
        _until(lambda: journal.query("SELECT beat_at FROM node")[0]["beat_at"] > row["beat_at"])
        assert journal.query("SELECT started_at FROM node")[0]["started_at"] == row["started_at"]
    finally:
        heart.stop()
    assert (journal.query("SELECT * FROM node"), lease.held) == ([], False)
    journal.close()


def test_a_heart_outlives_the_server(postgres: Postgres, postgres_database: str) -> None:
    journal = Journal.open(JournalConfig(postgres_database))
    lease = Lease()
    heart = heartbeat(journal.config, "worker", lease, lease=MARGIN + 0.5, every=0.05)
    heart.start()
    fence = lease.fence()
    postgres.stop()
    try:
        _until(lambda: not lease.held)
        assert heart.trouble == "JournalError"
    finally:
        postgres.start()
    _until(lambda: lease.held and not heart.trouble)
    assert lost(fence)
    heart.stop()
    journal.close()


def _until(condition: object, seconds: float = 10.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


# -- attempts ------------------------------------------------------------------------------------------------


def test_a_handler_cannot_swallow_a_lost_fence(journal: Journal) -> None:
    deliver(journal, patient(journal, 1))
    (started,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    lease = Lease()

    def stubborn(job: Job) -> Outcome:
        try:
            check()
        except Exception:  # noqa: BLE001 - that is the point
            return Done("envoyé")
        return Done("envoyé aussi")

    finished = attempt(journal, started, {"send": stubborn}, lease.fence())
    assert isinstance(finished.outcome, FenceLost)
    lease.renewed(lease.now(), 60.0)
    assert attempt(journal, started, {"send": stubborn}, lease.fence()).outcome == Done("envoyé aussi")


@pytest.mark.parametrize("sends", [False, True])
def test_what_is_lost_goes_back_unless_somebody_has_it(journal: Journal, sends: bool) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    policy = EngineConfig().backoff_of
    (first,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    if sends:
        Job(journal, first).sending({})
    mine = Finished(delivery_id, first.run, FenceLost("stopped"), sends)
    journal.transact(lambda tx: finish(tx, mine, policy, 0.5))
    back = journal.delivery(delivery_id)
    assert (back.state, back.unsettled, back.run) == (("sending", True, 0) if sends else ("queued", False, 0))
    second = journal.transact(lambda tx: start(tx, tx.delivery(delivery_id), "another"))
    before = events(journal, delivery_id)
    journal.transact(lambda tx: finish(tx, mine, policy, 0.5))
    assert (journal.delivery(delivery_id).run, events(journal, delivery_id)) == (second.run, before)
    assert journal.query("SELECT node FROM attempt ORDER BY id")[1]["node"] == "another"


def test_confirm_asks_the_store_and_the_clock(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    (first,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    Job(journal, first).confirm()
    with pytest.raises(FenceLost, match="did not renew"):
        Job(journal, first, Lease().fence()).confirm()
    policy = EngineConfig().backoff_of
    journal.transact(lambda tx: recover_one(tx, tx.delivery(delivery_id), policy))
    with pytest.raises(FenceLost, match="a later attempt"):
        Job(journal, first).confirm()


async def test_a_handler_left_behind_by_stop_sends_nothing_more(journal: Journal) -> None:
    """Also before any other engine has taken its delivery."""
    delivery_id = deliver(journal, patient(journal, 1))
    entered, gate, said = threading.Event(), threading.Event(), threading.Event()

    def slow(job: Job) -> Outcome:
        entered.set()
        gate.wait(10)
        try:
            check()
        except FenceLost:
            said.set()
            raise
        return Done()

    async with working(journal, {"send": slow}) as engine:
        await asyncio.to_thread(entered.wait, 10)
        await engine.stop(drain_seconds=0.05)
        gate.set()
        assert await asyncio.to_thread(said.wait, 10)
    # the embedded engine leaves it to the next start, the other gives it back
    left = "running" if journal.config.url.dialect == "sqlite" else "queued"
    assert state(journal, delivery_id) == left
