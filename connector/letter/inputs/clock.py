"""Dates a letter cannot have yet, by the clock of whoever completes it: birth, death, signature, stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.letter.errors import Fault, fault

_PARIS: Final = ZoneInfo("Europe/Paris")
_SKEW: Final = timedelta(days=1)
"""Two clocks may differ, and a day alone begins twelve hours earlier or later overseas."""

_LEAVING: Final = timedelta(days=366)
"""How long before the discharge its letter may be written: a stay of rehabilitation is prolonged by months."""

_PLANNED: Final = timedelta(days=2 * 366)
"""How long before the admission its letter may be written; what is further ahead is a typing error."""

_SIGNED: Final = ("authors", "authenticators")


def from_the_future(data: Mapping[str, Any], now: datetime) -> Iterator[Fault]:
    """A fault for each date that is too far ahead of `now` (aware). What is no date is left to the model."""
    discharged = data.get("kind") == "discharge"
    limits = {
        "effective_time": _SKEW,
        "patient.birth_date": _SKEW,
        "patient.death": _SKEW,
        "stay.admission": _SKEW if discharged else _PLANNED,
        "stay.discharge": _LEAVING if discharged else _PLANNED + _LEAVING,
        "legal_authenticator.time": _SKEW,
    }
    for name in _SIGNED:
        people = data.get(name)
        limits |= {f"{name}[{place}].time": _SKEW for place in range(len(people) if isinstance(people, list) else 0)}
    for path, limit in limits.items():
        moment = _moment(_at(data, path))
        if moment is not None and moment > now + limit:
            expected = "une date passée" if limit == _SKEW else f"une date d'ici {limit.days} jours au plus"
            yield fault(path, "la date est dans l'avenir", expected, "date future")


def _at(data: Mapping[str, Any], path: str) -> object:
    found: Any = data
    for step in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(found, list) and step.isdecimal():
            found = found[int(step)]
        elif isinstance(found, Mapping):
            found = found.get(step)
        else:
            return None
    return found


def _moment(value: object) -> datetime | None:
    """The instant of a date of the model, the first of its day in Paris when it is a day alone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        # Without a zone the model refuses a time; a day has none.
        return moment if moment.tzinfo else datetime.combine(moment.date(), time(), _PARIS)
    except (ValueError, OverflowError):
        return None
