"""Small readers over HL7v3 elements: text, codes, identifiers. Comments and processing instructions never count."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.model import Coded, InstanceId


def child(node: etree._Element | None, path: str) -> etree._Element | None:
    """First element at `path` ("a/b/c", all in HL7v3), None when absent."""
    return None if node is None else node.find(_path(path))


def children(node: etree._Element | None, path: str) -> Iterator[etree._Element]:
    return iter(()) if node is None else node.iterfind(_path(path))


def attribute(node: etree._Element | None, name: str, path: str = "") -> str:
    """Attribute `name` of the element at `path`, trimmed, "" when absent."""
    found = child(node, path) if path else node
    return "" if found is None else str(found.get(name, "")).strip()


def text(node: etree._Element | None, path: str = "") -> str:
    """Text of the element at `path` with white space collapsed, "" when absent."""
    found = child(node, path) if path else node
    if found is None:
        return ""
    # XPath's string() leaves out comments, which itertext() would read as text; without a child there is none
    return " ".join((str(found.xpath("string()")) if len(found) else found.text or "").split())


def coded(node: etree._Element | None, path: str) -> Coded | None:
    """CD/CE at `path`; None when absent or without code (nullFlavor)."""
    found = child(node, path)
    code = attribute(found, "code")
    return Coded(code, attribute(found, "codeSystem"), attribute(found, "displayName")) if code else None


def instance_ids(node: etree._Element | None, path: str = "id") -> tuple[InstanceId, ...]:
    """Every II at `path` that has a root."""
    found = (InstanceId(attribute(item, "root"), attribute(item, "extension")) for item in children(node, path))
    return tuple(item for item in found if item.root)


def instance_id(node: etree._Element | None, path: str = "id", root: str = "") -> InstanceId | None:
    """The II of `root` when there is one, else the first."""
    found = instance_ids(node, path)
    return next((item for item in found if item.root == root), found[0] if found else None)


@lru_cache(maxsize=1024)
def _path(path: str) -> str:
    return "/".join(q(HL7V3, step) for step in path.split("/"))
