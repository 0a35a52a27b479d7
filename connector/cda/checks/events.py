"""Rules about the entries of a discharge letter that the suites leave free (cda-lettre-de-liaison §2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.checks.sections import SECTIONS
from connector.cda.nodes import attribute, child, children
from connector.codes.valueset import load

_TA_ASIP: Final = "1.2.250.1.213.1.1.4.322"
_FRAME: Final = "1.2.250.1.213.1.1.3.48"
_SUMMARY: Final = "1.2.250.1.213.1.1.2.163.1"
_STATUS: Final = "1.2.250.1.213.1.1.2.35.1"

_REQUIRED: Final[Mapping[str, str]] = {
    "ORG-070": "modalité d'entrée",
    "ORG-074": "modalité de sortie",
    "MED-142": "synthèse médicale",
    "MED-309": "recherche de micro-organismes",
    "MED-145": "transfusion de produits sanguins",
    "MED-147": "administration de dérivés du sang",
}
"""The six events that every discharge letter tells (cda-lettre-de-liaison §2.1)."""

_TEMPLATES: Final[Mapping[str, str]] = {
    "GEN-065": f"{_FRAME}.16.1",
    "ORG-070": f"{_FRAME}.6",
    "ORG-074": f"{_FRAME}.7",
    "MED-142": f"{_FRAME}.9",
    "MED-143": f"{_FRAME}.3",
    "MED-309": f"{_FRAME}.8",
    "MED-144": f"{_FRAME}.5",
    "MED-145": f"{_FRAME}.10",
    "MED-146": f"{_FRAME}.1",
    "MED-147": f"{_FRAME}.2",
    "MED-148": f"{_FRAME}.4",
}
_VALUES: Final[Mapping[str, str]] = {"GEN-065": "StatutDoc", "ORG-070": "ModaliteEntree", "ORG-074": "ModaliteSortie"}


def six_events(document: Document) -> Iterator[Fault]:
    """Each of the six once; a section that is absent as a whole is the suites' business."""
    for section in _sections(document, _SUMMARY):
        codes = [_code(node) for node in children(section, "entry/observation")]
        for code, name in _REQUIRED.items():
            times = codes.count(code)
            if times != 1:
                text = f"La lettre ne dit pas : {name}" if not times else f"La lettre dit plusieurs fois : {name}"
                yield Fault(f"{place(section)}/entry", f"{times} entrée {code}", "une seule", text)


def specific_template(document: Document) -> Iterator[Fault]:
    for node in _observations(document):
        expected = _TEMPLATES.get(_code(node), "")
        if expected and expected not in {attribute(one, "root") for one in children(node, "templateId")}:
            text = f"L'entrée {_code(node)} n'annonce pas le modèle qui la dit"
            yield Fault(f"{place(node)}/templateId", "absent", expected, text)


def document_status(document: Document) -> Iterator[Fault]:
    return _valued(document, ("GEN-065",), "Le statut du document n'est pas de la liste")


def stay_modes(document: Document) -> Iterator[Fault]:
    return _valued(document, ("ORG-070", "ORG-074"), "La modalité d'entrée ou de sortie n'est pas de la liste")


def _valued(document: Document, codes: tuple[str, ...], text: str) -> Iterator[Fault]:
    for node in _observations(document):
        if _code(node) not in codes:
            continue
        allowed = load(_VALUES[_code(node)])
        value = child(node, "value")
        if allowed.get(attribute(value, "code"), attribute(value, "codeSystem")) is None:
            expected = ", ".join(f"{concept.code} {concept.display}" for concept in allowed)
            yield Fault(f"{place(node)}/value/@code", attribute(value, "code")[:32] or "absent", expected, text)


def _observations(document: Document) -> Iterator[etree._Element]:
    for root in (_STATUS, _SUMMARY):
        for section in _sections(document, root):
            yield from children(section, "entry/observation")


def _sections(document: Document, root: str) -> Iterator[etree._Element]:
    for section in children(document.clinical if document.letter == "LDL-SES" else None, SECTIONS):
        if any(attribute(node, "root") == root for node in children(section, "templateId")):
            yield section


def _code(node: etree._Element) -> str:
    code = child(node, "code")
    return attribute(code, "code") if attribute(code, "codeSystem") == _TA_ASIP else ""
