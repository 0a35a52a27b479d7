"""Workers, rate and circuit breaker of each destination, on a clock one can push."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.base.errors import SettingsError
from connector.journal.engine.destinations import FAMILY_FACTOR, BreakerState, DestinationConfig, Destinations, family

CONFIG = DestinationConfig(workers=4, failures=3, cooldown=10.0, longest=35.0)


class Watch:
    """A monotonic clock that stands still until pushed."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def push(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def book(watch: Watch, workers: int = 4, **changes: Any) -> Destinations:
    return Destinations({"dmp": replace(CONFIG, **changes)}, workers, watch)


def call(destinations: Destinations, unreachable: bool | None, name: str = "dmp") -> None:
    destinations.finished(name, unreachable, destinations.started(name))


def broken(watch: Watch, **changes: Any) -> Destinations:
    """The breaker of "dmp" has just opened."""
    destinations = book(watch, **changes)
    for _ in range(destinations.config("dmp").failures):
        call(destinations, True)
    assert destinations.state("dmp") == "open"
    return destinations


# -- workers -------------------------------------------------------------------------------------------------------


def test_room_is_what_the_workers_leave(watch: Watch) -> None:
    destinations = book(watch)
    rooms = []
    for _ in range(4):
        rooms.append(destinations.room("dmp"))
        assert not destinations.started("dmp")
    assert rooms == [4, 3, 2, 1]
    assert (destinations.room("dmp"), destinations.seconds("dmp")) == (0, math.inf)
    destinations.finished("dmp", False)
    assert (destinations.room("dmp"), destinations.seconds("dmp")) == (1, 0.0)


def test_one_full_destination_takes_nothing_from_another(watch: Watch) -> None:
    destinations = book(watch)
    for _ in range(4):
        destinations.started("dmp")
    assert (destinations.room("dmp"), destinations.room("dmp-read"), destinations.room("identity")) == (0, 4, 16)


def test_the_members_of_a_family_share_its_settings_and_its_workers(watch: Watch) -> None:
    destinations = Destinations({"zam": DestinationConfig(workers=2)}, 8, watch)
    names = [f"zam:GAM{n}|CHU-X" for n in range(FAMILY_FACTOR + 1)]
    assert destinations.room(names[0]) == 2
    for name in names[:FAMILY_FACTOR]:
        destinations.started(name)
        destinations.started(name)
    assert (destinations.room(names[-1]), destinations.seconds(names[-1])) == (0, math.inf)
    destinations.finished(names[0], None)
    assert (destinations.room(names[-1]), destinations.room(names[0]), destinations.room(names[1])) == (1, 1, 0)
    assert destinations.threads(names[0]) == 2 * FAMILY_FACTOR


def test_the_settings_of_a_name_are_its_own_its_family_s_or_everybody_s(watch: Watch) -> None:
    own, kin, rest = (DestinationConfig(workers=n) for n in (1, 2, 3))
    destinations = Destinations({"zam:A|B": own, "zam": kin, "*": rest}, 8, watch)
    assert [destinations.config(name) for name in ("zam:A|B", "zam:C|D", "zam", "dmp", "")] == [
        own,
        kin,
        kin,
        rest,
        rest,
    ]
    assert Destinations({}, 8, watch).config("dmp") == DestinationConfig()
    assert (family("zam:A|B"), family("dmp"), family("")) == ("zam", "dmp", "")


# -- breaker -------------------------------------------------------------------------------------------------------


def test_consecutive_failures_open_the_breaker(watch: Watch) -> None:
    destinations = book(watch)
    call(destinations, True)
    call(destinations, True)
    assert (destinations.state("dmp"), destinations.room("dmp")) == ("closed", 4)
    call(destinations, True)
    assert (destinations.state("dmp"), destinations.room("dmp"), destinations.seconds("dmp")) == ("open", 0, 10.0)
    assert destinations.room("identity") == 16


def test_an_answer_in_between_starts_the_count_again(watch: Watch) -> None:
    destinations = book(watch)
    for outcome in (True, True, False, True, True, None, False):
        call(destinations, outcome)
        assert destinations.state("dmp") == "closed"


def test_what_was_never_asked_neither_counts_nor_clears(watch: Watch) -> None:
    destinations = book(watch)
    for outcome in (True, True, None, None, True):
        assert destinations.state("dmp") == "closed"
        call(destinations, outcome)
    assert destinations.state("dmp") == "open"


def test_after_the_cooldown_exactly_one_probe_goes(watch: Watch) -> None:
    destinations = broken(watch)
    watch.push(9.9)
    assert (destinations.room("dmp"), destinations.state("dmp")) == (0, "open")
    watch.push(0.1)
    assert (destinations.room("dmp"), destinations.state("dmp"), destinations.seconds("dmp")) == (1, "half-open", 0.0)
    assert destinations.started("dmp")
    watch.push(1000)
    assert (destinations.room("dmp"), destinations.state("dmp"), destinations.seconds("dmp")) == (
        0,
        "half-open",
        math.inf,
    )


