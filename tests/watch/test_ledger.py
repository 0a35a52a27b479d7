"""The step that decides what is told: any sequence of presence and absence, told like a light switch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connector.watch.config import AlertsConfig
from connector.watch.ledger import Alert, gone, seen, turn
from connector.watch.model import Condition, NoticeKind
from tests.watch.test_evaluate import NOW

DOWN = Condition("destination:dmp", "critical", "Le DMP ne répond plus", "texte", "conseil")
CONFIG = AlertsConfig(every_seconds=10, raise_seconds=0, clear_seconds=60)


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def story(moments: Sequence[tuple[float, bool]], config: AlertsConfig = CONFIG) -> list[tuple[float, NoticeKind]]:
    """(seconds, present) → (seconds, kind of notice)."""
    alert: Alert | None = None
    told: list[tuple[float, NoticeKind]] = []
    for moment, present in moments:
        notice = None
        if present:
            alert, notice = seen(alert, DOWN, NOW + at(moment), config)
        elif alert is not None and alert.active:
            alert, notice = gone(alert, NOW + at(moment), config)
        if notice is not None:
            told.append((moment, notice.kind))
    return told


def test_one_notice_and_one_recovery() -> None:
    moments = [(10.0 * n, n < 100) for n in range(200)]
    assert story(moments) == [(0, "raised"), (1050, "cleared")]


def test_a_flapping_cause_is_one_cause() -> None:
    moments = [(10.0 * n, n % 3 == 0) for n in range(100)] + [(2000.0, False)]
    assert story(moments) == [(0, "raised"), (2000, "cleared")]


def test_a_cause_that_does_not_last_is_not_told() -> None:
    slow = AlertsConfig(raise_seconds=30, clear_seconds=60)
    assert story([(0, True), (10, True), (20, False), (90, False)], slow) == []
    assert story([(0, True), (10, True), (30, True), (100, False)], slow) == [(30, "raised"), (100, "cleared")]


def test_it_comes_back_as_a_new_one() -> None:
    moments = [(0, True), (100, False), (200, True), (300, False)]
    assert [kind for _, kind in story(moments)] == ["raised", "cleared", "raised", "cleared"]


def test_reminders_only_where_asked_for() -> None:
    moments = [(10.0 * n, True) for n in range(20)]
    assert story(moments) == [(0, "raised")]
    asked = AlertsConfig(clear_seconds=60, remind_seconds=100)
    assert story(moments, asked) == [(0, "raised"), (100, "reminder")]


def test_worse_is_told_once_and_better_is_not() -> None:
    alert: Alert | None = None
    kinds = []
    for level in (1, 1, 2, 1, 2, 3):
        condition = Condition("certificate:SIGN", "warning", "t", "t", "a", level=level)
        alert, notice = seen(alert, condition, NOW, CONFIG)
        kinds.append(notice.kind if notice else "")
    assert kinds == ["raised", "", "worse", "", "", "worse"]


def test_a_clock_set_back_ends_a_cause_all_the_same() -> None:
    alert, _ = seen(None, DOWN, NOW, CONFIG)
    assert alert is not None
    over, notice = gone(alert, NOW - timedelta(days=1), CONFIG)
    assert over is not None
    assert notice is not None
    assert (over.active, notice.kind) == (False, "cleared")


def test_a_doubtful_condition_raises_nothing_and_ends_nothing() -> None:
    doubtful = Condition("destination:dmp", "critical", "t", "t", "a", doubtful=True)
    assert turn({}, [doubtful], set(), NOW, CONFIG).notices == ()
    alert, _ = seen(None, DOWN, NOW, CONFIG)
    assert alert is not None
    assert turn({alert.cause: alert}, [doubtful], set(), NOW + at(3600), CONFIG).notices == ()


@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=60),
    st.sampled_from([0, 25]),
    st.sampled_from([0, 30, 90]),
)
def test_notices_alternate_whatever_happens(steps: list[tuple[int, bool]], hold: int, clear: int) -> None:
    moments, now = [], 0.0
    for delay, present in steps:
        now += delay
        moments.append((now, present))
    told = story(moments, AlertsConfig(raise_seconds=hold, clear_seconds=clear))
    assert [kind for _, kind in told] == [("raised", "cleared")[n % 2] for n in range(len(told))]
    gaps = [later - earlier for (earlier, first), (later, _) in pairwise(told) if first == "raised"]
    assert all(gap >= clear for gap in gaps)
