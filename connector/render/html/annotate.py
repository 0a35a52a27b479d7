"""Writes into the tree, before the stylesheet reads it, what XSLT 1.0 cannot work out.

Everything goes into attributes of one namespace of ours; those a document brings along are taken out first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.base.finding import Finding
from connector.base.ns import HL7V3, q
from connector.cda.clock import document_clock
from connector.render.html.dates import french, french_birth, whose_clock
from connector.render.html.media import settle_media
from connector.render.html.model import Attachment, R, warning
from connector.render.html.places import narrative, number_notes, place_media
from connector.render.html.unsaid import mark_unsaid

DEEPEST: Final = 72
"""Elements in one another; beyond, only text is kept. The deepest official example has 20."""

_V3: Final = {"v3": HL7V3, "r": R}
_FORGED: Final = etree.XPath("descendant-or-self::*[@r:*]", namespaces=_V3)
# a path of child steps visits each element once, where counting ancestors would visit a deep chain again and again
_DEEP: Final = etree.XPath("/*" * (DEEPEST + 1))
_TIMES: Final = etree.XPath(
    "descendant::*[@value][self::v3:effectiveTime or self::v3:time or self::v3:birthTime or self::sdtc:deceasedTime"
    " or self::v3:value[contains(@xsi:type, 'TS')] or ((self::v3:low or self::v3:high or self::v3:center) and"
    " (parent::v3:effectiveTime or parent::v3:time or parent::v3:value[contains(@xsi:type, 'TS')]))]",
    namespaces={**_V3, "sdtc": "urn:hl7-org:sdtc", "xsi": "http://www.w3.org/2001/XMLSchema-instance"},
)
_TEXT: Final = q(HL7V3, "text")
_BIRTH: Final = q(HL7V3, "birthTime")
_KNOWN: Final = frozenset(
    q(HL7V3, name)
    for name in (
        "content", "linkHtml", "sub", "sup", "br", "footnote", "footnoteRef", "renderMultiMedia", "paragraph", "list",
        "item", "caption", "table", "col", "colgroup", "thead", "tbody", "tfoot", "tr", "th", "td",
    )
)  # fmt: skip


def annotate(document: etree._Element) -> tuple[tuple[Finding, ...], tuple[Attachment, ...]]:
    """Changes the tree of a ClinicalDocument, the root of its tree; gives what was found and the files it holds."""
    for node in _found(_FORGED, document):
        for name in [name for name in node.attrib if str(name).startswith(f"{{{R}}}")]:
            del node.attrib[name]
    etree.strip_tags(document, f"{{{R}}}*")
    findings = [*_flattened(document), *_unknown(document)]
    clock = document_clock(document)
    document.set(q(R, "clock"), whose_clock(clock))
    for node in _found(_TIMES, document):
        value = str(node.get("value")).strip()
        said = french_birth(value) if node.tag == _BIRTH else french(value, clock)
        if said is not None:
            node.set(q(R, "date"), said[0])
            node.set(q(R, "iso"), said[1])
    number_notes(document)
    mark_unsaid(document)
    media, attachments = settle_media(document)
    place_media(document)
    return (*findings, *media), attachments


def _flattened(document: etree._Element) -> Iterator[Finding]:
    deep = _found(_DEEP, document)
    for node in deep:
        said = str(node.xpath("string()"))
        for child in list(node):
            node.remove(child)
        node.text = said
    if deep:
        yield warning(
            "RENDER-01",
            "/ClinicalDocument",
            f"{len(deep)} éléments plus profonds",
            f"au plus {DEEPEST} éléments l'un dans l'autre",
            "Des éléments trop imbriqués sont montrés comme du texte simple",
        )


def _unknown(document: etree._Element) -> Iterator[Finding]:
    """Elements no narrative has; their text is shown as it is."""
    names = {
        etree.QName(node).localname for node in narrative(document) if node.tag not in _KNOWN and node.tag != _TEXT
    }
    for name in sorted(names)[:10]:
        yield warning(
            "RENDER-02",
            "section/text",
            f"élément {name[:40]}",
            "un élément de récit CDA",
            "Un élément inconnu du récit est montré comme du texte simple",
        )


def _found(path: etree.XPath, node: etree._Element) -> list[etree._Element]:
    found = path(node)
    return [item for item in found if isinstance(item, etree._Element)] if isinstance(found, list) else []
