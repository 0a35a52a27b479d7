"""Values of HL7 V3 as plain data: codes, dates, identifiers, quantities (cda-lettre-de-liaison §1, §2.1)."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from connector.letter.model.times import from_hl7
from connector.letter.read.cursor import Cursor

Plain = dict[str, Any]
"""A part of a letter as plain data; what is None or empty was not said."""

ABSENT: Final = "2.16.840.1.113883.5.1150.1"
"""Code system of what is absent or unknown: no treatment, no allergy."""

PLANNED: Final = ("INT", "PRP", "RQO")
"""Moods of what is to be done: intended, proposed, asked for."""

_UUID: Final = re.compile(r"(?:urn:uuid:)?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TS: Final = re.compile(r"[0-9]{4}(?:[0-9]{2}){0,5}(?:\.[0-9]+)?([+-][0-9]{4})?")
_DAY: Final = 8

Precision = Literal["partial", "when", "moment"]
"""What a field takes: as much as is known; a day or a moment; a moment only."""


def said(value: Plain) -> Plain | None:
    """The part without what was not said; None when nothing was."""
    kept = {name: item for name, item in value.items() if item not in (None, "", [], {})}
    return kept or None


def code(node: Cursor) -> Plain | None:
    """CD, CE or CV: its code, system and label; None when it has no code."""
    found = node.attribute("code")
    if found is None:
        return None
    return said({"code": found, "system": node.attribute("codeSystem"), "display": node.attribute("displayName")})


def identifier(node: Cursor) -> Plain | None:
    """II; None without root."""
    root = node.attribute("root")
    return None if root is None else said({"root": root, "extension": node.attribute("extension")})


def is_made_up(node: Cursor) -> bool:
    """True for an identifier that only tells an entry from another: a UUID and nothing else."""
    return bool(_UUID.fullmatch(node.peek("root"))) and not node.peek("extension")


def time(node: Cursor, precision: Precision = "partial", name: str = "value") -> str | None:
    """A TS as ISO text. What the field cannot take is set aside: a year for a day, a time whose zone nobody said.

    Such a time still tells its day, where a day is enough.
    """
    value = node.peek(name)
    match = _TS.fullmatch(value)
    if match is None:
        return None
    digits = value.partition(".")[0].partition("+")[0].partition("-")[0]
    if len(digits) > _DAY and match[1] is None:
        node.keep_attribute(name, "heure sans fuseau horaire")
        return None if precision == "moment" else from_hl7(digits[:_DAY])
    if len(digits) < _DAY and precision != "partial":
        node.keep_attribute(name, "date incomplète")
        return None
    if len(digits) <= _DAY and precision == "moment":
        node.keep_attribute(name, "date sans heure")
        return None
    node.attribute(name)
    return from_hl7(digits[:_DAY]) if len(digits) <= _DAY else from_hl7(value)


def period(node: Cursor, precision: Precision = "partial") -> tuple[str | None, str | None]:
    """Start and end of an IVL_TS; a TS is its own start."""
    if node.peek("value"):
        return time(node, precision), None
    return time(node.at("low"), precision), time(node.at("high"), precision)


def span(node: Cursor, precision: Precision = "when") -> tuple[str | None, str | None]:
    """Start and end of an IVL_TS of the header, where one point is both."""
    start, end = period(node, precision)
    return start, (start if node.peek("value") else end)


def quantity(node: Cursor) -> Plain | None:
    """PQ with its unit; None when it has no value."""
    value = node.attribute("value")
    return None if value is None else said({"value": value, "unit": node.attribute("unit")})
