"""One good snapshot, one thing changed, one cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.watch.config import Thresholds
from connector.watch.evaluate import MOST_CODES, evaluate
from connector.watch.labels import OTHER, Labels, safe
from connector.watch.model import DestinationSeen, Disk, Drift, Snapshot, Waiting

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
GB = 10**9
GOOD = Snapshot(
    NOW,
    "",
    destinations={"dmp": DestinationSeen(False, LONG_AGO, True)},
    disk=Disk(50 * GB, 100 * GB),
    certificates={"SIGN": NOW + timedelta(days=90)},
    drift=Drift("NTP", 1.0, 120.0),
    queues={"dmp": NOW - timedelta(minutes=5)},
    followers={"atna": Waiting(3, NOW - timedelta(minutes=1))},
)
LIMITS = Thresholds()


def test_all_is_well() -> None:
    assert evaluate(GOOD, LIMITS) == set()


def days(left: float) -> dict[str, datetime]:
    return {"SIGN": NOW + timedelta(days=left)}


CASES: list[tuple[dict[str, Any], str, str, int]] = [
    ({"destinations": {"dmp": DestinationSeen(True, NOW, False)}}, "destination:dmp", "critical", 0),
    ({"engine": "routing: JournalError"}, "engine", "critical", 0),
    ({"store": "disque plein"}, "store", "critical", 0),
    ({"store": "disque plein", "node": "a"}, "store@a", "critical", 0),
    ({"disk": Disk(GB // 2, 4 * GB)}, "disk", "critical", 0),
    ({"disk": Disk(40 * GB, 1000 * GB)}, "disk", "critical", 0),
    ({"certificates": days(59)}, "certificate:SIGN", "warning", 1),
    ({"certificates": days(29)}, "certificate:SIGN", "warning", 2),
    ({"certificates": days(6)}, "certificate:SIGN", "critical", 3),
    ({"certificates": days(-1)}, "certificate:SIGN", "critical", 4),
    ({"drift": Drift("NTP", -61.0, 120.0)}, "clock", "warning", 0),
    ({"drift": Drift("NTP", 121.0, 120.0)}, "clock", "critical", 1),
    ({"dead": {"transport": Waiting(7, LONG_AGO)}}, "dead:transport", "critical", 0),
    ({"configuration": {"configuration.X": Waiting(7, LONG_AGO)}}, "hold:configuration.X", "critical", 0),
    ({"routing_failures": Waiting(1, LONG_AGO)}, "routing", "critical", 0),
    ({"queues": {"dmp": LONG_AGO}}, "queue:dmp", "warning", 0),
    ({"followers": {"atna": Waiting(3, LONG_AGO)}}, "follower:atna", "warning", 0),
    ({"lost": {"node-b": NOW - timedelta(seconds=5)}}, "node:node-b", "critical", 0),
]


@pytest.mark.parametrize(("change", "cause", "severity", "level"), CASES, ids=[f"{c[1]}-{c[3]}" for c in CASES])
def test_one_thing_wrong_is_one_cause(change: dict[str, Any], cause: str, severity: str, level: int) -> None:
    (found,) = evaluate(replace(GOOD, **change), LIMITS)
    assert (found.cause, found.severity, found.level, found.doubtful) == (cause, severity, level, False)
    assert found.title
    assert found.text
    assert found.advice


def test_a_breaker_closed_by_a_restart_proves_nothing() -> None:
    waiting = replace(GOOD, destinations={}, unreachable={"dmp": 12})
    (found,) = evaluate(waiting, LIMITS)
    assert (found.cause, found.doubtful) == ("destination:dmp", True)
    answered = replace(waiting, destinations={"dmp": DestinationSeen(False, NOW, True)})
    assert evaluate(answered, LIMITS) == set()


def test_a_server_with_a_thousand_codes_makes_no_flood() -> None:
    dead = {f"code-{n}": Waiting(1, NOW - timedelta(minutes=n)) for n in range(1000)}
    found = evaluate(replace(GOOD, dead=dead), LIMITS)
    assert len(found) == MOST_CODES + 1
    assert f"dead:{OTHER}" in {condition.cause for condition in found}


HOSTILE = [
    "279035121518989",
    "PAT-TROIS^DOMINIQUE",
    "<ClinicalDocument>",
    "é" * 80,
    "a" * 65,
    "",
    "x\ny",
    "1979032863220",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_does_not_look_like_a_code_is_other(name: str) -> None:
    assert safe(name) == OTHER


@pytest.mark.parametrize("name", ["transport", "identity.not-qualified", "zam:SGL|CHU-X", "XDSRepositoryError", "906"])
def test_what_looks_like_a_code_keeps_its_name(name: str) -> None:
    assert safe(name) == name


@given(st.lists(st.text(max_size=80)))
def test_labels_never_grow_beyond_their_limit(names: list[str]) -> None:
    labels = Labels(5)
    seen = {labels(name) for name in names}
    assert len(seen - {OTHER, ""}) <= 5
    assert all(safe(name) in (name, OTHER) for name in seen if name)
