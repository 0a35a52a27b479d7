"""HL7 timestamps (TS/DTM) to aware datetimes and back.

HL7v2 and CDA write local time with an optional offset; XDS wants UTC digits only (dmp-interface c.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from connector.base.errors import CodecError

PARIS = ZoneInfo("Europe/Paris")
"""Zone assumed when a hospital timestamp carries no offset."""

_PARIS_OFFSETS: Final = tuple(timedelta(hours=hours) for hours in (0, 1, 2))

_TS = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.\d{1,6})?([+-]\d{4})?")


def parse_ts(value: str, default_zone: tzinfo = PARIS) -> datetime:
    """Aware datetime of an HL7 timestamp of 4 to 14 digits with optional fraction and offset.

    Raises CodecError (field, found, expected) on anything else, including impossible dates.
    """
    match = _TS.fullmatch(value)
    if match is None:
        raise CodecError("not an HL7 timestamp", field="TS", found=value, expected="YYYY[MM[DD[HH[MM[SS]]]]][±ZZZZ]")
    year, month, day, hour, minute, second, offset = match.groups()
    zone: tzinfo = default_zone
    try:
        if offset:
            sign = -1 if offset[0] == "-" else 1
            zone = timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5])))
        return datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=zone,
        )
    except ValueError as error:
        raise CodecError("impossible date", field="TS", found=value, expected="a calendar date") from error


def clock_of(moments: Iterable[datetime]) -> tzinfo:
    """The one clock on which all times of a document are shown, from the times it says of itself, the surest first.

    French legal time is that of Paris and, overseas, another of fixed offset (Réunion +04:00, Martinique -04:00…). The
    first moment that is not in UTC tells which: an offset of 1 or 2 hours is Paris, with its summer and winter times,
    any other is kept as it is. UTC is no legal time of a French territory, it is how some software writes: without
    another sign, Paris. (Saint-Pierre-et-Miquelon alone has a summer time of its own: its letters keep one offset.)
    """
    offsets = (moment.utcoffset() for moment in moments)
    told = next((offset for offset in offsets if offset), None)
    return PARIS if told is None or told in _PARIS_OFFSETS else timezone(told)


def on_clock(moment: datetime, zone: tzinfo) -> datetime:
    """The moment on another clock; as it is where the calendar ends (year 1, year 9999)."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def which_hour(moment: datetime) -> str:
    """`heure d'été` or `heure d'hiver` in the hour that autumn repeats, so that 02:30 never hides which came first."""
    if moment.replace(fold=0).utcoffset() == moment.replace(fold=1).utcoffset():
        return ""
    return "heure d'été" if moment.dst() else "heure d'hiver"


def xds_utc(value: str, default_zone: tzinfo = PARIS) -> str:
    """XDS DTM in UTC. A value of 8 digits or fewer is a day, kept as is: a day has no offset."""
    parsed = parse_ts(value, default_zone)
    digits = re.split(r"[.+-]", value)[0]
    if len(digits) <= 8:
        return digits
    return parsed.astimezone(UTC).strftime("%Y%m%d%H%M%S")[: max(len(digits), 12)]


def utc_digits(moment: datetime) -> str:
    """`YYYYMMDDHHMMSS` in UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def local_ts(moment: datetime, zone: tzinfo = PARIS) -> str:
    """`YYYYMMDDHHMMSS±ZZZZ` in the hospital's zone, the form of our own HL7v2 messages."""
    return moment.astimezone(zone).strftime("%Y%m%d%H%M%S%z")


def iso_utc(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`, the form of SAML instants."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
