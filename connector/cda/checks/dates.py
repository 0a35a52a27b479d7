"""Rules about dates against the calendar, the moment of checking and each other (cda-lettre-de-liaison §1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.checks.times import METADATA, after, timed
from connector.cda.nodes import attribute, child, children

_TIME: Final = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.[0-9]+)?)?)?)?)?)?"
    r"([+-](?:0[0-9]|1[0-4])[0-5][0-9])?"
)
_DAY: Final = re.compile(r"[0-9]{8}.*")
_PATIENT: Final = "recordTarget/patientRole/patient"
_BIRTH: Final = f"{_PATIENT}/birthTime"
_DEATH: Final = (
    f"{q(HL7V3, 'recordTarget')}/{q(HL7V3, 'patientRole')}/{q(HL7V3, 'patient')}/{{urn:hl7-org:sdtc}}deceasedTime"
)
_WRITTEN: Final = ("effectiveTime", "author/time", "legalAuthenticator/time", "authenticator/time", _BIRTH)
_ACT: Final = "documentationOf/serviceEvent"
_ENCOUNTER: Final = "componentOf/encompassingEncounter/effectiveTime"
_TOLERANCE: Final = timedelta(days=1)
"""Clocks differ, a time without zone is read as UTC, a day as its midnight."""
_SHOWN: Final = 5


def of_the_calendar(document: Document) -> Iterator[Fault]:
    """Days and hours that exist, written as HL7 does: all those of a letter, of others those that are metadata."""
    return _impossible(_wrong(document) if document.letter else (node for node in _told(document) if not _exists(node)))


def of_the_calendar_elsewhere(document: Document) -> Iterator[Fault]:
    """Other dates of other documents."""
    told = () if document.letter else tuple(_told(document))
    return iter(()) if document.letter else _impossible(node for node in _wrong(document) if node not in told)


def in_the_past(document: Document) -> Iterator[Fault]:
    """Nobody has written, signed, been born or died after the moment of checking, a day's tolerance apart."""
    if document.now is None:
        return
    limit = document.now + _TOLERANCE
    nodes = [node for path in _WRITTEN for node in children(document.clinical, path)]
    if document.letter == "LDL-SES":
        # who is discharged was admitted; an admission may be announced
        nodes += list(children(document.clinical, f"{_ACT}/effectiveTime/low"))[:1]
    for node in (*nodes, *_deaths(document)):
        moment = _moment(attribute(node, "value"))
        if moment is not None and moment > limit:
            text = "Cette date est dans le futur : elle ne peut pas être celle d'un fait"
            yield Fault(place(node, "value"), "après le moment du contrôle", "une date passée", text)


def life(document: Document) -> Iterator[Fault]:
    """A whole day of birth, a death after it; a letter is not about somebody to be born."""
    born = child(document.clinical, _BIRTH)
    day = attribute(born, "value")
    if born is not None and day and not _DAY.fullmatch(day):
        text = "La date de naissance est un trait strict de l'identité : il lui faut un jour"
        yield Fault(place(born, "value"), "sans jour", "aaaammjj", text)
    for node in _deaths(document):
        if after(day, attribute(node, "value")):
            yield Fault(
                place(node, "value"), "avant la naissance", "une date après", "Le patient serait mort avant de naître"
            )
    written = attribute(document.clinical, "value", "effectiveTime")
    if born is not None and document.letter and after(day[:8], written):
        text = "Le patient serait né après la lettre"
        yield Fault(place(born, "value"), "après la lettre", "une date avant celle du document", text)


def life_and_stay(document: Document) -> Iterator[Fault]:
    """A newborn is admitted before it is born, and documents are written about the dead: said, not refused."""
    act = child(document.clinical, _ACT)
    low, high = (_bound(act, "effectiveTime", bound) for bound in ("low", "high"))
    born = child(document.clinical, _BIRTH)
    if born is not None and after(attribute(born, "value")[:8], low[:8]):
        text = "Le patient serait né après le début de l'acte"
        yield Fault(place(born, "value"), "après le début de l'acte", "une date avant", text)
    for node in _deaths(document):
        if after(low[:8], attribute(node, "value")[:8]):
            text = "Le patient serait mort avant le début de l'acte"
            yield Fault(place(node, "value"), "avant le début de l'acte", "une date après", text)
    if document.letter and attribute(act, "code", "code") == "IMP":
        yield from _other_stay(document, (low, high))


def _other_stay(document: Document, act: tuple[str, str]) -> Iterator[Fault]:
    """The act of a letter is the stay, which the encounter tells again."""
    encounter = child(document.clinical, _ENCOUNTER)
    for bound, told in zip(("low", "high"), act, strict=True):
        node = child(encounter, bound)
        value = attribute(node, "value")
        if node is None or len(value) < 8 or len(told) < 8:
            continue
        one, other = _moment(value), _moment(told)
        if one is not None and other is not None and abs(one - other) > _TOLERANCE:
            text = "Le séjour (componentOf) et l'acte (documentationOf) n'ont pas les mêmes dates"
            yield Fault(place(node, "value"), "un autre jour", "le jour que dit l'acte", text)


def _wrong(document: Document) -> Iterator[etree._Element]:
    return (node for node in (*timed(document), *_deaths(document)) if not _exists(node))


def _told(document: Document) -> Iterator[etree._Element]:
    for path in (*METADATA, _BIRTH):
        yield from children(document.clinical, path)
    yield from _deaths(document)


def _impossible(wrong: Iterable[etree._Element]) -> Iterator[Fault]:
    for node in islice(wrong, _SHOWN):
        text = "Cette date n'est d'aucun calendrier"
        yield Fault(place(node, "value"), "une date impossible", "aaaammjj ou aaaammjjhhmmss+zzzz", text)


def _bound(act: etree._Element | None, path: str, bound: str) -> str:
    return attribute(act, "value", f"{path}/{bound}") or (attribute(act, "value", path) if bound == "low" else "")


def _deaths(document: Document) -> list[etree._Element]:
    return document.clinical.findall(_DEATH)


def _exists(node: etree._Element) -> bool:
    """True without a value: that something is unknown is said otherwise."""
    value = attribute(node, "value")
    return not value or _moment(value) is not None


def _moment(value: str) -> datetime | None:
    """The first instant that `value` may be; None when there is no such day."""
    found = _TIME.fullmatch(value)
    if found is None:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    try:
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:])) if zone else timedelta()
        return (moment - (-offset if zone and zone[0] == "-" else offset)).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
