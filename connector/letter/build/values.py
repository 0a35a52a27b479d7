"""Data types of HL7 V3 from the values of the model: codes, times, intervals, quantities, nulls."""

from __future__ import annotations

from connector.letter.build.systems import NAMES
from connector.letter.build.xml import Content, Xml, element
from connector.letter.model import Code, Dose, Identifier, MaximumDose, Quantity
from connector.letter.model.times import to_hl7


def coded(name: str, code: Code, *content: Content, xsi_type: str | None = None) -> Xml:
    """A code in its system, with its label when it has one."""
    return element(
        name,
        *content,
        xsi_type=xsi_type,
        code=code.code,
        displayName=code.display,
        codeSystem=code.system,
        codeSystemName=NAMES.get(code.system or ""),
    )


def fixed(name: str, code: str, system: str, display: str) -> Xml:
    """A code that the template itself fixes."""
    return coded(name, Code.model_construct(code=code, system=system, display=display))


def maybe_coded(name: str, code: Code | None, *content: Content, xsi_type: str | None = None) -> Xml:
    """The code, or the statement that only the narrative says it."""
    if code is not None:
        return coded(name, code, *content, xsi_type=xsi_type)
    return element(name, *content, xsi_type=xsi_type, nullFlavor="UNK")


def templates(*roots: str) -> list[Xml]:
    """One `templateId` for each OID; `oid|extension` has an extension."""
    return [_template(*root.partition("|")) for root in roots]


def _template(root: str, mark: str, extension: str) -> Xml:
    return element("templateId", root=root, extension=extension if mark else None)


def identified(identifier: Identifier, name: str = "id") -> Xml:
    """An instance identifier."""
    return element(name, root=identifier.root, extension=identifier.extension)


def time(name: str, value: str | None, null: str = "UNK") -> Xml:
    """A point in time, or why there is none."""
    return element(name, value=to_hl7(value)) if value else element(name, nullFlavor=null)


def interval(name: str, low: Xml | None, high: Xml | None, *, xsi_type: str | None = None) -> Xml:
    """An interval of time from its bounds, either of which may be left out."""
    return element(name, low, high, xsi_type=xsi_type)


def period(start: str | None, end: str | None, name: str = "effectiveTime", *, xsi_type: str | None = None) -> Xml:
    """From `start`, or an unknown start, to `end` when it is known."""
    return interval(name, time("low", start), time("high", end) if end else None, xsi_type=xsi_type)


def span(start: str, end: str | None, name: str = "effectiveTime", *, xsi_type: str | None = None) -> Xml:
    """An interval of the header; one point when both bounds are written alike, which its rules refuse (dtr1-6)."""
    if end is not None and to_hl7(start) == to_hl7(end):
        return element(name, xsi_type=xsi_type, value=to_hl7(start))
    return period(start, end, name, xsi_type=xsi_type)


def moment_or_period(start: str | None, end: str | None) -> Xml:
    """The date of an act: one point, an interval, or unknown."""
    return period(start, end) if end else time("effectiveTime", start)


def quantity(name: str, value: str, unit: str | None, *content: Content) -> Xml:
    """A physical quantity; without unit it is a count."""
    return element(name, *content, value=value, unit=unit)


def of_quantity(name: str, value: Quantity) -> Xml:
    return quantity(name, value.value, value.unit)


def dose(name: str, value: Dose, original: Xml | None) -> Xml:
    """An interval of quantities, both bounds always said; `original` points to the dose as it is read."""
    said = element("translation", original) if original else None
    return element(
        name,
        quantity("low", value.value, value.unit, said),
        quantity("high", value.high or value.value, value.unit, said),
    )


def maximum(name: str, value: MaximumDose, original: Xml | None) -> Xml:
    """A ratio: so much in such a time."""
    said = element("translation", original) if original else None
    return element(name, quantity("numerator", value.value, value.unit, said), of_quantity("denominator", value.per))
