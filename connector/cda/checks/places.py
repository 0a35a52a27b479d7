"""Where a finding points: the path of an element in the names people know."""

from __future__ import annotations

from lxml import etree


def place(node: etree._Element, attribute: str = "") -> str:
    """`/ClinicalDocument/author[2]/time`, with `/@attribute` after it; a number only where there are several."""
    steps: list[str] = []
    for one in (node, *node.iterancestors()):
        name = etree.QName(one).localname
        parent = one.getparent()
        same = [] if parent is None else parent.findall(str(one.tag))
        steps.insert(0, name if len(same) < 2 else f"{name}[{same.index(one) + 1}]")
        if name == "ClinicalDocument":
            break
    return "/" + "/".join(steps) + (f"/@{attribute}" if attribute else "")
