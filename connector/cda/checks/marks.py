"""What points and what is pointed at inside a document, found once for every rule: it is most of what they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q

_IDENTIFIED: Final = etree.XPath("descendant::*[@ID]")
_REFERENCE: Final = q(HL7V3, "reference")


@dataclass(frozen=True, slots=True, repr=False)
class Marks:
    """`ids`: elements of the narrative by their ID, all of those that have it. `lost`: references that lead to none.

    A reference is lost unless it is `#` and an ID; `bare` ones are an ID without its `#`.
    """

    ids: Mapping[str, list[etree._Element]] = field(default_factory=dict)
    bare: tuple[etree._Element, ...] = ()
    lost: tuple[etree._Element, ...] = ()


def read_marks(clinical: etree._Element) -> Marks:
    ids: dict[str, list[etree._Element]] = {}
    found = _IDENTIFIED(clinical)
    for node in found if isinstance(found, list) else ():
        if isinstance(node, etree._Element):
            ids.setdefault(str(node.get("ID")), []).append(node)
    ids.pop("", None)
    bare, lost = [], []
    for node in clinical.iter(_REFERENCE):
        target = str(node.get("value", "")).strip()
        if target in ids:
            bare.append(node)
        elif not target.startswith("#") or target[1:] not in ids:
            lost.append(node)
    return Marks(ids, tuple(bare), tuple(lost))
