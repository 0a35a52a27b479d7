"""Rules about the sections of a letter: readable, and in the order of the model (cda-lettre-de-liaison §2, §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.base.oid import is_oid
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.outline import SECTIONS, Section
from connector.cda.checks.places import place
from connector.cda.checks.structure import is_uuid
from connector.cda.checks.words import says
from connector.cda.nodes import attribute, child, children

_NO_ID: Final = ("motif", "allergies")


def text(document: Document) -> Iterator[Fault]:
    """What is only coded is not read."""
    return _without(document, "text", "n'a pas de texte : elle ne se lit pas", "le texte de la section")


def title(document: Document) -> Iterator[Fault]:
    return _without(document, "title", "n'a pas de titre", "le titre de la section")


def identifier(document: Document) -> Iterator[Fault]:
    return (fault for exempt, fault in _unidentified(document) if not exempt)


def exempt_identifier(document: Document) -> Iterator[Fault]:
    """The sections that have no id in the official examples of the two letters."""
    return (fault for exempt, fault in _unidentified(document) if exempt)


def order(document: Document) -> Iterator[Fault]:
    names = [name for _, _, name in SECTIONS[document.letter]] if document.letter else []
    found = [section.name for section in _sections(document) if section.name]
    if found != sorted(found, key=names.index):
        expected = ", ".join(sorted(dict.fromkeys(found), key=names.index))
        told = "Les sections ne sont pas dans l'ordre du modèle de la lettre"
        yield Fault("/ClinicalDocument/component/structuredBody", ", ".join(found), expected, told)


def nested(document: Document) -> Iterator[Fault]:
    """The sections of a letter are beside each other: inside another one, readers look for them in vain."""
    for section in document.sections:
        if section.name and not section.first:
            told = f"{_subject(section)} est à l'intérieur d'une autre"
            yield Fault(place(section.node), "une sous-section", "une section de structuredBody", told)


def identifiers_differ(document: Document) -> Iterator[Fault]:
    """The id of a section is a UUID or an OID, and nothing else has it."""
    known: set[str] = set()
    for section in _sections(document):
        for node in children(section.node, "id"):
            root = attribute(node, "root")
            full = f"{root.lower()}^{attribute(node, 'extension')}"
            if root and not is_uuid(root) and not is_oid(root):
                told = f"{_subject(section)} a un identifiant qui n'est ni un UUID ni un OID"
                yield Fault(place(node, "root"), f"{len(root)} caractères", "un UUID", told)
            elif root and full in known:
                told = f"{_subject(section)} a l'identifiant d'une autre"
                yield Fault(place(node, "root"), "déjà donné", "un identifiant par section", told)
            known.add(full)


def code_and_model(document: Document) -> Iterator[Fault]:
    """Suites and readers find a section by its templateId, people by its code: one without the other hides it."""
    for section in document.sections:
        if not section.whole:
            root, code = section.expected
            told = f"{_subject(section)} n'a pas à la fois le code et le modèle qui la disent"
            yield Fault(place(section.node), "l'un sans l'autre", f"{code} et {root}", told)


def named(document: Document, name: str) -> Iterator[etree._Element]:
    """Sections of a letter that are called `name`, subsections too: what they tell is judged all the same."""
    return (section.node for section in document.sections if section.name == name)


def _unidentified(document: Document) -> Iterator[tuple[bool, Fault]]:
    for section in _sections(document):
        if child(section.node, "id") is None:
            text = f"{_subject(section)} n'a pas d'identifiant"
            exempt = section.name in _NO_ID
            yield exempt, Fault(f"{place(section.node)}/id", "absent", "un identifiant (UUID)", text)


def _without(document: Document, name: str, lacks: str, expected: str) -> Iterator[Fault]:
    for section in _sections(document):
        node = child(section.node, name)
        if node is None or not _says(node):
            found = "absent" if node is None else "vide"
            yield Fault(f"{place(section.node)}/{name}", found, expected, f"{_subject(section)} {lacks}")


def _subject(section: Section) -> str:
    return f"La section « {section.name} »" if section.name else "Une section"


def _says(node: etree._Element) -> bool:
    """Words, or what stands for them: an image."""
    return says(str(node.xpath("string()"))) or next(node.iter(q(HL7V3, "renderMultiMedia")), None) is not None


def _sections(document: Document) -> Iterator[Section]:
    """Those of a letter, subsections apart."""
    return (section for section in document.sections if section.first)
