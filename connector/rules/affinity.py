"""The code lists of an affinity domain, as its administrator publishes them (ihe-rules D-42, D.6 "Test data").

The file is the one that XDS test tools exchange: CodeType elements, one per attribute, each with its Code elements.
"""

from __future__ import annotations

from lxml import etree

from connector.base.errors import CodecError
from connector.base.xmlsafe import parse_xml
from connector.rules.case import AffinityCodes

FILE_CAP = 8 * 1024 * 1024


def read_codes(content: bytes) -> AffinityCodes:
    """Lists by attribute name: (code, coding scheme, display). Raises CodecError when it is no such file."""
    root = parse_xml(content, cap=FILE_CAP, what="affinity domain codes")
    lists = {_get(item, "name"): _codes(item) for item in root.iter() if _local(item) == "CodeType"}
    lists.pop("", None)
    if not lists:
        raise CodecError("no code list", field="CodeType", found=_local(root), expected="Codes/CodeType/Code")
    return lists


def _codes(listing: etree._Element) -> frozenset[tuple[str, str, str]]:
    found = (item for item in listing if _local(item) == "Code")
    return frozenset((_get(item, "code"), _get(item, "codingScheme"), _get(item, "display")) for item in found)


def _get(element: etree._Element, name: str) -> str:
    return element.get(name, "").strip()


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
