"""Rules about the medicines of a letter: each one given, and read in a text of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.displays import plain
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.nodes import attribute, children, text

_MEDICINE: Final = q(HL7V3, "substanceAdministration")
_ENTRY: Final = q(HL7V3, "entry")
_MATERIAL: Final = "consumable/manufacturedProduct/manufacturedMaterial"
_TEXTS: Final = ("text/reference", f"{_MATERIAL}/code/originalText/reference")


def not_denied(document: Document) -> Iterator[Fault]:
    """« No treatment » has a code of its own; a medicine that is denied reads as one that is taken."""
    for node in document.clinical.iter(_MEDICINE) if document.letter else ():
        if attribute(node, "negationInd") not in ("", "false", "0"):
            said = "Ce médicament est nié dans les données, et le texte le donne à prendre"
            yield Fault(
                place(node, "negationInd"), "true", "un médicament affirmé, ou l'absence de traitement codée", said
            )


def own_text(document: Document) -> Iterator[Fault]:
    """A medicine that leads to the text of another, which does not name it, is not read. Two regimens of one medicine,
    or several in one block that names them all, may share theirs."""
    for _, shared in _unnamed(document):
        if shared is not None:
            said = "Ce médicament renvoie au texte d'un autre : il ne se lit nulle part"
            yield Fault(place(shared, "value"), "le texte d'un autre médicament", "son propre texte", said)


def named_in_text(document: Document) -> Iterator[Fault]:
    """The first word of its name is in the texts that it leads to."""
    for node, shared in _unnamed(document):
        if shared is None:
            said = "Le texte auquel ce médicament renvoie ne le nomme pas : c'est peut-être celui d'un autre"
            yield Fault(f"{place(node)}/{_MATERIAL}/name", "un autre texte", "le nom que dit le texte", said)


def _unnamed(document: Document) -> Iterator[tuple[etree._Element, etree._Element | None]]:
    """Medicines that no text they lead to names, each with its reference to a text that another leads to as well."""
    led = {node: tuple(children(node, "text/reference")) for node in _entries(document)}
    times = Counter(_target(reference) for references in led.values() for reference in references)
    for node, references in led.items():
        if next(_texts(document, node), None) is not None and not _is_named(document, node):
            yield node, next((one for one in references if times[_target(one)] > 1), None)


def _is_named(document: Document, node: etree._Element) -> bool:
    """By the first word of its name; a medicine without a name is."""
    name = plain(text(node, f"{_MATERIAL}/name")).partition(" ")[0]
    return not name or any(name in plain(text(one)) for one in _texts(document, node))


def _entries(document: Document) -> Iterator[etree._Element]:
    """Medicines of a letter, not the parts of their dosing."""
    for node in document.clinical.iter(_MEDICINE) if document.letter else ():
        parent = node.getparent()
        if parent is not None and parent.tag == _ENTRY:
            yield node


def _target(reference: etree._Element) -> str:
    return attribute(reference, "value").lstrip("#")


def _texts(document: Document, node: etree._Element) -> Iterator[etree._Element]:
    for path in _TEXTS:
        for reference in children(node, path):
            yield from document.marks.ids.get(_target(reference), ())
