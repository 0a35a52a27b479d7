"""hl7apy as a dictionary of HL7: one segment checked against the published definitions (hl7v2-interface §9.3).

Segment by segment, tolerant level, PRT read with 2.7: the library's group finding, strict level and validator are
never used (they lose Z segments and PRT, refuse a real OBX-5, and fail on Z segments). Findings show the shape of a
value (`9999-AA`), never the value: a birth date is an identity too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hl7apy import load_reference
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_segment

from connector.base.finding import Finding
from connector.hl7.er7 import Segment
from connector.hl7.model import DELETED

_TYPED = {"DT": "date", "DTM": "date et heure", "TM": "heure", "NM": "nombre", "SI": "entier"}
_REFERENCE = "HL7 v{} (hl7apy)"


def check_segment(segment: Segment, occurrence: int, version: str) -> Iterator[Finding]:
    """Warnings on one standard segment: unknown segment or field, missing or repeated field, ill-typed value.

    `version` is MSH-12.1; Z segments are not described by HL7 and give nothing. The cost grows with the length of
    the segment without its payload: about a second for 20 000 characters, the caller bounds it.
    """
    name = segment.name
    if name.startswith("Z"):
        return
    release = "2.7" if name == "PRT" else _release(version)
    place = f"{name}[{occurrence}]"
    line = without_payload(segment)
    try:
        definition = load_reference(name, "Segment", release)[1]
        parsed = parse_segment(line, release, _encoding(segment), VALIDATION_LEVEL.TOLERANT)
    except HL7apyException:
        yield _finding(place, "inconnu", f"un segment de HL7 {release}", "segment inconnu de la norme", release)
        return
    yield from _check_fields(segment, place, definition, release)
    for field in parsed.children:
        if field.name in {child[0] for child in definition}:
            yield from _check_leaves(field, place, release)


def _check_fields(segment: Segment, place: str, definition: Any, release: str) -> Iterator[Finding]:
    for number, (_, _, (least, most), _) in enumerate(definition, start=1):
        count = sum(1 for rep in segment.reps(number) if rep.strip())
        if count < least:
            yield _finding(f"{place}-{number}", "vide", "une valeur", "champ obligatoire en HL7 absent", release)
        elif 0 <= most < count:
            yield _finding(f"{place}-{number}", f"{count} répétitions", f"{most} au plus", "trop répété", release)
    beyond = [n for n in range(len(definition) + 1, len(segment.fields())) if segment.field(n).strip()]
    if beyond:
        found, expected = f"champ {beyond[0]}", f"au plus {len(definition)} champs"
        yield _finding(f"{place}-{beyond[0]}", found, expected, "champ inconnu de la norme", release)


def _check_leaves(field: Any, place: str, release: str) -> Iterator[Finding]:
    """hl7apy keeps an ill-typed value as text under its declared type: that difference is the finding."""
    number = field.name.split("_")[1]
    for component in field.children:
        for leaf in component.children:
            value = leaf.value
            declared = leaf.datatype
            text = value.to_er7() if hasattr(value, "to_er7") else str(value)
            if declared in _TYPED and text not in ("", DELETED) and type(value).__name__ != declared:
                where = f"{place}-{number}" + (f".{component.name.split('_')[1]}" if "_" in component.name else "")
                yield _finding(where, _shape(text), _TYPED[declared], "valeur d'un autre type", release)


def _shape(value: str) -> str:
    """Digits as 9, letters as A, the rest as it is; at most 26 characters."""
    return "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in value[:26])


def without_payload(segment: Segment) -> str:
    """The segment with its OBX-5 emptied: the payload is judged elsewhere and costs the library minutes."""
    if segment.name != "OBX":
        return segment.text
    fields = list(segment.fields())
    if len(fields) > 5:
        fields[5] = ""
    return segment.delimiters.field.join(fields)


def _encoding(segment: Segment) -> dict[str, str]:
    d = segment.delimiters
    # The library wants every sign; one the sender did not declare is given a control character that cannot occur.
    return {
        "SEGMENT": "\r",
        "GROUP": "\r",
        "FIELD": d.field,
        "COMPONENT": d.component,
        "REPETITION": d.repetition or "\x01",
        "ESCAPE": d.escape or "\x02",
        "SUBCOMPONENT": d.subcomponent or "\x03",
    }


def _release(version: str) -> str:
    """The nearest release the library describes; the French messages are 2.5 or 2.6."""
    return version if version in ("2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7") else "2.5"


def _finding(where: str, found: str, expected: str, text: str, release: str) -> Finding:
    return Finding("HL7-DEF", "warning", where, found, expected, text, reference=_REFERENCE.format(release))
