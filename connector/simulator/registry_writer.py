"""The simulator's own ebRIM writer: registry objects back into XML, for its store and for its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from connector.base.ns import QUERY, RIM, RS, q
from connector.rules import names
from connector.rules.model import RegistryObject, Slot
from connector.simulator.model import RegistryErrorItem
from connector.simulator.registry_reader import XML_LANG

_ATTRIBUTES = (
    ("id", "id"),
    ("lid", "lid"),
    ("status", "status"),
    ("objectType", "object_type"),
    ("mimeType", "mime_type"),
    ("isOpaque", "opaque"),
    ("home", "home"),
    ("associationType", "association_type"),
    ("sourceObject", "source"),
    ("targetObject", "target"),
)


def object_list(objects: Iterable[RegistryObject]) -> etree._Element:
    """A rim:RegistryObjectList, complete objects."""
    root = etree.Element(q(RIM, "RegistryObjectList"), nsmap={"rim": RIM})
    for item in objects:
        _write(root, item)
    return root


def reference_list(ids: Iterable[str]) -> etree._Element:
    """A rim:RegistryObjectList of ObjectRef."""
    root = etree.Element(q(RIM, "RegistryObjectList"), nsmap={"rim": RIM})
    for value in ids:
        etree.SubElement(root, q(RIM, "ObjectRef"), id=value)
    return root


def registry_response(status: str, errors: Sequence[RegistryErrorItem] = ()) -> etree._Element:
    """A bare rs:RegistryResponse (ITI-41 answer; also the first child of the ITI-43 answer)."""
    root = etree.Element(q(RS, "RegistryResponse"), nsmap={"rs": RS}, status=status)
    if errors:
        root.append(error_list(errors))
    return root


def query_response(
    status: str, objects: etree._Element, count: int, errors: Sequence[RegistryErrorItem] = ()
) -> etree._Element:
    """A query:AdhocQueryResponse with the counters the DMP writes (dmp-interface a.8)."""
    root = etree.Element(
        q(QUERY, "AdhocQueryResponse"),
        nsmap={"query": QUERY},
        status=status,
        startIndex="0",
        totalResultCount=str(count),
    )
    if errors:
        root.append(error_list(errors))
    root.append(objects)
    return root


def error_list(errors: Sequence[RegistryErrorItem]) -> etree._Element:
    """rs:RegistryErrorList; its highestSeverity is that of its gravest error (ihe-rules D-53)."""
    grave = any(item.severity == "Error" for item in errors)
    highest = names.SEVERITY + ("Error" if grave else "Warning")
    root = etree.Element(q(RS, "RegistryErrorList"), nsmap={"rs": RS}, highestSeverity=highest)
    for item in errors:
        etree.SubElement(
            root,
            q(RS, "RegistryError"),
            errorCode=item.code,
            codeContext=item.context,
            location=item.location,
            severity=names.SEVERITY + item.severity,
        )
    return root


def _write(parent: etree._Element, item: RegistryObject) -> None:
    element = etree.SubElement(parent, q(RIM, item.kind))
    for attribute, field in _ATTRIBUTES:
        value = getattr(item, field)
        if value:
            element.set(attribute, value)
    _slots(element, item.slots)
    _text(element, "Name", item.name)
    _text(element, "Description", item.description)
    if item.version:
        etree.SubElement(element, q(RIM, "VersionInfo"), versionName=item.version)
    for found in item.classifications:
        child = etree.SubElement(element, q(RIM, "Classification"), id=found.id, classifiedObject=item.id)
        if found.scheme:
            child.set("classificationScheme", found.scheme)
        if found.node:
            child.set("classificationNode", found.node)
        child.set("nodeRepresentation", found.representation or "")
        _slots(child, found.slots)
        _text(child, "Name", found.name)
    for identifier in item.identifiers:
        child = etree.SubElement(
            element,
            q(RIM, "ExternalIdentifier"),
            id=identifier.id,
            registryObject=item.id,
            identificationScheme=identifier.scheme,
            value=identifier.value,
        )
        _text(child, "Name", identifier.name)


def _slots(parent: etree._Element, slots: Iterable[Slot]) -> None:
    for slot in slots:
        element = etree.SubElement(parent, q(RIM, "Slot"), name=slot.name)
        values = etree.SubElement(element, q(RIM, "ValueList"))
        for value in slot.values:
            etree.SubElement(values, q(RIM, "Value")).text = value


def _text(parent: etree._Element, local: str, value: str | None) -> None:
    if value is None:
        return
    holder = etree.SubElement(parent, q(RIM, local))
    etree.SubElement(holder, q(RIM, "LocalizedString"), {"charset": "UTF8", "value": value, XML_LANG: "FR"})
