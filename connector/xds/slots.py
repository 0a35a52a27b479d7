"""The small change of ebRIM: slots, localised names, classifications, external identifiers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from lxml import etree

from connector.base.ns import RIM, q
from connector.xds.model import Author, Code

SLOT = q(RIM, "Slot")
VALUE_LIST = q(RIM, "ValueList")
VALUE = q(RIM, "Value")
NAME = q(RIM, "Name")
DESCRIPTION = q(RIM, "Description")
VERSION_INFO = q(RIM, "VersionInfo")
LOCALIZED = q(RIM, "LocalizedString")
CLASSIFICATION = q(RIM, "Classification")
EXTERNAL_IDENTIFIER = q(RIM, "ExternalIdentifier")
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def new_ids() -> Iterator[int]:
    """Numbers for the ids that ebRIM wants on every classification and identifier; unique inside one request."""
    return count(1)


def add_slot(parent: etree._Element, name: str, values: Iterable[str]) -> None:
    """One Slot with its values; nothing at all when there is no value (an empty slot is a fault: ihe-rules D-19)."""
    kept = [value for value in values if value]
    if not kept:
        return
    listing = etree.SubElement(etree.SubElement(parent, SLOT, name=name), VALUE_LIST)
    for value in kept:
        etree.SubElement(listing, VALUE).text = value


def add_text(parent: etree._Element, tag: str, value: str) -> None:
    """Name or Description, in French (`charset="UTF8" xml:lang="FR"`, dmp-interface c.1)."""
    if value:
        holder = etree.SubElement(parent, tag)
        etree.SubElement(holder, LOCALIZED, {"charset": "UTF8", XML_LANG: "FR", "value": value})


def add_code(parent: etree._Element, owner: str, scheme: str, code: Code | None, ids: Iterator[int]) -> None:
    """A coded classification: nodeRepresentation, codingScheme slot, Name (ihe-rules D-21)."""
    if code is None:
        return
    node = _classification(parent, owner, scheme, code.code, ids)
    add_slot(node, "codingScheme", (code.scheme,))
    add_text(node, NAME, code.display)


def add_author(parent: etree._Element, owner: str, scheme: str, author: Author, ids: Iterator[int]) -> None:
    """An author classification; its nodeRepresentation is empty (ihe-rules D-09)."""
    node = _classification(parent, owner, scheme, "", ids)
    add_slot(node, "authorInstitution", author.institutions)
    add_slot(node, "authorPerson", (author.person,))
    add_slot(node, "authorRole", author.roles)
    add_slot(node, "authorSpecialty", author.specialties)
    add_slot(node, "authorTelecommunication", author.telecoms)


def add_identifier(parent: etree._Element, owner: str, scheme: str, name: str, value: str, ids: Iterator[int]) -> None:
    """An ExternalIdentifier with its standard name (`XDSDocumentEntry.uniqueId`…); nothing when the value is empty."""
    if not value:
        return
    node = etree.SubElement(
        parent,
        EXTERNAL_IDENTIFIER,
        id=f"ei{next(ids):03d}",
        registryObject=owner,
        identificationScheme=scheme,
        value=value,
    )
    add_text(node, NAME, name)


def _classification(
    parent: etree._Element, owner: str, scheme: str, representation: str, ids: Iterator[int]
) -> etree._Element:
    return etree.SubElement(
        parent,
        CLASSIFICATION,
        id=f"cl{next(ids):03d}",
        classificationScheme=scheme,
        classifiedObject=owner,
        nodeRepresentation=representation,
    )


def slot_values(slot: etree._Element) -> list[str]:
    """Texts of a Slot's values, trimmed, empty ones dropped."""
    values = []
    for listing in slot:
        for value in listing:
            text = value.text
            if text and (text := text.strip()):
                values.append(text)
    return values


def localized(holder: etree._Element) -> str:
    """First non-empty LocalizedString value of a Name or Description."""
    for item in holder:
        value = item.get("value")
        if value:
            return value
    return ""


def read_code(node: etree._Element) -> Code:
    """A coded classification; missing parts read as ""."""
    scheme = display = ""
    for child in node:
        tag = child.tag
        if tag == SLOT:
            if not scheme and child.get("name") == "codingScheme":
                scheme = next(iter(slot_values(child)), "")
        elif tag == NAME:
            display = localized(child)
    return Code(node.get("nodeRepresentation") or "", scheme, display)


def read_author(node: etree._Element) -> Author:
    """An author classification; unknown slots are ignored."""
    slots: dict[str, tuple[str, ...]] = {}
    for child in node:
        if child.tag == SLOT:
            name = child.get("name") or ""
            slots[name] = slots.get(name, ()) + tuple(slot_values(child))
    return Author(
        person=next(iter(slots.get("authorPerson", ())), ""),
        institutions=slots.get("authorInstitution", ()),
        roles=slots.get("authorRole", ()),
        specialties=slots.get("authorSpecialty", ()),
        telecoms=slots.get("authorTelecommunication", ()),
    )
