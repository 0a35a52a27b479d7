"""The table of benchmarks: each goal names a figure that exists, and is judged from its own side."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import assertion, hl7_read, retention, xds_read
from benchmarks.__main__ import BENCHMARKS, GOALS, Goal, judge


def test_every_benchmark_has_a_line_and_every_line_a_benchmark() -> None:
    assert {goal.benchmark for goal in GOALS} == set(BENCHMARKS)


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("hl7_read", lambda: hl7_read.run(1, 1)),
        ("assertion", lambda: assertion.run(1, 1)),
        ("xds_read", lambda: xds_read.run(1)),
    ],
)
def test_the_figure_of_a_goal_is_measured(name: str, run: Callable[[], dict[str, float]]) -> None:
    figures = run()
    assert all(figures[goal.figure] > 0 for goal in GOALS if goal.benchmark == name)


@pytest.mark.parametrize(
    ("goal", "ratio", "words", "met"),
    [
        (Goal("b", "f", "t", "≤", 1.3), 1.3, "≤ 1.3", True),
        (Goal("b", "f", "t", "≤", 1.3), 1.31, "≤ 1.3", False),
        (Goal("b", "f", "t", "≥", 3.0), 3.0, "≥ 3", True),
        (Goal("b", "f", "t", "≥", 3.0), 2.9, "≥ 3", False),
        (Goal("b", "f", "t"), 2.9, "-", None),
    ],
)
def test_a_goal_is_judged_from_its_side(goal: Goal, ratio: float, words: str, met: bool | None) -> None:
    line = judge(goal, ratio)
    assert (line.goal, line.met) == (words, met)


def test_retention_is_measured_at_work() -> None:
    figures = retention.run(messages=300, rate=50, seconds=0.4, rounds=1)
    assert figures["rows removed per second"] > 0
    assert figures["p99 ms, retention at work"] > 0
