"""Rules about what points inside the document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault
from connector.cda.nodes import attribute, children

_ID: Final = re.compile(r"#?[\w.-]{1,64}")
_SHOWN: Final = 5
_MEDICINE: Final = q(HL7V3, "substanceAdministration")
_ENTRY: Final = q(HL7V3, "entry")
_SECTION: Final = q(HL7V3, "section")
_ALLERGIES: Final = ("1.2.250.1.213.1.1.2.137", "1.3.6.1.4.1.19376.1.5.3.1.3.13")
"""templateId of the section whose entries lead nowhere in both official letters (#NO-ALL, #)."""


def dangling(document: Document) -> Iterator[Fault]:
    """What the others leave: other documents, allergies, links and pictures of the narrative, addresses of letters."""
    lost = [_target(node) for node in document.marks.lost if _only_warned(document, node)]
    yield from _told("//reference/@value", [*lost, *_links(document)])


def medicines_dangling(document: Document) -> Iterator[Fault]:
    """References of the medicines of a letter: people read them in the narrative, and nowhere else."""
    lost = (node for node in document.marks.lost if document.letter and _in_medicine(node))
    yield from _told("//substanceAdministration//reference/@value", map(_target, lost))


def entries_dangling(document: Document) -> Iterator[Fault]:
    """The same of its other entries, those of allergies apart."""
    lost = (node for node in document.marks.lost if document.letter and _of_entry(node))
    yield from _told("//entry//reference/@value", map(_target, lost))


def bare(document: Document) -> Iterator[Fault]:
    """The ID of an element without the `#` that makes a reference of it: the address of a file of that name."""
    found = list(dict.fromkeys(map(_target, document.marks.bare)))
    if found:
        text = "Des références ont perdu leur # : elles ne mènent pas au texte"
        yield Fault("//reference/@value", _shown(found), "# puis l'ID", text)


def ids_once(document: Document) -> Iterator[Fault]:
    """Two texts of one ID: a reference leads to either."""
    twice = [name for name, nodes in document.marks.ids.items() if len(nodes) > 1]
    if twice:
        text = "Plusieurs éléments du texte ont le même ID : un renvoi mène à l'un ou à l'autre"
        yield Fault("//@ID", _shown(twice), "un ID par élément", text)


def _only_warned(document: Document, node: etree._Element) -> bool:
    if document.letter is None:
        # other documents refer to other files too
        return attribute(node, "value").startswith("#")
    if next(node.iterancestors(_SECTION), None) is None:
        return False
    return not _in_medicine(node) and not _of_entry(node)


def _in_medicine(node: etree._Element) -> bool:
    return next(node.iterancestors(_MEDICINE), None) is not None


def _of_entry(node: etree._Element) -> bool:
    """Not of a medicine; an ID without # that leads nowhere is in an official letter, as is an address elsewhere."""
    target = attribute(node, "value")
    if (target and not target.startswith("#")) or _in_medicine(node) or next(node.iterancestors(_ENTRY), None) is None:
        return False
    section = next(node.iterancestors(_SECTION), None)
    return not any(attribute(one, "root") in _ALLERGIES for one in children(section, "templateId"))


def _links(document: Document) -> Iterator[str]:
    """Of the narrative: what a reader clicks on, and pictures."""
    for node in document.clinical.iter(q(HL7V3, "linkHtml")):
        target = attribute(node, "href")
        if target.startswith("#") and target[1:] not in document.marks.ids:
            yield _safe(target)
    for node in document.clinical.iter(q(HL7V3, "renderMultiMedia")):
        yield from (_safe(one) for one in attribute(node, "referencedObject").split() if one not in document.marks.ids)


def _told(field: str, lost: Iterable[str]) -> Iterator[Fault]:
    found = sorted(set(lost))
    if found:
        text = "Des références ne mènent à aucun élément du document"
        yield Fault(field, _shown(found), "l'ID d'un élément du texte", text)


def _shown(found: list[str]) -> str:
    return ", ".join(found[:_SHOWN]) + (f", … ({len(found)} en tout)" if len(found) > _SHOWN else "")


def _target(node: etree._Element) -> str:
    return _safe(attribute(node, "value"))


def _safe(target: str) -> str:
    """An ID, or what hides anything else: an address may say who the patient is."""
    if not target:
        return "vide"
    return target if target == "#" or _ID.fullmatch(target) else "#…" if target.startswith("#") else "…"
