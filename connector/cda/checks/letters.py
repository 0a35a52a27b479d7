"""Rules about letters (LDL-SES, LDL-EES): version of the model, act, readers (cda-lettre-de-liaison §1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from connector.cda.checks.model import Document, Fault, Letter
from connector.cda.checks.places import place
from connector.cda.nodes import attribute, child, children

_MODELS: Final[Mapping[str, Letter]] = {"1.2.250.1.213.1.1.1.29": "LDL-SES", "1.2.250.1.213.1.1.1.21": "LDL-EES"}
_TYPES: Final[Mapping[str, Letter]] = {"11490-0": "LDL-SES", "18761-7": "LDL-EES"}
_LEVEL_1: Final = "1.3.6.1.4.1.19376.1.2.20"
_VERSIONS: Final = ("2022.01",)
"""Published versions of both models."""
_VERSION: Final = re.compile(r"20[0-9]{2}\.[0-9]{2}")


def letter_of(clinical: etree._Element) -> Letter | None:
    """Which letter a document is: by its model, or at level 1, where there is none, by its type."""
    roots = [attribute(node, "root") for node in children(clinical, "templateId")]
    model = next((_MODELS[root] for root in roots if root in _MODELS), None)
    return model or (_TYPES.get(attribute(clinical, "code", "code")) if _LEVEL_1 in roots else None)


def model_version(document: Document) -> Iterator[Fault]:
    for node, version in _versions(document):
        if version not in _VERSIONS and not _is_later(version):
            text = "Cette version du modèle de lettre n'existe pas : le document serait lu selon une autre"
            yield Fault(place(node, "extension"), version[:16] or "aucune", ", ".join(_VERSIONS), text)


def later_version(document: Document) -> Iterator[Fault]:
    """A model published since: its kit judges it, these checks may be late."""
    for node, version in _versions(document):
        if _is_later(version):
            text = "Ce modèle de lettre est plus récent que nos contrôles"
            yield Fault(place(node, "extension"), version[:16], ", ".join(_VERSIONS), text)


def main_act(document: Document) -> Iterator[Fault]:
    """The act of a letter is the stay."""
    events = list(children(document.clinical, "documentationOf/serviceEvent"))
    code = child(events[0], "code") if events else None
    if document.letter is not None and events and attribute(code, "code") != "IMP":
        text = "L'acte principal d'une lettre de liaison est le séjour (IMP)"
        yield Fault(f"{place(events[0])}/code/@code", attribute(code, "code")[:32] or "aucun", "IMP", text)


def recipient(document: Document) -> Iterator[Fault]:
    if document.letter is not None and child(document.clinical, "informationRecipient") is None:
        text = "La lettre n'a aucun destinataire : le médecin traitant et le prescripteur doivent y figurer"
        yield Fault("/ClinicalDocument/informationRecipient", "aucun", "au moins un destinataire", text)


def family_doctor(document: Document) -> Iterator[Fault]:
    codes = (attribute(node, "code") for node in children(document.clinical, "participant/functionCode"))
    if document.letter is not None and "PCP" not in codes:
        text = "La lettre ne nomme pas le médecin traitant du patient"
        expected = "un participant de fonction PCP (médecin traitant)"
        yield Fault("/ClinicalDocument/participant", "aucun", expected, text)


def _versions(document: Document) -> Iterator[tuple[etree._Element, str]]:
    for node in children(document.clinical, "templateId"):
        if attribute(node, "root") in _MODELS:
            yield node, attribute(node, "extension")


def _is_later(version: str) -> bool:
    return _VERSION.fullmatch(version) is not None and version > max(_VERSIONS)
