"""What is, read at each scrape: queues from the rows that drive the work, breakers, certificates, clock, nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from connector.base.clock import Clock
from connector.base.logs import logger
from connector.journal import Journal, JournalError
from connector.journal.model import unstamp
from connector.journal.queue import counts
from connector.watch import queues
from connector.watch.counters import MOST_DESTINATIONS
from connector.watch.gather import Sources
from connector.watch.labels import Labels
from connector.watch.limited import Limited, Silent

READ_SECONDS: Final = 5.0
"""A scrape answers without the journal's figures when the journal takes longer."""
FRESH_SECONDS: Final = 1.0
"""Scrapes closer than this share one reading."""

_BREAKER: Final = {"closed": 0, "half-open": 1, "open": 2}


class Gauges(Collector):
    """A scrape never fails: figures the journal does not give are absent, and connector_journal_readable is 0."""

    def __init__(self, journal: Journal, sources: Sources, clock: Clock) -> None:
        self._journal = journal
        self._sources = sources
        self._clock = clock
        self._destinations = Labels(MOST_DESTINATIONS)
        self._read = Limited(self._read_journal, READ_SECONDS, FRESH_SECONDS)
        self._log = logger("metrics")

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the journal."""
        return ()

    def close(self) -> None:
        self._read.close()

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        readable = GaugeMetricFamily(
            "connector_journal_readable", "1 when the figures of the journal are in this scrape"
        )
        try:
            rows = self._read()
        except (Silent, JournalError) as error:
            self._log.warning("journal not read for the metrics", error=type(error).__name__)
            readable.add_metric([], 0)
        else:
            readable.add_metric([], 1)
            yield from rows
        yield readable
        yield from self._process(now)

    # -- of the journal ----------------------------------------------------------------------------------------------

    def _read_journal(self) -> list[Metric]:
        now = self._clock()
        return [*self._queues(now), *self._router(now), *self._alerts(), *self._nodes(now), self._size()]

    def _queues(self, now: datetime) -> list[Metric]:
        depth = GaugeMetricFamily("connector_queue", "Deliveries not done", labels=["destination", "state"])
        age = GaugeMetricFamily(
            "connector_queue_oldest_seconds", "Age of the oldest of them, since creation or replay",
            labels=["destination", "state"],
        )  # fmt: skip
        found: dict[tuple[str, str], tuple[int, datetime]] = {}
        for row in counts(self._journal):
            key = (self._destinations(row.destination), row.state)
            count, oldest = found.get(key, (0, row.oldest))
            found[key] = (count + row.count, min(oldest, row.oldest))
        for (destination, state), (count, oldest) in found.items():
            depth.add_metric([destination, state], count)
            age.add_metric([destination, state], _age(oldest, now))
        return [depth, age]

    def _router(self, now: datetime) -> list[Metric]:
        waiting, failed = queues.unrouted(self._journal), queues.routing_failures(self._journal)
        depth = GaugeMetricFamily("connector_messages_waiting", "Accepted messages the router has not seen yet")
        depth.add_metric([], waiting.count if waiting else 0)
        age = GaugeMetricFamily("connector_messages_oldest_seconds", "Age of the oldest of them")
        age.add_metric([], _age(waiting.oldest, now) if waiting else 0)
        failures = GaugeMetricFamily("connector_routing_failures", "Accepted messages the router could not treat")
        failures.add_metric([], failed.count if failed else 0)
        return [depth, age, failures]

    def _alerts(self) -> list[Metric]:
        active = GaugeMetricFamily("connector_alert", "1 for each cause that lasts", labels=["cause", "severity"])
        for row in self._journal.query("SELECT cause, severity FROM alert WHERE cleared_at = '' ORDER BY cause"):
            active.add_metric([row["cause"], row["severity"]], 1)
        unsent = GaugeMetricFamily(
            "connector_notices_waiting", "Notices their channel has not taken yet", labels=["channel"]
        )
        for row in self._journal.query("SELECT channel, count(*) AS n FROM alert_notice GROUP BY channel"):
            unsent.add_metric([row["channel"]], row["n"])
        return [active, unsent]

    def _nodes(self, now: datetime) -> list[Metric]:
        lease = GaugeMetricFamily(
            "connector_node_lease_seconds", "Seconds left of each node's lease, negative once lost",
            labels=["node", "role"],
        )  # fmt: skip
        for row in self._journal.query("SELECT name, role, lease_until FROM node ORDER BY name"):
            lease.add_metric([row["name"], row["role"]], (unstamp(row["lease_until"]) - now).total_seconds())
        return [lease]

    def _size(self) -> Metric:
        size = GaugeMetricFamily("connector_journal_bytes", "Size of the journal in its database")
        size.add_metric([], queues.size(self._journal))
        return size

    # -- of the process ----------------------------------------------------------------------------------------------

    def _process(self, now: datetime) -> Iterator[Metric]:
        breakers = GaugeMetricFamily(
            "connector_breaker", "Circuit breaker: 0 closed, 1 half-open, 2 open", labels=["destination"]
        )
        states = self._sources.breakers() if self._sources.breakers else {}
        worst: dict[str, int] = {}
        for name, seen in states.items():
            label = self._destinations(name)
            worst[label] = max(worst.get(label, 0), _BREAKER.get(seen.state, 2))
        for label, value in sorted(worst.items()):
            breakers.add_metric([label], value)
        yield breakers
        days = GaugeMetricFamily("connector_certificate_days", "Days left per certificate", labels=["certificate"])
        for name, until in self._sources.certificates().items():
            days.add_metric([name], (until - now).total_seconds() / 86400)
        yield days
        drift = GaugeMetricFamily(
            "connector_clock_offset_seconds", "Offset per source, positive: ours is late", labels=["source"]
        )
        for offset in self._sources.clockwatch.offsets(now) if self._sources.clockwatch else ():
            drift.add_metric([offset.source], offset.seconds)
        yield drift


def _age(oldest: datetime, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds())
