"""How hard the engine works: the [engine] section of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.journal.engine.backoff import Backoff
from connector.journal.engine.destinations import DestinationConfig


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How hard the engine works.

    workers         handlers running at once for one destination, unless `destinations` says otherwise
    backoff         retries of every kind, unless `backoffs` names the kind
    route_batch     messages routed per transaction, for about `route_seconds` at most
    poll            seconds between two looks when nobody wakes the engine (another process may have written)
    drain_seconds   what `stop` grants to running handlers
    lease           seconds without a beat after which the others take over what a process was doing (PostgreSQL only)
    beat            seconds between two beats
    destinations    workers, rate and breaker by destination ("dmp") or family ("zam" for every "zam:…"); "*" the rest
    """

    workers: int = 8
    backoff: Backoff = field(default_factory=Backoff)
    backoffs: Mapping[str, Backoff] = field(default_factory=dict)
    route_batch: int = 200
    route_seconds: float = 0.02
    poll: float = 1.0
    drain_seconds: float = 30.0
    lease: float = 6.0
    beat: float = 1.5
    destinations: Mapping[str, DestinationConfig] = field(default_factory=dict)

    def backoff_of(self, kind: str) -> Backoff:
        return self.backoffs.get(kind, self.backoff)
