"""Rules about the sections of a letter: readable, and in the order of the model (cda-lettre-de-liaison §2, §3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from connector.cda.checks.model import Document, Fault, Letter
from connector.cda.checks.places import place
from connector.cda.nodes import attribute, child, children

_ORDER: Final[Mapping[Letter, Mapping[str, str]]] = {
    "LDL-SES": {
        "1.2.250.1.213.1.1.2.35.1": "statut du document",
        "1.2.250.1.213.1.1.2.127": "motif",
        "1.2.250.1.213.1.1.2.163.1": "synthèse du séjour",
        "1.2.250.1.213.1.1.2.145": "traitements arrêtés",
        "1.2.250.1.213.1.1.2.146": "traitements à la sortie",
        "1.2.250.1.213.1.1.2.150": "résultats",
        "1.2.250.1.213.1.1.2.158": "suites à donner",
        "1.2.250.1.213.1.1.2.1": "dispositifs médicaux",
        "1.2.250.1.213.1.1.2.137": "allergies",
    },
    "LDL-EES": {
        "1.2.250.1.213.1.1.2.127": "motif",
        "1.2.250.1.213.1.1.2.144": "traitements à l'admission",
        "1.2.250.1.213.1.1.2.137": "allergies",
        "1.2.250.1.213.1.1.2.134": "antécédents médicaux",
        "1.2.250.1.213.1.1.2.136": "antécédents chirurgicaux",
        "1.2.250.1.213.1.1.2.73": "commentaire",
    },
}
"""CI-SIS templateId of each section of a letter, in the order of the model, with what a reader calls it."""

_NO_ID: Final = ("motif", "allergies")

SECTIONS: Final = "component/structuredBody/component/section"


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
    names = list(_ORDER[document.letter].values()) if document.letter else []
    found = [name for section in _sections(document) if (name := _name(document, section))]
    if found != sorted(found, key=names.index):
        expected = ", ".join(sorted(dict.fromkeys(found), key=names.index))
        told = "Les sections ne sont pas dans l'ordre du modèle de la lettre"
        yield Fault("/ClinicalDocument/component/structuredBody", ", ".join(found), expected, told)


def _unidentified(document: Document) -> Iterator[tuple[bool, Fault]]:
    for section in _sections(document):
        if child(section, "id") is None:
            text = f"{_subject(document, section)} n'a pas d'identifiant"
            exempt = _name(document, section) in _NO_ID
            yield exempt, Fault(f"{place(section)}/id", "absent", "un identifiant (UUID)", text)


def _without(document: Document, name: str, lacks: str, expected: str) -> Iterator[Fault]:
    for section in _sections(document):
        node = child(section, name)
        if node is None or not _says(node):
            found = "absent" if node is None else "vide"
            yield Fault(f"{place(section)}/{name}", found, expected, f"{_subject(document, section)} {lacks}")


def _subject(document: Document, section: etree._Element) -> str:
    called = _name(document, section)
    return f"La section « {called} »" if called else "Une section"


def _says(node: etree._Element) -> bool:
    """Words, or what stands for them: an image."""
    return bool(str(node.xpath("normalize-space(string())"))) or any(
        etree.QName(one).localname == "renderMultiMedia" for one in node.iter(etree.Element)
    )


def _sections(document: Document) -> Iterator[etree._Element]:
    """Those of a letter, subsections apart."""
    return children(document.clinical if document.letter else None, SECTIONS)


def _name(document: Document, section: etree._Element) -> str:
    roots = [attribute(node, "root") for node in children(section, "templateId")]
    names = _ORDER[document.letter] if document.letter else {}
    return next((names[root] for root in roots if root in names), "")
