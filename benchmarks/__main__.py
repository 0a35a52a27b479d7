"""`python -m benchmarks`: every benchmark in one go; `--json` for machines.

Each figure is a median ratio to a floor measured in the same run, on the same machine: the disk's own fsync, a bare
signature, a plain split, lxml alone, bare requests. A goal that is missed is said, and fails nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from benchmarks import (
    accept,
    assertion,
    durable_ack,
    end_to_end,
    hl7_read,
    letters,
    mtom,
    rendering,
    submissions,
    xds_read,
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What one figure of a benchmark should be: `bound` is met from the side `sense` says; None is no goal."""

    benchmark: str
    figure: str
    title: str
    sense: Literal["≤", "≥"] = "≤"
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `met` is None without a goal."""

    benchmark: str
    title: str
    ratio: float
    goal: str
    met: bool | None


BENCHMARKS: Mapping[str, Callable[[], dict[str, float]]] = {
    "hl7_read": hl7_read.run,
    "assertion": assertion.run,
    "xds_read": xds_read.run,
    "mtom": mtom.run,
    "rendering": rendering.run,
    "submissions": submissions.run,
    "letters": letters.run,
    "accept": accept.run,
    "durable_ack": durable_ack.run,
    "end_to_end": end_to_end.run,
}
GOALS = (
    Goal("hl7_read", "ratio", "an admission read / split whole", "≤", 3.0),
    Goal("assertion", "ratio", "signed VIHF / RSA-2048 signature", "≤", 3.0),
    Goal("xds_read", "ratio", "500 documents read / lxml into dicts", "≤", 1.3),
    Goal("mtom", "sent_ratio", "50 MB sent / bare requests", "≤", 1.3),
    Goal("mtom", "received_ratio", "50 MB received / bare requests", "≤", 1.3),
    Goal("rendering", "ratio", "a letter as a page / parsed and serialised", "≤", 6.0),
    Goal("submissions", "50k CPU / floors", "50 kB letter: CPU / bare signatures, post", "≤", 5.0),
    Goal("submissions", "10m CPU / floors", "10 MB letter: CPU / bare digest, post", "≤", 3.5),
    Goal("submissions", "10m memory / document", "10 MB letter: memory / document", "≤", 5.0),
    Goal("letters", "letters per second", "letters made, checked, sent, per second", "≥", 20),
    Goal("letters", "CPU / floors", "a letter: CPU / warm checks, two signatures", "≤", 1.5),
    Goal("accept", "accept, 50 waiting / floor", "journal rows, 50 waiting / fsync", "≥", 3.0),
    Goal("accept", "accept, 1 waiting / floor", "journal rows, 1 waiting / fsync", "≥", 0.6),
    Goal("accept", "engine / floor", "deliveries routed and done / fsync"),
    Goal("durable_ack", "50 connections / floor", "durable AA, 50 connections / fsync", "≥", 3.0),
    Goal("durable_ack", "1 connections / floor", "durable AA, 1 connection / fsync", "≥", 0.6),
    Goal("end_to_end", "done per second", "ADT asked and done, per second", "≥", 1000),
    Goal("end_to_end", "p99 / p50", "AA at half that rate, p99 / p50", "≤", 5.0),
)


def run() -> dict[str, dict[str, float]]:
    """Every figure of every benchmark, and the seconds each took."""
    figures = {}
    for name, benchmark in BENCHMARKS.items():
        began = time.perf_counter()
        found = benchmark()
        figures[name] = {**found, "seconds": time.perf_counter() - began}
    return figures


def judge(goal: Goal, ratio: float) -> Line:
    """`ratio` beside its goal."""
    if goal.bound is None:
        return Line(goal.benchmark, goal.title, ratio, "-", None)
    met = ratio <= goal.bound if goal.sense == "≤" else ratio >= goal.bound
    return Line(goal.benchmark, goal.title, ratio, f"{goal.sense} {goal.bound:g}", met)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios to floors of the same machine.")
    parser.add_argument("--json", action="store_true", help="results and every figure as JSON")
    as_json: bool = parser.parse_args().json
    figures = run()
    lines = [judge(goal, figures[goal.benchmark][goal.figure]) for goal in GOALS]
    if as_json:
        print(json.dumps({"results": [asdict(line) for line in lines], "figures": figures}, indent=2))
        return
    words = {True: "met", False: "not met", None: ""}
    print(f"{'benchmark':12} {'median ratio of':38} {'ratio':>7} {'goal':>7}")
    for line in lines:
        text = f"{line.benchmark:12} {line.title:38} {line.ratio:7.2f} {line.goal:>7}  {words[line.met]}"
        print(text.rstrip())
    print(f"{sum(found['seconds'] for found in figures.values()):.0f} seconds")


if __name__ == "__main__":
    main()
