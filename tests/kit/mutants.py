"""Documents broken at random, the same for the same seed."""

from __future__ import annotations

import copy
import random

from lxml import etree

V3 = "{urn:hl7-org:v3}"
VALUES = ("", "x", "1.2.3", "20261340", "UNK", "GEN-000", "mailto:x", "2.16.840.1.113883.6.1")


def mutant(clinical: etree._Element, seed: int) -> str:
    """One change for thirty elements: an element or an attribute taken away, added, doubled, changed or moved."""
    draw = random.Random(seed)
    root = copy.deepcopy(clinical)
    for _ in range(len(list(root.iter())) // 30 + 3):
        nodes = [node for node in root.iter(etree.Element) if node is not root]
        _change(draw, draw.choice(nodes), nodes)
    return etree.tostring(root, encoding="unicode", with_tail=False)


def _change(draw: random.Random, node: etree._Element, nodes: list[etree._Element]) -> None:
    parent = node.getparent()
    assert parent is not None
    names = sorted(str(name) for name in node.attrib)
    match draw.randrange(8):
        case 0:
            parent.remove(node)
        case 1:
            parent.append(copy.deepcopy(node))
        case 2 if names:
            del node.attrib[draw.choice(names)]
        case 3 if names:
            node.set(draw.choice(names), draw.choice(VALUES))
        case 4:
            node.set("nullFlavor", draw.choice(("UNK", "NA", "XX")))
        case 5:
            etree.SubElement(node, f"{V3}{draw.choice(('id', 'code', 'templateId', 'text'))}", root=draw.choice(VALUES))
        case 6:
            other = draw.choice([one for one in nodes if one.tag == node.tag])
            node.attrib.clear()
            node.attrib.update(other.attrib)
        case _:
            node.text = draw.choice(VALUES)
