"""Rules about what points inside the document, and about its times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault

_ID: Final = re.compile(r"#[\w.-]{1,64}")
_SHOWN: Final = 5
_TIMES: Final = (
    "effectiveTime",
    "author/time",
    "legalAuthenticator/time",
    "authenticator/time",
    "documentationOf/serviceEvent/effectiveTime",
    "documentationOf/serviceEvent/effectiveTime/low",
    "documentationOf/serviceEvent/effectiveTime/high",
    "componentOf/encompassingEncounter/effectiveTime",
    "componentOf/encompassingEncounter/effectiveTime/low",
    "componentOf/encompassingEncounter/effectiveTime/high",
)
_NO_ZONE: Final = re.compile(r"\d{9,}(\.\d+)?")


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


def zones(document: Document) -> Iterator[Fault]:
    """A time of day without its zone is read differently from one software to another."""
    for path in _TIMES:
        steps = "/".join(q(HL7V3, step) for step in path.split("/"))
        for node in document.clinical.iterfind(steps):
            if _NO_ZONE.fullmatch(str(node.get("value", "")).strip()):
                text = "L'heure n'a pas de fuseau horaire"
                yield Fault(f"/ClinicalDocument/{path}/@value", "sans fuseau", "aaaammjjhhmmss+zzzz", text)
