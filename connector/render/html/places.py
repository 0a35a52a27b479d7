"""Where images and notes go: what of a document refers to them by an ID, settled before the stylesheet runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.render.html.model import R

_AGAIN: Final = "Contenu déjà montré plus haut dans ce document."
_ABSENT: Final = "Une image annoncée ici n'est pas dans le document."


def narrative(document: etree._Element) -> Iterator[etree._Element]:
    """Every element of every section's text, the texts themselves included."""
    for text in document.iter(q(HL7V3, "text")):
        parent = text.getparent()
        if parent is not None and parent.tag == q(HL7V3, "section"):
            yield from text.iter(etree.Element)


def place_media(document: etree._Element) -> None:
    """Gives each renderMultiMedia what it refers to, as elements r:media; what nothing places stays in its entry.

    A reference may name several objects (IDREFS), each a medium or a region of one. An image is on the page once, or
    one image referred to a million times would make a page of its size a million times.
    """
    holders: dict[str, list[etree._Element]] = {}
    for media in document.iter(q(HL7V3, "observationMedia")):
        values = media.findall(q(HL7V3, "value"))
        for named in (media, *media.iterancestors(q(HL7V3, "regionOfInterest"))):
            if (name := named.get("ID")) is not None:
                holders.setdefault(name, []).extend(values)
    for shown in list(narrative(document)):
        if shown.tag != q(HL7V3, "renderMultiMedia"):
            continue
        names = dict.fromkeys(shown.get("referencedObject", "").split())
        values = [value for name in names for value in holders.get(name, ())]
        for value in dict.fromkeys(values):
            _place(value, shown)
        if not names or any(not holders.get(name) for name in names):
            _notice(shown, _ABSENT)


def _place(value: etree._Element, shown: etree._Element) -> None:
    kind = q(R, "kind")
    if value.get(kind) is None:
        _notice(shown, _AGAIN)
        return
    placed = etree.SubElement(shown, q(R, "media"))
    for name, said in value.attrib.items():
        if str(name).startswith(f"{{{R}}}"):
            placed.set(name, said)
            del value.attrib[name]


def _notice(shown: etree._Element, text: str) -> None:
    etree.SubElement(shown, q(R, "media"), {q(R, "kind"): "none", q(R, "name"): text})


def number_notes(document: etree._Element) -> None:
    """Numbers the footnotes that are referred to, in the order they are written, and what refers to them (r:note)."""
    notes: dict[str, etree._Element] = {}
    references: list[etree._Element] = []
    for node in narrative(document):
        if node.tag == q(HL7V3, "footnote") and (name := node.get("ID")) is not None:
            notes.setdefault(name, node)
        elif node.tag == q(HL7V3, "footnoteRef"):
            references.append(node)
    asked = {node.get("IDREF") for node in references}
    numbers = {name: str(number) for number, name in enumerate((name for name in notes if name in asked), start=1)}
    for name, number in numbers.items():
        notes[name].set(q(R, "note"), number)
    for node in references:
        if (rank := numbers.get(node.get("IDREF", ""))) is not None:
            node.set(q(R, "note"), rank)
