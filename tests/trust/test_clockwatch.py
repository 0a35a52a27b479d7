"""A clock too far from the server's stops signing, and a mended one lets it go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.trust.clockwatch import MEMORY, POLLED_MEMORY, ClockWatch
from connector.trust.errors import ClockError
from tests.trust.material import NOW

SECOND = timedelta(seconds=1)


def watch(**offsets: float) -> ClockWatch:
    watching = ClockWatch(120)
    for source, offset in offsets.items():
        watching.observe(source, NOW + offset * SECOND, NOW)
    return watching


@pytest.mark.parametrize("offset", [0, 1, -1, 119, -119, 120, -120])
def test_within_the_limit(offset: float) -> None:
    watching = watch(dmp=offset)
    watching.check(NOW)
    (seen,) = watching.offsets(NOW)
    assert (seen.source, seen.seconds) == ("dmp", offset)


@pytest.mark.parametrize(("offset", "french", "english"), [(121, "retarde", "behind"), (-600, "avance", "ahead of")])
def test_beyond_the_limit(offset: float, french: str, english: str) -> None:
    with pytest.raises(ClockError) as caught:
        watch(dmp=offset).check(NOW)
    assert caught.value.context == {"source": "dmp", "offset_seconds": offset, "limit_seconds": 120}
    assert french in str(caught.value)
    assert english in str(caught.value)
    assert f"{abs(offset):.0f} s" in str(caught.value)


def test_a_measured_offset_counts_longer() -> None:
    watching = ClockWatch(120)
    assert watching.observe_offset("NTP", 121, NOW).seconds == 121
    assert not watching.trusted(NOW + POLLED_MEMORY)
    assert watching.trusted(NOW + POLLED_MEMORY + SECOND)


def test_nothing_seen_yet_lets_the_first_call_go() -> None:
    ClockWatch(1).check(NOW)


def test_the_worst_source_decides() -> None:
    with pytest.raises(ClockError) as caught:
        watch(ntp=0.1, dmp=300, mpi=-200).check(NOW)
    assert caught.value.context["source"] == "dmp"


def test_a_newer_observation_replaces_the_older() -> None:
    watching = watch(dmp=300)
    watching.observe("dmp", NOW + SECOND, NOW + SECOND)
    watching.check(NOW + SECOND)


def test_an_old_observation_lets_one_call_through() -> None:
    watching = watch(dmp=300)
    with pytest.raises(ClockError):
        watching.check(NOW + MEMORY)
    watching.check(NOW + MEMORY + SECOND)


def test_a_clock_set_back_forgets_what_it_saw() -> None:
    watching = watch(dmp=-300)
    watching.check(NOW - 300 * SECOND)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_the_limit_is_the_limit(offset: float, limit: float) -> None:
    watching = ClockWatch(limit)
    seen = watching.observe("dmp", NOW + offset * SECOND, NOW)
    assert watching.trusted(NOW) == (abs(seen.seconds) <= limit)
