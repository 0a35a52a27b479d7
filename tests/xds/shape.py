"""The shape of ebRIM 3.0 as a judge of requests: children in the order of the schema, attributes it wants and allows.

Written by hand from the OASIS schema, apart from the writer it judges.
"""

from __future__ import annotations

import re

from lxml import etree

from connector.base.ns import RIM, q

_OBJECT = ["Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier"]
CHILDREN: dict[str, list[str]] = {
    "RegistryObjectList": ["*"],
    "RegistryPackage": [*_OBJECT, "RegistryObjectList"],
    "ExtrinsicObject": [*_OBJECT, "ContentVersionInfo"],
    "Association": _OBJECT,
    "Classification": _OBJECT,
    "ExternalIdentifier": _OBJECT,
    "Slot": ["ValueList"],
    "ValueList": ["Value"],
    "Value": [],
    "Name": ["LocalizedString"],
    "Description": ["LocalizedString"],
    "LocalizedString": [],
    "VersionInfo": [],
    "AdhocQuery": [*_OBJECT, "QueryExpression"],
}
_ANY = {"id", "home", "lid", "objectType", "status"}
REQUIRED: dict[str, set[str]] = {
    "RegistryPackage": {"id"},
    "ExtrinsicObject": {"id", "mimeType", "objectType"},
    "Association": {"id", "associationType", "sourceObject", "targetObject"},
    "Classification": {"id", "classifiedObject"},
    "ExternalIdentifier": {"id", "registryObject", "identificationScheme", "value"},
    "Slot": {"name"},
    "LocalizedString": {"value"},
    "AdhocQuery": {"id"},
}
ALLOWED: dict[str, set[str]] = {
    "RegistryPackage": _ANY,
    "ExtrinsicObject": _ANY | {"mimeType", "isOpaque"},
    "Association": _ANY | {"associationType", "sourceObject", "targetObject"},
    "Classification": _ANY | {"classificationScheme", "classifiedObject", "classificationNode", "nodeRepresentation"},
    "ExternalIdentifier": _ANY | {"registryObject", "identificationScheme", "value"},
    "Slot": {"name", "slotType"},
    "LocalizedString": {"value", "charset", "{http://www.w3.org/XML/1998/namespace}lang"},
    "VersionInfo": {"versionName", "comment"},
    "AdhocQuery": _ANY,
}
_URI = {"id", "lid", "home", "objectType", "status", "associationType", "sourceObject", "targetObject"} | {
    "classificationScheme",
    "classifiedObject",
    "classificationNode",
    "registryObject",
    "identificationScheme",
}
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def faults(root: etree._Element) -> list[str]:
    """Everything of the `rim` namespace below `root` that the schema would refuse, () when it would accept it."""
    found: list[str] = []
    for node in root.iter(q(RIM, "*")):
        name = etree.QName(node).localname
        if name not in CHILDREN:
            found.append(f"unknown element {name}")
            continue
        found += _children(node, name) + _attributes(node, name)
    return found


def _children(node: etree._Element, name: str) -> list[str]:
    order = CHILDREN[name]
    if order == ["*"]:
        return []
    names = [etree.QName(child).localname for child in node]
    if any(child not in order for child in names):
        return [f"{name} holds {names}"]
    ranks = [order.index(child) for child in names]
    return [] if ranks == sorted(ranks) else [f"{name} out of order: {names}"]


def _attributes(node: etree._Element, name: str) -> list[str]:
    given = set(map(str, node.attrib))
    found = [f"{name} lacks {one}" for one in sorted(REQUIRED.get(name, set()) - given)]
    found += [f"{name} may not have {one}" for one in sorted(given - ALLOWED.get(name, set()))]
    if name == "Classification":
        coded, typed = "classificationScheme" in given, "classificationNode" in given
        if coded == typed or coded != ("nodeRepresentation" in given):
            found.append("Classification neither coded nor typed")
    for one in _URI & given:
        value = node.get(one) or ""
        if not value or re.search(r"\s", value):
            found.append(f"{name}/@{one} is no URI: {value!r}")
        elif value.lower().startswith("urn:uuid:") and not _UUID.fullmatch(value):
            found.append(f"{name}/@{one} is no lower-case UUID: {value}")
    if name == "Value" and not node.text:
        found.append("empty Value")
    return found
