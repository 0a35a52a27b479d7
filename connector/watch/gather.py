"""What one process sees of itself and of the journal, for `evaluate`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from connector.base.clock import Clock
from connector.journal import Journal, JournalError
from connector.journal.model import stamp, unstamp
from connector.trust.clockwatch import ClockWatch
from connector.watch import queues
from connector.watch.limited import Limited, Silent
from connector.watch.model import DestinationSeen, Disk, Drift, Snapshot, Waiting

FROM_ROWS: Final = frozenset({"dead", "hold", "routing", "queue", "follower", "node"})
"""Families of causes that only a readable journal shows."""
STORE_SECONDS: Final = 10.0
"""How long the journal may take to answer before it counts as not answering."""


class BreakerState(Protocol):
    """What is read of connector.journal.engine.destinations.BreakerState; `since` is a monotonic instant."""

    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a process looks. What it does not have (a listener has no destinations) it does not judge.

    breakers      state of each destination's breaker, by name
    engine        French words for what stops the engine, "" when all is well
    certificates  end of validity (aware) by name
    disk          folder of the journal, None when it is on another machine
    """

    breakers: Callable[[], Mapping[str, BreakerState]] | None = None
    engine: Callable[[], str] | None = None
    certificates: Callable[[], Mapping[str, datetime]] = dict
    clockwatch: ClockWatch | None = None
    disk: Path | None = None


@dataclass(slots=True)
class _Breaker:
    open: bool
    since: datetime
    answered: bool


class Gatherer:
    """Called from one thread; a journal that does not answer costs STORE_SECONDS, then nothing until it does."""

    def __init__(self, journal: Journal, sources: Sources, *, clock: Clock, node: str = "") -> None:
        self._journal = journal
        self._sources = sources
        self._clock = clock
        self._node = node
        self._breakers: dict[str, _Breaker] = {}
        self._writable = Limited(self._write, STORE_SECONDS, fresh=1.0)
        self._rows = Limited(self._read, STORE_SECONDS)

    def __call__(self) -> Snapshot:
        now = self._clock()
        snapshot = Snapshot(
            now,
            self._node,
            engine=self._sources.engine() if self._sources.engine else "",
            store=self.store_trouble(),
            disk=self._disk(),
            certificates=self._sources.certificates(),
            drift=self._drift(now),
            destinations=self._destinations(now),
        )
        blind = set() if self._sources.breakers else {"destination"}
        try:
            seen = self._rows()
        except (Silent, JournalError):
            return replace(snapshot, blind=frozenset(blind | FROM_ROWS | {"destination"}))
        return replace(
            snapshot,
            unreachable=seen.failed,
            dead=seen.dead,
            configuration=seen.configuration,
            routing_failures=seen.routing_failures,
            queues=seen.queues,
            followers=seen.followers,
            lost=seen.nodes.lost,
            missing=seen.nodes.missing,
            nodes=seen.nodes.machines,
            blind=frozenset(blind),
        )

    def close(self) -> None:
        self._writable.close()
        self._rows.close()

    def answered(self, destination: str) -> None:
        """A delivery of `destination` came to its end: it answers. From any thread."""
        self._breakers.setdefault(destination, _Breaker(False, self._clock(), True)).answered = True

    def store_trouble(self) -> str:
        """French words for what keeps the journal from being written, "" when a row was written just now."""
        try:
            self._writable()
        except Silent:
            return f"le journal ne répond pas depuis plus de {STORE_SECONDS:.0f} s"
        except JournalError as error:
            return f"écriture refusée : {error.context.get('cause', 'JournalError')}"
        return ""

    def _write(self) -> None:
        name, value = f"writable@{self._node}", stamp(self._clock())
        self._journal.transact(lambda tx: tx.execute(_WRITE, (name, value)) and None)

    def _disk(self) -> Disk | None:
        if self._sources.disk is None:
            return None
        usage = shutil.disk_usage(self._sources.disk)
        return Disk(usage.free, usage.total)

    def _drift(self, now: datetime) -> Drift | None:
        watch = self._sources.clockwatch
        widest = next(iter(watch.offsets(now)), None) if watch else None
        return Drift(widest.source, widest.seconds, watch.limit_seconds) if watch and widest else None

    def _destinations(self, now: datetime) -> dict[str, DestinationSeen]:
        states = self._sources.breakers() if self._sources.breakers else {}
        for name, state in states.items():
            is_open = state.state != "closed"
            known = self._breakers.setdefault(name, _Breaker(False, now, False))
            if known.open and not is_open:
                # its breaker closed before our eyes: a probe came back
                known.answered = True
            if is_open != known.open:
                known.open, known.since = is_open, now
                known.answered &= not is_open
        seen = list(self._breakers.items())
        return {name: DestinationSeen(one.open, one.since, one.answered) for name, one in seen}

    def _read(self) -> _Rows:
        journal = self._journal
        waiting = queues.codes(journal)
        return _Rows(
            dead=waiting["dead"],
            configuration={code: seen for code, seen in waiting["held"].items() if _is_ours(code)},
            routing_failures=queues.routing_failures(journal),
            queues=queues.startable(journal),
            followers=_followers(journal),
            nodes=_nodes(journal),
            failed=queues.failed(journal),
        )


@dataclass(frozen=True, slots=True)
class _Nodes:
    lost: Mapping[str, datetime] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    machines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Rows:
    dead: Mapping[str, Waiting]
    configuration: Mapping[str, Waiting]
    routing_failures: Waiting | None
    queues: Mapping[str, datetime]
    followers: Mapping[str, Waiting]
    nodes: _Nodes
    failed: Mapping[str, int]


_WRITE: Final = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
# The leases are dated by the database's clock, and only that clock may say that they are over.
_NODES: Final = (
    "SELECT host, role, lease_until, lease_until::timestamptz < clock_timestamp() AS ended FROM node"
    " ORDER BY lease_until"
)
_LOST: Final = "SELECT cause FROM alert WHERE cleared_at = '' AND told <> '' AND cause >= 'node:' AND cause < 'node;'"


def _is_ours(code: str) -> bool:
    """A hold an administrator ends (connector.flows.outcomes), not one that waits for a patient's data."""
    return code == "configuration" or code.startswith("configuration.")


def _nodes(journal: Journal) -> _Nodes:
    """The roll of a store that several processes share; empty for one file. One living process ends the loss."""
    if journal.config.url.dialect == "sqlite":
        return _Nodes()
    rows = [(f"{row['host']}/{row['role']}", row) for row in journal.query(_NODES)]
    alive = {name for name, row in rows if not row["ended"]}
    told = {row["cause"].removeprefix("node:") for row in journal.query(_LOST)}
    return _Nodes(
        lost={name: unstamp(row["lease_until"]) for name, row in rows if row["ended"]},
        missing=frozenset(told - alive),
        machines=frozenset(row["host"] for _, row in rows if not row["ended"]),
    )


def _followers(journal: Journal) -> dict[str, Waiting]:
    found: dict[str, Waiting] = {}
    for row in journal.query("SELECT name, position FROM follower"):
        sql = "SELECT count(*) AS n, min(at) AS oldest FROM audit WHERE id > ?"
        behind: Any = journal.query(sql, (row["position"],))[0]
        if behind["n"]:
            found[row["name"]] = Waiting(behind["n"], unstamp(behind["oldest"]))
    return found
