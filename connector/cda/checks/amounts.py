"""Rule about what is given to a patient: amounts above nothing, times in units of time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.nodes import attribute
from connector.codes.units import TIMES

_AMOUNTS: Final = tuple(q(HL7V3, name) for name in ("doseQuantity", "rateQuantity", "maxDoseQuantity"))
_LASTING: Final = (q(HL7V3, "period"), q(HL7V3, "width"))
_EFFECTIVE: Final = q(HL7V3, "effectiveTime")
_DENOMINATOR: Final = q(HL7V3, "denominator")


def real(document: Document) -> Iterator[Fault]:
    """No dose under nothing, nothing each zero days; in letters, no duration in tablets."""
    for node in document.clinical.iter(*_AMOUNTS):
        for one in node.iter(etree.Element):
            number = _number(attribute(one, "value"))
            if number is not None and (number < 0 or (number == 0 and one.tag == _DENOMINATOR)):
                yield _wrong(one, "Une dose, un débit ou une dose maximale ne peut pas être de cette valeur")
    for node in document.clinical.iter(*_LASTING):
        parent = node.getparent()
        if parent is None or parent.tag != _EFFECTIVE:
            continue
        number, unit = _number(attribute(node, "value")), attribute(node, "unit")
        if number is not None and number <= 0:
            yield _wrong(node, "Une durée ou un intervalle entre prises ne peut pas être de cette valeur")
        if document.letter and unit and unit not in TIMES:
            text = "Une durée ou un intervalle entre prises n'est pas dans une unité de temps"
            yield Fault(place(node, "unit"), unit[:16], "h, d, wk, mo…", text)


def _wrong(node: etree._Element, text: str) -> Fault:
    return Fault(place(node, "value"), "négatif ou nul", "un nombre au-dessus de zéro", text)


def _number(value: str) -> Decimal | None:
    try:
        number = Decimal(value) if value else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
