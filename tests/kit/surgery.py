"""Small operations on a document, by XPath (prefix h is HL7v3). One that finds nothing is a mistake of the test."""

from __future__ import annotations

import copy
from collections.abc import Callable

from lxml import etree

V3 = "urn:hl7-org:v3"
NAMES = {"h": V3, "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
Operation = Callable[[etree._Element], None]


def nodes(root: etree._Element, path: str) -> list[etree._Element]:
    found = root.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    assert found, path
    return [node for node in found if isinstance(node, etree._Element)]


def cut(path: str) -> Operation:
    """Takes every element at `path` away."""

    def operate(root: etree._Element) -> None:
        for node in nodes(root, path):
            parent = node.getparent()
            assert parent is not None
            parent.remove(node)

    return operate


def put(path: str, name: str, value: str) -> Operation:
    """Sets an attribute of the first element at `path`; `xsi:type` too."""

    def operate(root: etree._Element) -> None:
        prefix, _, local = name.rpartition(":")
        nodes(root, path)[0].set(f"{{{NAMES[prefix]}}}{local}" if prefix else name, value)

    return operate


def unset(path: str, name: str) -> Operation:
    def operate(root: etree._Element) -> None:
        del nodes(root, path)[0].attrib[name]

    return operate


def write(path: str, text: str) -> Operation:
    """Replaces what the first element at `path` holds by `text`."""

    def operate(root: etree._Element) -> None:
        node = nodes(root, path)[0]
        for one in list(node):
            node.remove(one)
        node.text = text

    return operate


def insert(path: str, xml: str) -> Operation:
    """Adds an element before the first one at `path`."""

    def operate(root: etree._Element) -> None:
        nodes(root, path)[0].addprevious(etree.fromstring(f'<x xmlns="{V3}">{xml}</x>')[0])

    return operate


def append(path: str, xml: str) -> Operation:
    """Adds an element at the end of the first one at `path`."""

    def operate(root: etree._Element) -> None:
        nodes(root, path)[0].append(etree.fromstring(f'<x xmlns="{V3}">{xml}</x>')[0])

    return operate


def move_after(path: str, other: str) -> Operation:
    def operate(root: etree._Element) -> None:
        nodes(root, other)[0].addnext(nodes(root, path)[0])

    return operate


def double(path: str) -> Operation:
    def operate(root: etree._Element) -> None:
        node = nodes(root, path)[0]
        node.addnext(copy.deepcopy(node))

    return operate


def reverse(path: str) -> Operation:
    """The elements at `path`, brothers, the last one first."""

    def operate(root: etree._Element) -> None:
        found = nodes(root, path)
        parent = found[0].getparent()
        assert parent is not None
        for node in reversed(found):
            parent.append(node)

    return operate


def both(*operations: Operation) -> Operation:
    def operate(root: etree._Element) -> None:
        for one in operations:
            one(root)

    return operate
