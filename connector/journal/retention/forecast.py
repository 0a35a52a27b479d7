"""How large the store becomes: each part grows by what a day adds until its duration is reached, then stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from connector.journal.retention.config import PARTS, RetentionConfig
from connector.journal.retention.sizes import Sizes

HORIZON_DAYS: Final = 3650
"""Ten years: beyond, a straight line says nothing."""


@dataclass(frozen=True, slots=True)
class PartForecast:
    """One part: bytes now, bytes a day, days kept (0 for ever), bytes once that long has passed (None: no end)."""

    name: str
    bytes: int
    per_day: int
    days: int
    steady: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the durations lead to.

    steady   bytes of the whole store once every part has reached its duration; None when one is kept for ever
    year     bytes of the store in 365 days
    full_on  the day (UTC) the disk is full, None when not within ten years or when the free space is not known
    """

    parts: tuple[PartForecast, ...]
    steady: int | None
    year: int
    full_on: date | None

    def as_dict(self) -> dict[str, Any]:
        parts = [
            {"part": p.name, "bytes": p.bytes, "perDay": p.per_day, "days": p.days, "steadyBytes": p.steady}
            for p in self.parts
        ]
        full = self.full_on.isoformat() if self.full_on is not None else None
        return {"parts": parts, "steadyBytes": self.steady, "inOneYearBytes": self.year, "diskFullOn": full}


def forecast(sizes: Sizes, config: RetentionConfig, now: datetime, disk_free: int | None) -> Forecast:
    """Straight lines from `sizes`; `disk_free` in bytes on the disk of the store, None when nobody knows it.

    The audit chain is kept by its own rule: here it only grows.
    """
    durations: dict[str, int] = {name: config.days(name) for name in PARTS}
    parts = tuple(
        PartForecast(name, size.bytes, round(size.per_day), days, _steady(size.per_day, days))
        for name, size in sizes.parts.items()
        for days in (durations.get(name, 0),)
    )
    finite = [part.steady for part in parts if part.steady is not None]
    steady = sum(finite) if len(finite) == len(parts) else None
    full_on = None if disk_free is None else _full_on(sizes, parts, now, sizes.database + disk_free)
    return Forecast(parts, steady, _file_at(sizes, parts, 365), full_on)


def _steady(per_day: float, days: int) -> int | None:
    if days:
        return round(per_day * days)
    return None if per_day else 0


def _file_at(sizes: Sizes, parts: tuple[PartForecast, ...], days: int) -> int:
    """Bytes of the store then: it never shrinks by itself, and uses its free pages before it grows."""
    return max(sizes.database, sum(_at(part, days) for part in parts))


def _at(part: PartForecast, days: int) -> int:
    grown = part.bytes + part.per_day * days
    return grown if part.steady is None else min(grown, max(part.steady, 0))


def _full_on(sizes: Sizes, parts: tuple[PartForecast, ...], now: datetime, room: int) -> date | None:
    if _file_at(sizes, parts, HORIZON_DAYS) <= room:
        return None
    low, high = 0, HORIZON_DAYS
    while low < high:
        middle = (low + high) // 2
        if _file_at(sizes, parts, middle) > room:
            high = middle
        else:
            low = middle + 1
    return (now + timedelta(days=low)).date()