def test_a_probe_that_is_answered_closes_the_breaker(watch: Watch) -> None:
    destinations = broken(watch)
    watch.push(10)
    call(destinations, False)
    assert (destinations.state("dmp"), destinations.room("dmp")) == ("closed", 4)
    call(destinations, True)
    assert destinations.state("dmp") == "closed"


def test_each_probe_that_fails_doubles_the_cooldown_up_to_the_longest(watch: Watch) -> None:
    destinations = broken(watch)
    waits = []
    for _ in range(4):
        waits.append(destinations.seconds("dmp"))
        watch.push(waits[-1])
        call(destinations, True)
    assert (waits, destinations.seconds("dmp")) == ([10.0, 20.0, 35.0, 35.0], 35.0)
    watch.push(35)
    call(destinations, False)
    for _ in range(3):
        call(destinations, True)
    assert destinations.seconds("dmp") == 10.0


def test_a_probe_that_never_asked_leaves_its_place_to_the_next(watch: Watch) -> None:
    destinations = broken(watch)
    watch.push(10)
    call(destinations, None)
    assert (destinations.state("dmp"), destinations.room("dmp")) == ("half-open", 1)
    call(destinations, True)
    assert (destinations.state("dmp"), destinations.seconds("dmp")) == ("open", 20.0)


def test_a_late_failure_of_before_decides_nothing(watch: Watch) -> None:
    destinations = book(watch)
    early = [destinations.started("dmp") for _ in range(4)]
    for probe in early[:3]:
        destinations.finished("dmp", True, probe)
    watch.push(10)
    assert destinations.started("dmp")
    destinations.finished("dmp", True, early[3])
    assert (destinations.state("dmp"), destinations.room("dmp")) == ("half-open", 0)
    destinations.finished("dmp", True, True)
    assert (destinations.state("dmp"), destinations.seconds("dmp")) == ("open", 20.0)


def test_a_late_answer_of_before_is_a_sign_of_life(watch: Watch) -> None:
    destinations = book(watch)
    early = [destinations.started("dmp") for _ in range(4)]
    for probe in early[:3]:
        destinations.finished("dmp", True, probe)
    assert destinations.state("dmp") == "open"
    destinations.finished("dmp", False, early[3])
    assert (destinations.state("dmp"), destinations.room("dmp")) == ("closed", 4)


def test_who_does_not_say_whether_it_was_the_probe_is_taken_for_it(watch: Watch) -> None:
    destinations = broken(watch)
    watch.push(10)
    destinations.started("dmp")
    destinations.finished("dmp", True)
    assert (destinations.state("dmp"), destinations.seconds("dmp")) == ("open", 20.0)


def test_no_failures_no_breaker(watch: Watch) -> None:
    destinations = book(watch, failures=0)
    for _ in range(50):
        call(destinations, True)
    assert destinations.room("dmp") == 4


def test_no_destination_no_breaker(watch: Watch) -> None:
    destinations = Destinations({"*": DestinationConfig(failures=1, rate=1.0)}, 4, watch)
    for _ in range(50):
        call(destinations, True, "")
    assert (destinations.room(""), destinations.state("")) == (4, "closed")


def test_each_change_is_told_once(watch: Watch) -> None:
    destinations, told = book(watch), list[BreakerState]()
    stop = destinations.subscribe(told.append)
    for _ in range(5):
        call(destinations, True)
    watch.push(10)
    call(destinations, True)
    watch.push(20)
    call(destinations, False)
    call(destinations, False)
    stop()
    for _ in range(3):
        call(destinations, True)
    assert [(state.name, state.state) for state in told] == [
        ("dmp", "open"),
        ("dmp", "half-open"),
        ("dmp", "open"),
        ("dmp", "half-open"),
        ("dmp", "closed"),
    ]
    # Opened once, whatever the probes say: the outage began then.
    assert [state.since for state in told] == [1000.0, 1000.0, 1000.0, 1000.0, 1030.0]


def test_states_tell_what_was_called(watch: Watch) -> None:
    destinations = broken(watch)
    destinations.started("identity")
    destinations.room("zam:A|B")
    assert destinations.states() == {
        "dmp": BreakerState("dmp", "open", 1000.0, 3, 0),
        "identity": BreakerState("identity", "closed", 1000.0, 0, 1),
    }


# -- rate ----------------------------------------------------------------------------------------------------------


def test_the_rate_is_a_token_bucket(watch: Watch) -> None:
    destinations = book(watch, rate=2.0, burst=3)
    assert destinations.room("dmp") == 3
    for _ in range(3):
        call(destinations, False)
    assert destinations.room("dmp") == 0
    assert destinations.seconds("dmp") == pytest.approx(0.5)
    watch.push(0.5)
    assert (destinations.room("dmp"), destinations.seconds("dmp")) == (1, 0.0)
    watch.push(3600)
    assert destinations.room("dmp") == 3


