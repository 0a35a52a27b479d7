"""Rules about what points inside the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault

_ID: Final = re.compile(r"#[\w.-]{1,64}")
_SHOWN: Final = 5


def dangling(document: Document) -> Iterator[Fault]:
    """`#id` of coded entries and of the narrative that no element of the document has."""
    return _lost(document, "//reference/@value", _wanted(document) - _of_medicines(document))


def medicines_dangling(document: Document) -> Iterator[Fault]:
    """The same of the medicines of a letter: people read them in the narrative."""
    return _lost(document, "//substanceAdministration//reference/@value", _of_medicines(document))


def _lost(document: Document, field: str, wanted: set[str]) -> Iterator[Fault]:
    known = {f"#{node.get('ID')}" for node in document.clinical.iter(etree.Element) if node.get("ID")}
    lost = sorted(target if _ID.fullmatch(target) else "#…" for target in wanted - known)
    if lost:
        shown = ", ".join(lost[:_SHOWN]) + (f", … ({len(lost)} en tout)" if len(lost) > _SHOWN else "")
        yield Fault(field, shown, "l'ID d'un élément du texte", "Des références ne mènent à aucun élément du document")


def _wanted(document: Document) -> set[str]:
    links = (node.get("href", "") for node in document.clinical.iter(q(HL7V3, "linkHtml")))
    return _targets(document.clinical) | {link for link in map(str.strip, links) if link.startswith("#")}


def _of_medicines(document: Document) -> set[str]:
    medicines = document.clinical.iter(q(HL7V3, "substanceAdministration")) if document.letter else ()
    return {target for node in medicines for target in _targets(node)}


def _targets(node: etree._Element) -> set[str]:
    values = (one.get("value", "").strip() for one in node.iter(q(HL7V3, "reference")))
    return {value for value in values if value.startswith("#")}


def bare(document: Document) -> Iterator[Fault]:
    """The ID of an element without the `#` that makes a reference of it: the address of a file of that name."""
    known = {node.get("ID") for node in document.clinical.iter(etree.Element) if node.get("ID")}
    wanted = dict.fromkeys(str(node.get("value", "")).strip() for node in document.clinical.iter(q(HL7V3, "reference")))
    found = [target if _ID.fullmatch(f"#{target}") else "…" for target in wanted if target in known]
    if found:
        shown = ", ".join(found[:_SHOWN]) + (f", … ({len(found)} en tout)" if len(found) > _SHOWN else "")
        text = "Des références ont perdu leur # : elles ne mènent pas au texte"
        yield Fault("//reference/@value", shown, "# puis l'ID", text)
