"""HL7 times as French readers say them, on the clock of the document."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final

from connector.base.errors import CodecError
from connector.base.hl7time import PARIS, on_clock, parse_ts, which_hour

_MONTHS: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_DIGITS: Final = re.compile(r"\d+")


def french(value: str, clock: tzinfo = PARIS) -> tuple[str, str] | None:
    """What is read of an HL7 TS, and its ISO 8601: '3 décembre 2019 à 13:30' and '2019-12-03T13:30+01:00'.

    As precise as the value is: a year alone stays a year. A time without offset is one of `clock`. None when
    the value is no calendar date.
    """
    try:
        moment = parse_ts(value, clock)
    except CodecError:
        return None
    digits = _DIGITS.match(value)
    precision = len(digits[0]) if digits else 0
    if precision > 8:
        moment = on_clock(moment, clock)
    day = f"{'1er' if moment.day == 1 else moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    if precision == 4:
        return str(moment.year), f"{moment.year:04d}"
    if precision == 6:
        return f"{_MONTHS[moment.month - 1]} {moment.year}", f"{moment:%Y-%m}"
    if precision == 8:
        return day, moment.date().isoformat()
    hour = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    which = f" ({said})" if (said := which_hour(moment)) else ""
    return f"{day} à {hour}{which}", moment.isoformat(timespec="seconds" if moment.second else "minutes")


def french_birth(value: str) -> tuple[str, str] | None:
    """The same of a date of birth, by its own digits: a day of the calendar is never moved to another clock."""
    digits = value[: found.end()] if (found := _DIGITS.match(value)) else value
    return french(digits[:8] if digits[8:].strip("0") == "" else digits)


def whose_clock(clock: tzinfo) -> str:
    """What a reader is told of the clock: `de Paris`, or the offset of an establishment overseas."""
    if clock is PARIS:
        return "de Paris"
    return f"de l'établissement ({clock.tzname(None)})"
