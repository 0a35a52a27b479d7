"""What two CDA say, side by side: coded entries by template, values, texts, header. Knows nothing of the model.

A fact is a line of text. Not facts: why a value is absent (nullFlavor), names of code systems, made-up identifiers of
sections and entries, attributes that only say how CDA is put together, capital letters of labels and texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

V3 = "{urn:hl7-org:v3}"
MECHANICS = frozenset(
    {
        "codeSystemName",
        "nullFlavor",
        "determinerCode",
        "contextControlCode",
        "ID",
        "inversionInd",
        "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation",
    }
)
USUAL = {"moodCode": "EVN", "negationInd": "false"}
"""What an attribute says when it is left out."""

_WORD = re.compile(r"[^\W_]+")

REMARKS = {
    "1.3.6.1.4.1.19376.1.5.3.1.4.2": "commentaire",
    "1.3.6.1.4.1.19376.1.5.3.1.4.3": "instruction",
}
"""Templates of what is tied to an entry in words only: one fact each."""


def differences(original: bytes, rebuilt: bytes) -> list[str]:
    """`- fact` for what only the original says, `+ fact` for what only the other one says, in order."""
    before, after = facts(original), facts(rebuilt)
    said = narratives(rebuilt)
    lost = [f"- {fact}" for fact in before - after]
    added = [f"+ {fact}" for fact in after - before]
    unread = [
        f"- {section}/text: {text}"
        for section, texts in cells(original).items()
        for text in texts
        if words(text) not in said.get(section, "")
    ]
    return lost + unread + added


def facts(cda: bytes) -> Counter[str]:
    """Every fact of the header and of the entries, with how often it is said."""
    root = _root(cda)
    found: Counter[str] = Counter()
    for part in root:
        if isinstance(part.tag, str) and part.tag != f"{V3}component":
            found.update(_of(part, _name(part)))
    for section in root.iter(f"{V3}section"):
        code = _loinc(section)
        found[f"{code}/title={_text(section.find(f'{V3}title'))}"] += 1
        found.update(f"{code}/templateId={item.get('root')}" for item in section.findall(f"{V3}templateId"))
        for number, entry in enumerate(section.findall(f"{V3}entry"), 1):
            for act in entry.iterchildren("*"):
                found.update(_of(act, f"{code}/{number}/{_name(act)}"))
    for body in root.iter(f"{V3}nonXMLBody"):
        found.update(_of(body, "nonXMLBody"))
    return found


def narratives(cda: bytes) -> dict[str, str]:
    """Words of each section's narrative, by LOINC code."""
    return {_loinc(section): words(_all_text(section)) for section in _root(cda).iter(f"{V3}section")}


def cells(cda: bytes) -> dict[str, list[str]]:
    """Texts of each section's narrative but its headings, cell by cell, by LOINC code."""
    found: dict[str, list[str]] = {}
    for section in _root(cda).iter(f"{V3}section"):
        narrative = section.find(f"{V3}text")
        if narrative is None:
            continue
        values = list(narrative.iter(f"{V3}td")) or [narrative]
        labels = _labels(narrative)
        texts = [_text(cell) for cell in values if cell not in labels]
        found[_loinc(section)] = [text for text in texts if words(text)]
    return found


def words(text: str) -> str:
    """Words in lower case, one space between: ` 1 comprimé `."""
    return " ".join(["", *_WORD.findall(text.casefold()), ""])


def _labels(narrative: etree._Element) -> set[etree._Element]:
    """First cells of rows of two, in tables without heads of columns."""
    tables = [table for table in narrative.iter(f"{V3}table") if len(table.findall(f".//{V3}th")) < 2]
    rows = [row.findall(f"{V3}td") for table in tables for row in table.iter(f"{V3}tr")]
    return {row[0] for row in rows if len(row) == 2}


def _of(element: etree._Element, path: str) -> Iterator[str]:
    name = _name(element)
    if name in ("reference", "id") and _is_mere(element):
        return
    if name in ("text", "originalText") and element.find(f"{V3}reference") is not None:
        yield f"{path} → {_referred(element)}"
        return
    for template in element.findall(f"{V3}templateId"):
        if (remark := REMARKS.get(template.get("root", ""))) is not None:
            yield f"{path} {remark} → {_referred(element.find(f'{V3}text'))}"
            return
    if attributes := _attributes(element):
        yield f"{path} {attributes}"
    if element.text and element.text.strip():
        yield f"{path}={' '.join(element.text.split())}"
    for child in element.iterchildren("*"):
        yield from _of(child, f"{path}/{_name(child)}{_kind(child)}")


def _attributes(element: etree._Element) -> str:
    told = []
    for key, value in sorted(element.attrib.items()):
        name = etree.QName(key).localname
        kept = name != "type" or _name(element) == "value"
        if key not in MECHANICS and name not in ("classCode", "typeCode") and USUAL.get(name) != value and kept:
            text = " ".join(str(value).split())
            told.append(f"@{name}={text.casefold() if name == 'displayName' else text}")
    if element.get("typeCode") and _name(element) in ("participant", "relatedDocument"):
        told.append(f"@typeCode={element.get('typeCode')}")
    if element.get("classCode") and _name(element) in ("relatedEntity", "associatedEntity"):
        told.append(f"@classCode={element.get('classCode')}")
    return " ".join(told)


def _kind(element: etree._Element) -> str:
    """What tells one link or one author of the same name from another."""
    code = element.get("typeCode")
    return f"[{code}]" if code and _name(element) == "entryRelationship" else ""


def _is_mere(element: etree._Element) -> bool:
    """An identifier that only tells an entry from another."""
    return bool(re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", element.get("root", "")))


def _referred(element: etree._Element | None) -> str:
    if element is None:
        return "(rien)"
    pointer = element.find(f"{V3}reference")
    target = "" if pointer is None else pointer.get("value", "").removeprefix("#")
    found = [node for node in element.getroottree().iter("*") if target and node.get("ID") == target]
    return _text(found[0]).casefold() if found else "(rien)"


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join(word for part in element.itertext() for word in str(part).split())


def _all_text(section: etree._Element) -> str:
    return _text(section.find(f"{V3}text"))


def _loinc(section: etree._Element) -> str:
    code = section.find(f"{V3}code")
    return "?" if code is None else code.get("code", "?")


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _root(cda: bytes) -> etree._Element:
    return etree.fromstring(cda, etree.XMLParser(remove_comments=True, resolve_entities=False))
