"""Dates and times of a letter: ISO 8601 text, and its way to and from HL7 (hl7 TS).

A time always says its zone: which clock a hospital meant cannot be guessed (cda-lettre-de-liaison §7).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from connector.letter.model.base import Broken, refusal

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_PARTIAL = re.compile(r"[0-9]{4}(-[0-9]{2})?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_HL7 = re.compile(r"([0-9]{4})([0-9]{2})?([0-9]{2})?(?:([0-9]{2})([0-9]{2})?([0-9]{2})?(?:\.[0-9]+)?)?([+-][0-9]{4})?")

_WESTERNMOST, _EASTERNMOST = timedelta(hours=-12), timedelta(hours=14)
_A_DAY_APART = timedelta(days=1)

_A_MOMENT = "AAAA-MM-JJTHH:MM:SS+01:00"
_A_DAY = "AAAA-MM-JJ"


def _as_text(value: object) -> object:
    # A datetime is a date too: it goes first.
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.strip() if isinstance(value, str) else value


def _moment(value: str) -> str:
    match = _MOMENT.fullmatch(value)
    if match is None:
        raise refusal("la date et l'heure ne sont pas lisibles", _A_MOMENT, "autre chose")
    if match[2] is None:
        raise refusal("l'heure n'a pas de fuseau horaire", _A_MOMENT, "heure sans fuseau")
    try:
        shift = datetime.fromisoformat(value).utcoffset()
    except ValueError:
        raise refusal("la date ou l'heure n'existe pas", _A_MOMENT, "date ou heure impossible") from None
    if shift is not None and not _WESTERNMOST <= shift <= _EASTERNMOST:
        raise refusal("le fuseau horaire n'existe pas", "de -12:00 à +14:00", "autre fuseau")
    return value


def _day(value: str) -> str:
    if _DAY.fullmatch(value) is None:
        raise refusal("la date n'est pas lisible", _A_DAY, "autre chose")
    return _existing(value, value)


def _when(value: str) -> str:
    return _moment(value) if "T" in value or _DAY.fullmatch(value) is None else _day(value)


def _partial(value: str) -> str:
    if _PARTIAL.fullmatch(value):
        return _existing(value, f"{value}-01" if len(value) == 7 else f"{value}-01-01")
    return _when(value)


def _existing(value: str, day: str) -> str:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise refusal("la date n'existe pas au calendrier", _A_DAY, "date impossible") from None
    return value


def _told(*examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": list(examples)})


Moment = Annotated[str, BeforeValidator(_as_text), AfterValidator(_moment), _told("2019-12-03T13:30:00+01:00")]
"""A date and time with its zone: 2019-12-03T13:30:00+01:00 (seconds may be left out)."""

Day = Annotated[str, BeforeValidator(_as_text), AfterValidator(_day), _told("2019-12-03")]
"""A day: 2019-12-03."""

When = Annotated[
    str, BeforeValidator(_as_text), AfterValidator(_when), _told("2019-12-03", "2019-12-03T13:30:00+01:00")
]
"""A day, or a date and time with its zone."""

PartialDate = Annotated[
    str, BeforeValidator(_as_text), AfterValidator(_partial), _told("2019", "2019-12", "2019-12-03")
]
"""A year, a month, a day, or a date and time with its zone: as much as is known."""


def to_hl7(value: str) -> str:
    """HL7 TS of a valid date of the model: `2019-12-03T13:30:00+01:00` → `20191203133000+0100`."""
    day, _, clock = value.partition("T")
    return day.replace("-", "") + clock.replace("Z", "+0000").replace(":", "")


def from_hl7(value: str) -> str:
    """ISO text of an HL7 TS; an hour without minutes gets `:00`, fractions of a second are left out.

    Nothing is checked here: the text goes through the model like any other, and a time without zone is refused there.
    Text that is no TS comes back as it is.
    """
    match = _HL7.fullmatch(value)
    if match is None:
        return value
    year, month, day, hour, minute, second, zone = match.groups()
    text = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return text
    text += f"T{hour}:{minute or '00'}" + (f":{second}" if second else "")
    return text + (f"{zone[:3]}:{zone[3:]}" if zone else "")


def is_before(one: str, other: str) -> bool:
    """True when `one` is certainly before `other`: two moments by the clock, else by the digits both have.

    A day says no zone, and a time may be written in that of a server: overseas, one is in the other's eve or morrow.
    So between a moment and a day, a month or a year, one day of difference decides nothing.
    """
    if "T" in one and "T" in other:
        return datetime.fromisoformat(one) < datetime.fromisoformat(other)
    left = _shifted(one, _A_DAY_APART) if "T" in one else one
    right = _shifted(other, -_A_DAY_APART) if "T" in other else other
    shorter = min(len(left), len(right))
    return left[:shorter] < right[:shorter]


def _shifted(moment: str, by: timedelta) -> str:
    """The day of a moment, moved."""
    day = date.fromisoformat(moment.partition("T")[0])
    try:
        return (day + by).isoformat()
    except OverflowError:
        return day.isoformat()


def reversed_period(start: str | None, end: str | None, field: str = "end") -> Broken | None:
    """The broken rule "low ≤ high" (cda-lettre-de-liaison §7), None when it holds or cannot be told."""
    if start is None or end is None or not is_before(end, start):
        return None
    return Broken(field, "la fin précède le début", "une fin égale ou postérieure au début", "fin avant début")
