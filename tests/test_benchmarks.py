"""The table of benchmarks: each goal names a figure that exists, and is judged from its own side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import assertion, hl7_read, letters, rendering, retention, submissions, xds_read
from benchmarks.__main__ import BENCHMARKS, GOALS, Goal, judge
from benchmarks.submissions_letters import size_of


def test_every_benchmark_has_a_line_and_every_line_a_benchmark() -> None:
    assert {goal.benchmark for goal in GOALS} == set(BENCHMARKS)


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("hl7_read", lambda: hl7_read.run(1, 1)),
        ("assertion", lambda: assertion.run(1, 1)),
        ("xds_read", lambda: xds_read.run(1)),
        ("rendering", lambda: rendering.run(1, 1)),
        ("letters", lambda: letters.run(6)),
        ("submissions", lambda: submissions.run({"50k": 2, "10m": 1})),
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


def test_the_steps_of_a_submission_add_up_to_it() -> None:
    found = submissions.measure("20k", 2, at_once=2)
    assert abs(found.bytes - 20_000) < 100
    assert all(wall > 0 for wall, _ in found.steps.values())
    assert sum(found.shares.values()) == pytest.approx(1)
    assert sum(wall for wall, _ in found.steps.values()) == pytest.approx(1000 / found.per_second, rel=0.05)
    assert found.per_second > 0
    assert found.at_once_per_second > 0


def test_the_suites_of_the_kit_are_timed_apart(cda_kit: Path) -> None:
    found = submissions.measure("20k", 1, kit=str(cda_kit))
    assert {"contrôles de structure", "XSD", "StructurationMinimale"} <= set(found.suites)
    assert found.kit_cpu > 0


@pytest.mark.parametrize("text", ["", "0k", "10", "1g", "-1k", "1.5m"])
def test_a_size_is_a_whole_number_of_thousands_or_millions(text: str) -> None:
    with pytest.raises(ValueError, match="a size is"):
        size_of(text)
