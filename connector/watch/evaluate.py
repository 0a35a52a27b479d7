"""From what is seen to what is wrong: one pure function, one small rule per cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from connector.watch import french
from connector.watch.config import Thresholds
from connector.watch.labels import OTHER, safe
from connector.watch.model import Condition, Snapshot, Waiting

Rule = Callable[[Snapshot, Thresholds], Iterator[Condition]]

MOST_CODES: Final = 20
"""Causes per family; what comes on top is one cause more, so that no server can make a flood of codes."""


def evaluate(snapshot: Snapshot, thresholds: Thresholds) -> set[Condition]:
    """The conditions that hold. Causes that only one machine can see carry its name (`disk@node`)."""
    return {condition for rule in RULES for condition in rule(snapshot, thresholds)}


def place_of(cause: str) -> str:
    """The node that alone sees `cause`, "" for a cause that all see or where there is but one process."""
    return cause.partition("@")[2]


def _here(cause: str, snapshot: Snapshot) -> str:
    return f"{cause}@{snapshot.node}" if snapshot.node else cause


def _destinations(snapshot: Snapshot, _: Thresholds) -> Iterator[Condition]:
    for name in snapshot.destinations.keys() | snapshot.unreachable.keys():
        seen = snapshot.destinations.get(name)
        is_open = seen is not None and seen.open
        unproved = snapshot.unreachable.get(name, 0) > 0 and not (seen and seen.answered)
        if name and (is_open or unproved):
            words = french.destination(safe(name))
            yield Condition(f"destination:{safe(name)}", "critical", *words, doubtful=not is_open)


def _engine(snapshot: Snapshot, _: Thresholds) -> Iterator[Condition]:
    if snapshot.engine:
        yield Condition(_here("engine", snapshot), "critical", *french.engine(snapshot.engine))


def _store(snapshot: Snapshot, _: Thresholds) -> Iterator[Condition]:
    if snapshot.store:
        yield Condition(_here("store", snapshot), "critical", *french.store(snapshot.store))


def _disk(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Condition]:
    disk = snapshot.disk
    if disk and (disk.free < thresholds.disk_free_bytes or disk.free < disk.total * thresholds.disk_free_ratio):
        yield Condition(_here("disk", snapshot), "critical", *french.disk(disk))


def _certificates(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Condition]:
    steps = sorted(thresholds.certificate_days, reverse=True)
    for name, until in snapshot.certificates.items():
        left = until - snapshot.now
        level = sum(left <= timedelta(days=days) for days in steps)
        if left <= timedelta(0):
            words = french.certificate_expired(name, until)
            yield Condition(f"certificate:{name}", "critical", *words, level=len(steps) + 1)
        elif level:
            words = french.certificate_expiring(name, until, left)
            last = level == len(steps)
            yield Condition(f"certificate:{name}", "critical" if last else "warning", *words, level=level)


def _drift(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Condition]:
    drift = snapshot.drift
    if drift is None or abs(drift.seconds) <= drift.limit * thresholds.clock_ratio:
        return
    beyond = abs(drift.seconds) > drift.limit
    words = french.drift(drift, beyond)
    yield Condition(_here("clock", snapshot), "critical" if beyond else "warning", *words, level=int(beyond))


def _dead(snapshot: Snapshot, _: Thresholds) -> Iterator[Condition]:
    for code, waiting in _bounded(snapshot.dead).items():
        yield Condition(f"dead:{code}", "critical", *french.dead(code, waiting))


def _configuration(snapshot: Snapshot, _: Thresholds) -> Iterator[Condition]:
    for code, waiting in _bounded(snapshot.configuration).items():
        yield Condition(f"hold:{code}", "critical", *french.configuration(code, waiting))


def _bounded(codes: Mapping[str, Waiting]) -> Mapping[str, Waiting]:
    """The codes met first under their own name, the others together."""
    kept: dict[str, Waiting] = {}
    for code, waiting in sorted(codes.items(), key=lambda item: (item[1].oldest, item[0])):
        name = safe(code or "none")
        if name not in kept and len(kept) >= MOST_CODES:
            name = OTHER
        known = kept.get(name)
        oldest = min(known.oldest, waiting.oldest) if known else waiting.oldest
        kept[name] = Waiting(waiting.count + (known.count if known else 0), oldest)
    return kept


def _routing(snapshot: Snapshot, _: Thresholds) -> Iterator[Condition]:
    if snapshot.routing_failures:
        yield Condition("routing", "critical", *french.routing(snapshot.routing_failures))


def _queues(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Condition]:
    if not thresholds.queue_seconds:
        return
    for name, oldest in snapshot.queues.items():
        if (snapshot.now - oldest).total_seconds() > thresholds.queue_seconds:
            yield Condition(f"queue:{safe(name)}", "warning", *french.queue(safe(name), oldest))


def _followers(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Condition]:
    for name, waiting in snapshot.followers.items():
        if (snapshot.now - waiting.oldest).total_seconds() > thresholds.follower_seconds:
            yield Condition(f"follower:{safe(name)}", "warning", *french.follower(safe(name), waiting))


def _nodes(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Condition]:
    for name, until in snapshot.lost.items():
        if (snapshot.now - until).total_seconds() > thresholds.node_seconds:
            yield Condition(f"node:{safe(name)}", "critical", *french.node(safe(name), until))
    for name in snapshot.missing - snapshot.lost.keys():
        yield Condition(f"node:{safe(name)}", "critical", *french.node(safe(name), snapshot.now), doubtful=True)


RULES: Final[tuple[Rule, ...]] = (
    _destinations,
    _engine,
    _store,
    _disk,
    _certificates,
    _drift,
    _dead,
    _configuration,
    _routing,
    _queues,
    _followers,
    _nodes,
)
