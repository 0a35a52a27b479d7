"""Rules about letters (LDL-SES, LDL-EES): version of the model, act, readers (cda-lettre-de-liaison §1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from connector.cda.checks.model import Document, Fault
from connector.cda.checks.outline import Letter
from connector.cda.checks.places import place
from connector.cda.checks.words import says
from connector.cda.nodes import attribute, child, children, text
from connector.codes.valueset import load_association

_MODELS: Final[Mapping[str, Letter]] = {"1.2.250.1.213.1.1.1.29": "LDL-SES", "1.2.250.1.213.1.1.1.21": "LDL-EES"}
_TYPES: Final[Mapping[str, Letter]] = {"11490-0": "LDL-SES", "18761-7": "LDL-EES"}
_VERSIONS: Final = ("2022.01",)
"""Published versions of both models."""
_VERSION: Final = re.compile(r"20[0-9]{2}\.[0-9]{2}")


def letter_of(clinical: etree._Element) -> Letter | None:
    """Which letter a document is: by its model, else by its type; that the two agree is CDA-75."""
    roots = [attribute(node, "root") for node in children(clinical, "templateId")]
    model = next((_MODELS[root] for root in roots if root in _MODELS), None)
    return model or _TYPES.get(attribute(clinical, "code", "code"))


def own_model(document: Document) -> Iterator[Fault]:
    """A structured letter has the model of its type and no other: its suites are chosen by nothing else."""
    if child(document.clinical, "component/nonXMLBody") is not None or document.letter is None:
        return
    code = attribute(document.clinical, "code", "code")
    kind = _TYPES.get(code)
    # as written: with a blank before it, an OID names nothing
    roots = [str(node.get("root", "")) for node in children(document.clinical, "templateId")]
    models = list(dict.fromkeys(root for root in roots if root in _MODELS or root in load_association("A11").rows))
    expected = next((root for root, letter in _MODELS.items() if letter == kind), "")
    if kind is None:
        text = "Le type du document n'est pas celui de la lettre de liaison dont il a le modèle"
        types = ", ".join(code for code, letter in _TYPES.items() if letter == document.letter)
        yield Fault("/ClinicalDocument/code/@code", code[:32] or "aucun", types, text)
    elif expected not in models:
        text = "La lettre n'annonce pas son modèle : aucun contrôle de la lettre ne lui serait appliqué"
        yield Fault("/ClinicalDocument/templateId", ", ".join(models) or "aucun modèle connu", expected, text)
    elif len(models) > 1:
        text = "La lettre annonce aussi un autre modèle : les deux se contredisent"
        yield Fault("/ClinicalDocument/templateId", ", ".join(models), expected, text)


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


def named_recipients(document: Document) -> Iterator[Fault]:
    """A number alone is not whom a reader sees the letter was sent to."""
    for node in children(document.clinical if document.letter else None, "informationRecipient/intendedRecipient"):
        names = ("informationRecipient/name", "receivedOrganization/name")
        if not any(says(text(node, name)) for name in names):
            said = "Un destinataire de la lettre n'a pas de nom"
            yield Fault(f"{place(node)}/informationRecipient/name", "absent", "le nom du destinataire", said)


def one_family_doctor(document: Document) -> Iterator[Fault]:
    codes = [attribute(node, "code") for node in children(document.clinical, "participant/functionCode")]
    if document.letter is not None and (times := codes.count("PCP")) > 1:
        said = "La lettre nomme plusieurs médecins traitants"
        yield Fault("/ClinicalDocument/participant", f"{times} participants PCP", "un seul", said)


def _versions(document: Document) -> Iterator[tuple[etree._Element, str]]:
    for node in children(document.clinical, "templateId"):
        if attribute(node, "root") in _MODELS:
            yield node, attribute(node, "extension")


def _is_later(version: str) -> bool:
    return _VERSION.fullmatch(version) is not None and version > max(_VERSIONS)
