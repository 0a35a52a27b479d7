"""The watch of one process: alerts, metrics, health, wired once and started with the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from connector.base.clock import Clock, UuidFactory
from connector.journal import Journal
from connector.journal.model import Committed
from connector.trust.clockwatch import ClockWatch
from connector.trust.errors import ClockError
from connector.watch.channels import open_channels
from connector.watch.config import AlertsConfig
from connector.watch.counters import Counters
from connector.watch.gather import Gatherer, Sources
from connector.watch.gauges import Gauges
from connector.watch.health import Check, Health, Report
from connector.watch.watcher import Watcher

_ANSWERS = frozenset({"succeed", "refuse"})
"""Moves that prove that a destination answered."""


class Watch:
    """`start` after the journal is open, `stop` before it is closed.

    alive, ready   checks of the process and of its role, besides the journal's own. Raises SettingsError when a
                   channel names a secret that is not in the environment.
    """

    def __init__(
        self,
        journal: Journal,
        config: AlertsConfig,
        sources: Sources,
        *,
        clock: Clock,
        uuid_factory: UuidFactory,
        counters: Counters | None = None,
        registry: CollectorRegistry | None = None,
        alive: Mapping[str, Check] | None = None,
        ready: Mapping[str, Check] | None = None,
        node: str = "",
    ) -> None:
        self.registry = registry or CollectorRegistry()
        self.counters = counters or Counters(self.registry)
        self._journal = journal
        channels = open_channels(config.smtp, config.webhook)
        self._gatherer = Gatherer(journal, sources, clock=clock, node=node)
        self._watcher = Watcher(journal, self._gatherer, channels, config, clock=clock, uuid_factory=uuid_factory)
        self._gauges = Gauges(journal, sources, clock)
        self.registry.register(self._gauges)
        ProcessCollector(registry=self.registry)
        certificates = certificate_check(sources, clock)
        self.health = Health(
            dict(alive or {}),
            {
                "store": self._gatherer.store_trouble,
                "certificates": certificates,
                "clock": clock_check(sources.clockwatch, clock),
            }
            | dict(ready or {}),
        )
        self._unsubscribe = journal.subscribe(self._on_commit)

    def start(self) -> None:
        self._watcher.start()

    def stop(self) -> None:
        """Safe to repeat. Notices not yet sent stay in the journal for the next start."""
        self._unsubscribe()
        self._watcher.stop()
        self._gatherer.close()
        self._gauges.close()
        self.health.close()

    def configure(self, config: AlertsConfig) -> None:
        """New settings from the next round on. Raises SettingsError like the start, and then nothing changed."""
        self._watcher.configure(open_channels(config.smtp, config.webhook), config)

    def alive(self) -> Report:
        """Whether this process is worth keeping."""
        return self.health.alive()

    def ready(self) -> Report:
        """Whether it can do the work of its role."""
        return self.health.ready()

    def metrics(self) -> bytes:
        """The scrape, Prometheus text format 0.0.4."""
        return generate_latest(self.registry)

    def _on_commit(self, committed: Committed) -> None:
        self.counters.on_commit(committed)
        for destination in {line.destination for line in committed.lines if line.event in _ANSWERS}:
            self._gatherer.answered(destination)


def certificate_check(sources: Sources, clock: Clock) -> Check:
    """Every certificate is still valid."""

    def check() -> str:
        now: datetime = clock()
        expired = sorted(name for name, until in sources.certificates().items() if until <= now)
        return f"certificat expiré : {', '.join(expired)}" if expired else ""

    return check


def clock_check(clockwatch: ClockWatch | None, clock: Clock) -> Check:
    """Our clock is the one of the servers, as far as is known."""

    def check() -> str:
        try:
            if clockwatch is not None:
                clockwatch.check(clock())
        except ClockError as error:
            return error.message.partition(" / ")[0]
        return ""

    return check
