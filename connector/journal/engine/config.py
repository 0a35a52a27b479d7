"""How hard the engine works: the [engine] section of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.base.errors import SettingsError
from connector.journal.engine.backoff import Backoff
from connector.journal.engine.destinations import DestinationConfig
from connector.journal.engine.lease import MARGIN


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How hard the engine works.

    Raises SettingsError (name, found, allowed) when beats do not fit into a lease.

    workers         handlers running at once for one destination, unless `destinations` says otherwise
    backoff         retries of every kind, unless `backoffs` names the kind
    route_batch     messages routed per transaction, for about `route_seconds` at most
    poll            seconds between two looks when nobody wakes the engine (another process may have written)
    one_processor   `connector run` on SQLite keeps to one processor: threads of Python that wake each other across two
                    cost a third more processor time per message (benchmarks/end_to_end.py)
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
    one_processor: bool = True
    drain_seconds: float = 30.0
    lease: float = 4.0
    beat: float = 1.0
    destinations: Mapping[str, DestinationConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        least = MARGIN + 2 * self.beat
        if self.beat <= 0 or self.lease < least:
            raise SettingsError(
                "engine.lease: too short for two beats and the margin",
                name="engine.lease",
                found=f"{self.lease:g} (engine.beat = {self.beat:g})",
                allowed=f"{least:g} or more",
            )

    def backoff_of(self, kind: str) -> Backoff:
        return self.backoffs.get(kind, self.backoff)
