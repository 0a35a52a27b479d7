"""What a reader sees of dates, quantities, rhythms and codes: French words from the values of the model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final

from connector.base.hl7time import clock_of, on_clock, which_hour
from connector.letter.build.systems import NAMES
from connector.letter.model import AnyAuthor, Code, DeviceAuthor, Dose, Letter, MaximumDose, Quantity, Timing
from connector.letter.model.units import said

_FEMININE: Final = frozenset({"s", "min", "h", "wk"})
_EVENTS: Final = {
    "AC": "avant le repas",
    "ACM": "avant le petit-déjeuner",
    "ACD": "avant le déjeuner",
    "ACV": "avant le dîner",
    "C": "au repas",
    "CM": "au petit-déjeuner",
    "CD": "au déjeuner",
    "CV": "au dîner",
    "HS": "au coucher",
    "IC": "entre les repas",
    "ICM": "entre le petit-déjeuner et le déjeuner",
    "ICD": "entre le déjeuner et le dîner",
    "ICV": "entre le dîner et le coucher",
    "PC": "après le repas",
    "PCM": "après le petit-déjeuner",
    "PCD": "après le déjeuner",
    "PCV": "après le dîner",
    "WAKE": "au réveil",
}


def clock(letter: Letter) -> tzinfo:
    """The clock on which every time of the letter is read: the document's own, else that of its stay."""
    told = (letter.effective_time, letter.stay.discharge, letter.stay.admission)
    return clock_of(datetime.fromisoformat(value) for value in told if value and "T" in value)


def day(value: str | None, zone: tzinfo) -> str:
    """`2019-12-03T12:30:00Z` → `03/12/2019 à 13:30` in Paris; `2019-12` → `12/2019`; "" for no date.

    Times given in several zones are thus told in the order in which things happened; in the hour that autumn repeats,
    the text says which one it is.
    """
    if not value:
        return ""
    if "T" not in value:
        return "/".join(reversed(value.split("-")))
    moment = on_clock(datetime.fromisoformat(value), zone)
    which = which_hour(moment)
    return f"{moment:%d/%m}/{moment.year:04} à {moment:%H:%M}" + (f" ({which})" if which else "")


def dated(value: str | None, zone: tzinfo, text: str) -> str:
    """The text after its date, when there is one."""
    return f"{day(value, zone)}, {text}" if value else text


def author(value: AnyAuthor) -> str:
    """Who says it: a person's name, or a software."""
    return value.software if isinstance(value, DeviceAuthor) else f"{value.given or ''} {value.family}".strip()


def yes(value: bool) -> str:
    return "Oui" if value else "Non"


ABSENT: Final = "absent"
"""What a reader sees beside what did not happen, or is not there."""


def denied(absent: bool) -> str | None:
    return f" ({ABSENT})" if absent else None


def number(value: str) -> str:
    """With the decimal comma."""
    return value.replace(".", ",")


def unit(value: str | None, amount: str = "1") -> str:
    """The unit in words; one that a denominator follows keeps it: `mg/d` → `mg/jour`."""
    return said(value, several=_several(amount)) if value else ""


def amount(value: str, of: str | None) -> str:
    return f"{number(value)} {unit(of, value)}".strip()


def _several(amount: str) -> bool:
    """In French two is the first plural: 1,5 comprimé. What a foreign document has for a number may be none."""
    try:
        return abs(Decimal(amount)) >= 2
    except InvalidOperation:
        return False


def quantity(value: Quantity) -> str:
    return amount(value.value, value.unit)


def dose(value: Dose) -> str:
    """The figures of a dose; its own words are not repeated."""
    if value.high is None or value.high == value.value:
        return amount(value.value, value.unit)
    return f"de {number(value.value)} à {amount(value.high, value.unit)}"


def maximum(value: MaximumDose) -> str:
    per = unit(value.per.unit) if value.per.value == "1" else quantity(value.per)
    return f"{amount(value.value, value.unit)} / {per}"


def timing(value: Timing) -> str:
    """The figures of a rhythm, "" when it is given in words only."""
    every = value.every
    if every is not None:
        if every.value == "1":
            return f"1 fois / {unit(every.unit)}"
        return f"{'toutes' if every.unit in _FEMININE else 'tous'} les {quantity(every)}"
    return _EVENTS[value.event] if value.event is not None else ""


def code(value: Code) -> str:
    """The label and the code: `Clozapine [ATC N05AH02]`."""
    system = NAMES.get(value.system or "", value.system or "")
    token = f"[{system} {value.code}]" if system else f"[{value.code}]"
    return f"{value.display} {token}" if value.display else token


def codes(values: Iterable[Code | None]) -> list[str]:
    return [code(value) for value in values if value is not None]


def label(value: Code | None) -> str:
    """The label alone, the code when there is none."""
    return "" if value is None else value.display or value.code
