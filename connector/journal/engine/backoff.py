"""When a failed delivery tries again, and when it stops trying."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.journal.deliveries import Delivery

_MAX_EXPONENT = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with jitter.

    first, factor, longest   delay of the first retry, growth, ceiling
    jitter                   share of the delay drawn at random on both sides (0.2 = ±20 %)
    max_attempts             starts before the dead letter, 0 = no limit
    max_age                  time since creation or replay before the dead letter, None = no limit
    """

    first: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    longest: timedelta = timedelta(minutes=15)
    jitter: float = 0.2
    max_attempts: int = 400
    max_age: timedelta | None = timedelta(days=3)

    def delay(self, attempts: int, chance: float) -> timedelta:
        """Wait after `attempts` failures (1, 2, …); `chance` in [0, 1) is the random draw."""
        # The exponent is capped: 2 ** 5000 is no float.
        grown = self.first.total_seconds() * self.factor ** min(attempts - 1, _MAX_EXPONENT)
        seconds = min(grown, self.longest.total_seconds())
        return timedelta(seconds=seconds * (1 + self.jitter * (2 * chance - 1)))

    def out_of_attempts(self, delivery: Delivery) -> bool:
        return 0 < self.max_attempts <= delivery.attempts

    def exhausted(self, delivery: Delivery, now: datetime) -> bool:
        """True when this failure was the last one allowed."""
        too_old = self.max_age is not None and now - delivery.since >= self.max_age
        return too_old or self.out_of_attempts(delivery)
