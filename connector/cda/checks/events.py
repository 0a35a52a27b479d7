"""Rules about the entries of a discharge letter that the suites leave free (cda-lettre-de-liaison §2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.checks.sections import named
from connector.cda.checks.words import says
from connector.cda.nodes import attribute, child, children, text
from connector.codes.valueset import load

_TA_ASIP: Final = "1.2.250.1.213.1.1.4.322"
_FRAME: Final = "1.2.250.1.213.1.1.3.48"
_SUMMARY: Final = "synthèse du séjour"
_STATUS: Final = "statut du document"
_COMMON: Final = ("1.3.6.1.4.1.19376.1.5.3.1.4.13", _FRAME)
"""What every simple observation has: the suites look at none without it."""

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
_VACCINATION: Final = "1.3.6.1.4.1.19376.1.5.3.1.4.12"
_TREATMENT: Final = ("1.2.250.1.213.1.1.3.42", "2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.7")
_MEDICINE: Final = q(HL7V3, "substanceAdministration")
_ENTRY: Final = q(HL7V3, "entry")
_YES_OR_NO: Final = frozenset({"MED-309", "MED-145", "MED-147"})
_VALUES: Final[Mapping[str, str]] = {"GEN-065": "StatutDoc", "ORG-070": "ModaliteEntree", "ORG-074": "ModaliteSortie"}


def six_events(document: Document) -> Iterator[Fault]:
    """Each of the six once; a section that is absent as a whole is the suites' business."""
    for section in _sections(document, _SUMMARY):
        codes = [_code(node) for node in children(section, "entry/observation")]
        for code, name in _REQUIRED.items():
            times = codes.count(code)
            if times != 1:
                said = f"La lettre ne dit pas : {name}" if not times else f"La lettre dit plusieurs fois : {name}"
                yield Fault(f"{place(section)}/entry", f"{times} entrée {code}", "une seule", said)


def specific_template(document: Document) -> Iterator[Fault]:
    """The templateIds that the suites choose their rules by: one that is missing switches them off without a word."""
    for node in _observations(document):
        own = _TEMPLATES.get(_code(node), "")
        yield from _lacking(node, (*_COMMON, own) if own else (), f"L'entrée {_code(node)}")
    for node in document.clinical.iter(_MEDICINE) if document.letter else ():
        parent = node.getparent()
        if parent is not None and parent.tag == _ENTRY and not _is_vaccination(node):
            yield from _lacking(node, _TREATMENT, "Un traitement")


def _is_vaccination(node: etree._Element) -> bool:
    return any(attribute(one, "root") == _VACCINATION for one in children(node, "templateId"))


def _lacking(node: etree._Element, expected: tuple[str, ...], subject: str) -> Iterator[Fault]:
    roots = {attribute(one, "root") for one in children(node, "templateId")} if expected else set()
    if lacking := [root for root in expected if root not in roots]:
        said = f"{subject} n'annonce pas le modèle qui le dit : les contrôles officiels ne le verraient pas"
        yield Fault(f"{place(node)}/templateId", "absent", ", ".join(lacking), said)


def document_status(document: Document) -> Iterator[Fault]:
    return _valued(document, ("GEN-065",), "Le statut du document n'est pas de la liste")


def stay_modes(document: Document) -> Iterator[Fault]:
    return _valued(document, ("ORG-070", "ORG-074"), "La modalité d'entrée ou de sortie n'est pas de la liste")


def one_status(document: Document) -> Iterator[Fault]:
    for section in _sections(document, _STATUS):
        times = [_code(node) for node in children(section, "entry/observation")].count("GEN-065")
        if times > 1:
            said = "La lettre donne plusieurs statuts au document"
            yield Fault(f"{place(section)}/entry", f"{times} entrées GEN-065", "une seule", said)


def told(document: Document) -> Iterator[Fault]:
    """Yes or no, or words: an unknown value or a denied entry tells nothing, whatever the narrative says."""
    for node in _observations(document):
        code = _code(node)
        if code not in _TEMPLATES:
            continue
        if attribute(node, "negationInd") not in ("", "false", "0") or attribute(node, "nullFlavor"):
            said = f"L'entrée {code} est niée ou annulée : elle contredit le texte"
            yield Fault(place(node), "negationInd ou nullFlavor", "une entrée affirmée", said)
        elif code not in _VALUES and not _is_told(code, node):
            expected = "true ou false" if code in _YES_OR_NO else "un texte"
            yield Fault(f"{place(node)}/value", "sans valeur", expected, f"L'entrée {code} ne dit rien")


def valued(document: Document) -> Iterator[tuple[str, etree._Element]]:
    """Values that are of a list held here, each with the name of its list."""
    for node in _observations(document):
        value = child(node, "value")
        if value is not None and _code(node) in _VALUES:
            yield _VALUES[_code(node)], value


def _is_told(code: str, node: etree._Element) -> bool:
    value = child(node, "value")
    if value is None or attribute(value, "nullFlavor"):
        return False
    return attribute(value, "value") in ("true", "false") if code in _YES_OR_NO else says(text(value))


def _valued(document: Document, codes: tuple[str, ...], said: str) -> Iterator[Fault]:
    for node in _observations(document):
        if _code(node) not in codes:
            continue
        allowed = load(_VALUES[_code(node)])
        value = child(node, "value")
        if allowed.get(attribute(value, "code"), attribute(value, "codeSystem")) is None:
            expected = ", ".join(f"{concept.code} {concept.display}" for concept in allowed)
            yield Fault(f"{place(node)}/value/@code", attribute(value, "code")[:32] or "absent", expected, said)


def _observations(document: Document) -> Iterator[etree._Element]:
    for name in (_STATUS, _SUMMARY):
        for section in _sections(document, name):
            yield from children(section, "entry/observation")


def _sections(document: Document, name: str) -> Iterator[etree._Element]:
    return named(document, name) if document.letter == "LDL-SES" else iter(())


def _code(node: etree._Element) -> str:
    code = child(node, "code")
    return attribute(code, "code") if attribute(code, "codeSystem") == _TA_ASIP else ""
