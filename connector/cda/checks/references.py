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
    known = {f"#{node.get('ID')}" for node in document.clinical.iter(etree.Element) if node.get("ID")}
    wanted = dict.fromkeys(
        target
        for tag, name in (("reference", "value"), ("linkHtml", "href"))
        for node in document.clinical.iter(q(HL7V3, tag))
        if (target := str(node.get(name, "")).strip()).startswith("#")
    )
    lost = [target if _ID.fullmatch(target) else "#…" for target in wanted if target not in known]
    if lost:
        shown = ", ".join(lost[:_SHOWN]) + (f", … ({len(lost)} en tout)" if len(lost) > _SHOWN else "")
        text = "Des références ne mènent à aucun élément du document"
        yield Fault("//reference/@value", shown, "l'ID d'un élément du texte", text)


def bare(document: Document) -> Iterator[Fault]:
    """The ID of an element without the `#` that makes a reference of it: the address of a file of that name."""
    known = {node.get("ID") for node in document.clinical.iter(etree.Element) if node.get("ID")}
    wanted = dict.fromkeys(str(node.get("value", "")).strip() for node in document.clinical.iter(q(HL7V3, "reference")))
    found = [target if _ID.fullmatch(f"#{target}") else "…" for target in wanted if target in known]
    if found:
        shown = ", ".join(found[:_SHOWN]) + (f", … ({len(found)} en tout)" if len(found) > _SHOWN else "")
        text = "Des références ont perdu leur # : elles ne mènent pas au texte"
        yield Fault("//reference/@value", shown, "# puis l'ID", text)
