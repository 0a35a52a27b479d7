"""The clinical facts of a letter as a reader must find them, told independently of the builder.

`facts(letter)` lists them; `missing(letter, text)` those that a text (a narrative, a rendered page) does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.letter.model import Letter
from connector.letter.plain import data_of

BODY: Final = (
    "status",
    "reason",
    "mode_of_entry",
    "mode_of_exit",
    "medical_synthesis",
    "adverse_event",
    "micro_organism_search",
    "micro_organisms_found",
    "transfusion",
    "transfusion_accident",
    "blood_derivatives",
    "blood_derivatives_event",
    "treatments_stopped",
    "treatments_at_discharge",
    "no_treatment_at_discharge",
    "treatments_at_admission",
    "no_treatment_at_admission",
    "examinations",
    "plan_of_care",
    "devices",
    "allergies",
    "no_allergy",
    "medical_history",
    "surgical_history",
    "comment",
)
_WORDS: Final = {
    ("stage", "to_request"): "rendez-vous à prendre",
    ("stage", "booked"): "rendez-vous pris",
    ("stage", "done"): "faite",
    ("dosing_mode", "tapered"): "doses progressives",
    ("dosing_mode", "split"): "doses fractionnées",
    ("dosing_mode", "conditional"): "doses conditionnelles",
    ("dosing_mode", "combined"): "doses combinées",
    ("concern", "active"): "en cours",
    ("concern", "suspended"): "suspendu",
    ("concern", "aborted"): "arrêté",
    ("concern", "completed"): "terminé",
    ("status", "active"): "en attente",
    ("status", "completed"): "fait",
    ("status", "aborted"): "interrompu",
    ("status", "cancelled"): "annulé",
    ("event", "ACM"): "avant le petit-déjeuner",
    ("event", "HS"): "au coucher",
    ("event", "WAKE"): "au réveil",
}
_DATES: Final = frozenset({"date", "start", "end"})
_SHOWN_CODES: Final = frozenset({"cis", "cip", "ucd", "atc", "emdn", "cladimed", "lpp", "route"})
_TECHNICAL: Final = frozenset({"dosing_mode", "stage", "concern", "status", "event", "unit", "system", "root"})
"""Fields whose value is said in words, or is no fact of its own."""


def facts(letter: Letter) -> list[str]:
    """What the narrative of the letter must say, one short text each; a file of level 1 has none."""
    data = _on(_zone(letter), data_of(letter))
    return list(dict.fromkeys(_plain(fact) for name in BODY if name in data for fact in _facts(name, data[name])))


def _zone(letter: Letter) -> tzinfo | None:
    """The clock of the letter: that of its time or of its stay, where one is not in UTC; an hour or two is Paris."""
    for value in (letter.effective_time, letter.stay.discharge, letter.stay.admission):
        moment = datetime.fromisoformat(value) if value and "T" in value else None
        if moment is not None and (offset := moment.utcoffset()):
            return ZoneInfo("Europe/Paris") if offset in (timedelta(hours=1), timedelta(hours=2)) else moment.tzinfo
    return ZoneInfo("Europe/Paris")


def _on(zone: tzinfo | None, value: Any, name: str = "") -> Any:
    """The data with every time on one clock."""
    match value:
        case dict():
            return {key: _on(zone, item, key) for key, item in value.items()}
        case list():
            return [_on(zone, item, name) for item in value]
        case str() if name in _DATES and "T" in value:
            return datetime.fromisoformat(value).astimezone(zone).isoformat()
    return value


def missing(letter: Letter, text: str) -> list[str]:
    """The facts that `text` does not hold, white space aside."""
    plain = _plain(text)
    return [fact for fact in facts(letter) if fact not in plain]


def narrative(document: bytes) -> str:
    """The text of every narrative block, cells and lines apart."""
    root = etree.fromstring(document)
    blocks = root.iterfind(f".//{q(HL7V3, 'section')}/{q(HL7V3, 'text')}")
    return " ".join(text for block in blocks for text in _texts(block))


def _texts(node: etree._Element) -> Iterator[str]:
    yield node.text or ""
    for child in node:
        if child.tag in (q(HL7V3, "td"), q(HL7V3, "th"), q(HL7V3, "br"), q(HL7V3, "caption"), q(HL7V3, "table")):
            yield " "
        yield from _texts(child)
        yield child.tail or ""


def _facts(name: str, value: Any) -> Iterator[str]:
    match value:
        case {"code": str(code), **rest} if set(rest) <= {"system", "display"}:
            yield str(rest.get("display", code))
            if name in _SHOWN_CODES:
                yield code
        case Mapping():
            # An event's author is named; how to reach them is not for the narrative.
            if name == "author":
                yield str(value.get("family") or value["software"])
                return
            if "code" in value and "text" in value and name.startswith("no_"):
                # The words of the hospital stand for the label of the code.
                yield from _facts("text", value["text"])
                return
            for key, item in value.items():
                yield from _facts(key, item)
        case list():
            for item in value:
                yield from _facts(name, item)
        case bool():
            if name in ("value",):
                yield "Oui" if value else "Non"
            elif name == "planned" and value:
                yield "à "
        case str():
            yield from _said(name, value)


def _said(name: str, value: str) -> Iterator[str]:
    if (name, value) in _WORDS:
        yield _WORDS[name, value]
    elif name in _DATES:
        yield _day(value)
    elif name in ("value", "high") and value.replace(".", "").isdigit():
        yield value.replace(".", ",")
    elif name not in _TECHNICAL:
        yield from (line for line in value.split("\n") if line.strip())


def _day(value: str) -> str:
    if "T" in value:
        return datetime.fromisoformat(value).strftime("%d/%m/%Y à %H:%M")
    if len(value) == 10:
        return date.fromisoformat(value).strftime("%d/%m/%Y")
    return "/".join(reversed(value.split("-")))


def _plain(text: str) -> str:
    return " ".join(text.split())