def test_a_probe_takes_a_token_too(watch: Watch) -> None:
    destinations = broken(watch, rate=0.01, failures=1)
    assert destinations.seconds("dmp") == pytest.approx(100)


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 20),
    steps=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
@settings(deadline=None)
def test_never_more_starts_than_the_rate_allows(rate: float, burst: int, steps: list[float]) -> None:
    watch = Watch()
    destinations = Destinations({"dmp": DestinationConfig(rate=rate, burst=burst)}, 1000, watch)
    starts = 0
    for pause in steps:
        watch.push(pause)
        for _ in range(destinations.room("dmp")):
            call(destinations, False)
            starts += 1
    assert starts <= burst + rate * (watch.now - 1000) + 1e-3


@given(rate=st.floats(0.01, 5000), burst=st.integers(1, 5))
@settings(deadline=None)
def test_after_the_seconds_told_there_is_room(rate: float, burst: int) -> None:
    watch = Watch()
    destinations = Destinations({"dmp": DestinationConfig(rate=rate, burst=burst)}, 8, watch)
    for _ in range(20):
        watch.push(destinations.seconds("dmp"))
        assert destinations.room("dmp") >= 1
        call(destinations, False)


# -- settings ------------------------------------------------------------------------------------------------------


def test_new_settings_count_at_once_and_forget_nothing(watch: Watch) -> None:
    destinations = broken(watch)
    destinations.started("identity")
    destinations.configure({"*": DestinationConfig(workers=2)}, 8)
    assert (destinations.state("dmp"), destinations.room("identity"), destinations.room("zam:A|B")) == ("open", 1, 2)
    watch.push(10)
    call(destinations, False)
    assert destinations.room("dmp") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", -1), ("rate", -0.1), ("burst", 0), ("cooldown", math.nan), ("longest", math.inf)],
)
def test_a_number_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError) as refused:
        replace(CONFIG, **{name: value})
    assert refused.value.context["name"].endswith(name)


def test_senders_without_end_do_not_fill_the_memory(watch: Watch) -> None:
    destinations = Destinations({"zam": DestinationConfig(failures=1)}, 4, watch)
    call(destinations, True, "zam:broken")
    for n in range(5000):
        call(destinations, False, f"zam:GAM{n}|CHU-X")
    assert len(destinations.states()) <= 1000
    assert destinations.state("zam:broken") == "open"


# -- many threads --------------------------------------------------------------------------------------------------


def test_counts_stay_true_under_many_threads() -> None:
    destinations = Destinations({"*": DestinationConfig(failures=0)}, 8)

    def work() -> None:
        for n in range(500):
            destinations.finished("dmp", bool(n % 2), destinations.started("dmp"))
            destinations.room("dmp")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (destinations.states()["dmp"].running, destinations.room("dmp")) == (0, 8)


class Breaker(RuleBasedStateMachine):
    """Random calls on one destination: whatever comes back, the promises hold."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = Watch()
        self.destinations = book(self.watch)
        self.out: list[bool] = []
        self.streak = 0

    @precondition(lambda self: self.destinations.room("dmp") > 0)
    @rule()
    def start(self) -> None:
        half_open = self.destinations.state("dmp") == "half-open"
        self.out.append(self.destinations.started("dmp"))
        assert self.out[-1] == half_open
        assert sum(self.out) <= 1

    @precondition(lambda self: bool(self.out))
    @rule(data=st.data(), unreachable=st.sampled_from([True, True, False, None]))
    def finish(self, data: st.DataObject, unreachable: bool | None) -> None:
        before = self.destinations.state("dmp")
        probe = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.destinations.finished("dmp", unreachable, probe)
        after = self.destinations.state("dmp")
        if unreachable is False:
            assert after == "closed"
        elif unreachable is None or (before != "closed" and not probe):
            assert after == before
        elif before != "closed" and probe:
            assert after == "open"
        if unreachable is not None:
            self.streak = self.streak + 1 if unreachable else 0

    @rule(seconds=st.sampled_from([0.0, 1.0, 10.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.watch.push(seconds)

    @invariant()
    def the_promises_hold(self) -> None:
        state, room = self.destinations.state("dmp"), self.destinations.room("dmp")
        seconds = self.destinations.seconds("dmp")
        assert 0 <= room <= CONFIG.workers - len(self.out)
        assert (room > 0) == (seconds == 0.0)
        assert 0 <= seconds <= CONFIG.longest or math.isinf(seconds)
        if state == "closed":
            assert room == CONFIG.workers - len(self.out)
        else:
            assert room <= (1 if state == "half-open" else 0)
            assert self.streak >= 1
        if self.streak < CONFIG.failures and not self.out and state != "closed":
            raise AssertionError("open without enough failures in a row")


Breaker.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBreaker = Breaker.TestCase
