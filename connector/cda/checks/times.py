"""Rules about times: a zone on times of day, beginnings before ends, in the header and in the body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.nodes import children

_NO_ZONE: Final = re.compile(r"\d{9,}(\.\d+)?")
_TIME: Final = re.compile(r"(?P<digits>\d{4,14})(?:\.\d+)?(?P<zone>[+-]\d{4})?")
_TIMES: Final = frozenset(q(HL7V3, name) for name in ("effectiveTime", "time", "birthTime"))
_DAY: Final = len("aaaammjj")
_LOW, _HIGH = q(HL7V3, "low"), q(HL7V3, "high")
METADATA: Final = (
    "effectiveTime",
    "documentationOf/serviceEvent/effectiveTime",
    "documentationOf/serviceEvent/effectiveTime/low",
    "documentationOf/serviceEvent/effectiveTime/high",
)
"""Times of the header that the metadata of the DMP are made of."""

_MINUTES: Final = re.compile(r"[0-9]{12}.*")
_SHOWN: Final = 5


def zones(document: Document) -> Iterator[Fault]:
    """A time of day without its zone is read differently from one software to another; `metadata_zones` tells some."""
    text = "L'heure n'a pas de fuseau horaire"
    told = list(_metadata(document))
    found = (node for node in timed(document) if _without_zone(node) and node not in told)
    for number, node in enumerate(found):
        if number == _SHOWN:
            yield Fault("/ClinicalDocument", "d'autres heures sans fuseau", "aaaammjjhhmmss+zzzz", text)
            return
        yield Fault(place(node, "value"), "sans fuseau", "aaaammjjhhmmss+zzzz", text)


def metadata_zones(document: Document) -> Iterator[Fault]:
    """creationTime, serviceStartTime and serviceStopTime are in UTC: without a zone they would be guessed."""
    for node in _metadata(document):
        if _without_zone(node):
            text = "Cette heure devient une métadonnée du DMP, qui est en temps universel : il lui faut un fuseau"
            yield Fault(place(node, "value"), "sans fuseau", "aaaammjjhhmmss+zzzz", text)
    for node in children(document.clinical if document.letter else None, "effectiveTime"):
        if not _MINUTES.fullmatch(str(node.get("value", "")).strip()):
            text = "La date du document n'a pas d'heure : ses versions ne se rangeraient pas dans l'ordre"
            yield Fault(place(node, "value"), "sans heure", "aaaammjjhhmmss+zzzz", text)


def in_order(document: Document) -> Iterator[Fault]:
    """`low` not after `high`: dates, and quantities of one unit."""
    for high in document.clinical.iter(_HIGH):
        interval = high.getparent()
        low = None if interval is None else interval.find(_LOW)
        if interval is None or low is None:
            continue
        first, last = str(low.get("value", "")).strip(), str(high.get("value", "")).strip()
        if interval.tag in _TIMES and after(first, last):
            yield Fault(
                place(low, "value"), "après la fin", "le début avant la fin", "La période finit avant de commencer"
            )
        elif interval.tag not in _TIMES and low.get("unit") == high.get("unit") and _greater(first, last):
            text = "La valeur basse dépasse la valeur haute"
            yield Fault(place(low, "value"), "au-dessus de la haute", "la basse au plus égale à la haute", text)


def _metadata(document: Document) -> Iterator[etree._Element]:
    """Of a letter."""
    for path in METADATA if document.letter else ():
        yield from children(document.clinical, path)


def timed(document: Document) -> Iterator[etree._Element]:
    """Elements that hold a time or the bounds of one."""
    return (node for node in document.clinical.iter(*_TIMES, _LOW, _HIGH) if _is_time(node))


def _is_time(node: etree._Element) -> bool:
    parent = node.getparent()
    return node.tag in _TIMES or (parent is not None and parent.tag in _TIMES)


def _without_zone(node: etree._Element) -> bool:
    return _NO_ZONE.fullmatch(str(node.get("value", "")).strip()) is not None


def after(first: str, last: str) -> bool:
    """True when `first` is later; with the precision of the shorter one, in one zone when both have theirs. A day is
    that of its place, a time with its zone may be written elsewhere: between them a day is no order."""
    one, two = _TIME.fullmatch(first), _TIME.fullmatch(last)
    if one is None or two is None:
        return False
    if one["zone"] and two["zone"]:
        begun, ended = _instant(one), _instant(two)
        return begun is not None and ended is not None and begun > ended
    precision, finest = sorted((len(one["digits"]), len(two["digits"])))
    if precision == _DAY < finest and (one["zone"] or two["zone"]):
        day, other = _day(one), _day(two)
        return day is not None and other is not None and day > other + timedelta(days=1)
    return one["digits"][:precision] > two["digits"][:precision]


def _day(time: re.Match[str]) -> date | None:
    try:
        return datetime.strptime(time["digits"][:8], "%Y%m%d").date()
    except ValueError:
        return None


def _instant(time: re.Match[str]) -> datetime | None:
    """None for a day that no calendar has: the suites say so."""
    try:
        return datetime.strptime(time["digits"].ljust(14, "0") + time["zone"], "%Y%m%d%H%M%S%z")
    except ValueError:
        return None


def _greater(first: str, last: str) -> bool:
    try:
        return Decimal(first) > Decimal(last)
    except InvalidOperation:
        return False
