"""The model of a document and its type agree, where the agency's suites say which type a model has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from connector.cda.checks.model import Document, Fault
from connector.cda.nodes import attribute, child, children
from connector.codes.valueset import load_association

_FIELD: Final = "/ClinicalDocument/templateId"
_MODEL: Final = "1.2.250.1.213.1.1.1."
_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "2.1.1": ("34133-9",), "2.1.2": ("34133-9",), "2.1.3": ("34133-9",), "2.1.4": ("34133-9",), "2.1.5": ("34133-9",),
    "5.1": ("CERT_DECL",), "5.2": ("CERT_DECL",), "5.3": ("CERT_DECL",),
    "12.1": ("57055-6",), "12.2": ("57057-2",), "12.3": ("57075-4",), "12.4": ("89235-6",), "12.5": ("78489-2",),
    "15": ("34133-9",), "16": ("34133-9",), "17": ("34133-9",), "18": ("75492-9",), "22": ("74207-2",),
    "23": ("74207-2",), "24": ("74207-2",), "25": ("11488-4",), "26": ("18776-5",), "27": ("18748-4",),
    "28": ("18748-4",), "30": ("34133-9",), "37": ("11369-6",), "38": ("75496-0",), "39": ("57833-6",),
    "40": ("77436-4",), "41": ("34749-2",), "42": ("78513-9",), "45": ("18748-4",), "46": ("87273-9",),
    "47": ("55115-0",), "51": ("60591-5", "74207-2"), "54": ("60593-1",), "55": ("11502-2",),
}  # fmt: skip
"""Types that the document suites of the kit (2025-03) ask of a model, by what follows 1.2.250.1.213.1.1.1.; that of
laboratory reports (55) is the one of its examples. Letters are CDA-75."""


def known_model(document: Document) -> Iterator[Fault]:
    """Without one that A11 knows, no document suite runs and no format code can be made."""
    if not _judged(document):
        return
    roots = [attribute(node, "root") for node in children(document.clinical, "templateId")]
    if not any(root in load_association("A11").rows for root in roots):
        text = "Aucun modèle connu : seuls les contrôles communs à tous les documents lui sont appliqués"
        yield Fault(_FIELD, ", ".join(roots)[:200] or "aucun", "le modèle du document (ASS_A11)", text)


def type_of_model(document: Document) -> Iterator[Fault]:
    code = attribute(document.clinical, "code", "code")
    for node in children(document.clinical if _judged(document) else None, "templateId"):
        types = _TYPES.get(attribute(node, "root").removeprefix(_MODEL), (code,))
        if code not in types:
            text = "Le type du document n'est pas celui de son modèle"
            yield Fault("/ClinicalDocument/code/@code", code[:32] or "aucun", ", ".join(types), text)


def _judged(document: Document) -> bool:
    """Structured, and no letter."""
    return document.letter is None and child(document.clinical, "component/nonXMLBody") is None
