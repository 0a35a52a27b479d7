"""Watches how far our clock is from those of the servers, and stops signing when it is too far (PRE_TPS, b.8).

The VIHF has no validity window: the server judges IssueInstant by its own clock, so a drift is refused here first.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.trust.errors import ClockError

MEMORY = timedelta(minutes=5)
"""How long a server's Date counts: past it a call is let through, whose answer tells whether the clock was mended."""

POLLED_MEMORY = timedelta(hours=2)
"""How long a measured offset counts: NTP is asked apart from the calls, by default every hour."""


@dataclass(frozen=True, slots=True)
class Offset:
    """server_time - local_time, as seen at `at` on our clock; positive when our clock is late. Counts for `memory`."""

    source: str
    seconds: float
    at: datetime
    memory: timedelta


class ClockWatch:
    """Keeps the last offset of each source ("dmp", "ntp"…). Safe between threads; every time is aware."""

    def __init__(self, limit_seconds: float, memory: timedelta = MEMORY) -> None:
        self.limit_seconds = limit_seconds
        self._memory = memory
        self._last: dict[str, Offset] = {}
        self._lock = threading.Lock()

    def observe(self, source: str, server_time: datetime, local_time: datetime) -> Offset:
        """Notes what `source` said its time was when ours was `local_time`."""
        return self._note(Offset(source, (server_time - local_time).total_seconds(), local_time, self._memory))

    def observe_offset(self, source: str, seconds: float, local_time: datetime) -> Offset:
        """Notes an offset measured otherwise (NTP), in seconds, server minus ours."""
        return self._note(Offset(source, seconds, local_time, POLLED_MEMORY))

    def offsets(self, now: datetime) -> tuple[Offset, ...]:
        """Observations that still count at `now`, the widest first.

        One dated after `now` does not count: our clock was set back since.
        """
        with self._lock:
            fresh = [offset for offset in self._last.values() if timedelta(0) <= now - offset.at <= offset.memory]
        return tuple(sorted(fresh, key=lambda offset: -abs(offset.seconds)))

    def check(self, now: datetime) -> None:
        """Raises ClockError (`source`, `offset_seconds`, `limit_seconds`) when a source is beyond the limit."""
        worst = self._beyond(now)
        if worst is not None:
            raise ClockError(
                _explain(worst, self.limit_seconds),
                source=worst.source,
                offset_seconds=worst.seconds,
                limit_seconds=self.limit_seconds,
            )

    def trusted(self, now: datetime) -> bool:
        """Whether `check` would pass."""
        return self._beyond(now) is None

    def _beyond(self, now: datetime) -> Offset | None:
        return next((offset for offset in self.offsets(now) if abs(offset.seconds) > self.limit_seconds), None)

    def _note(self, offset: Offset) -> Offset:
        with self._lock:
            self._last[offset.source] = offset
        return offset


def _explain(offset: Offset, limit: float) -> str:
    late = offset.seconds > 0
    return (
        f"L'horloge du connecteur {'retarde' if late else 'avance'} de {abs(offset.seconds):.0f} s sur {offset.source}"
        f" (limite {limit:.0f} s) : rien n'est signé tant que l'heure n'est pas remise (NTP)."
        f" / Our clock is {abs(offset.seconds):.0f} s {'behind' if late else 'ahead of'} {offset.source}."
    )
