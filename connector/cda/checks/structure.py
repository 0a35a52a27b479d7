"""Rules about the document as a whole: its kind, its models, its versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.cda.checks.model import Document, Fault
from connector.cda.nodes import attribute, child, children, instance_id, instance_ids

_TYPE_ID: Final = ("2.16.840.1.113883.1.3", "POCD_HD000040")
_LEVEL_1: Final = ("1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20", "2.16.840.1.113883.2.8.2.1")
_ROOT: Final = "/ClinicalDocument"


def type_id(document: Document) -> Iterator[Fault]:
    """Any other typeId switches the kit's header rules off with a mere warning (cda-kit-calibration)."""
    found = child(document.clinical, "typeId")
    pair = None if found is None else (found.get("root", ""), found.get("extension", ""))
    if pair != _TYPE_ID or len(list(children(document.clinical, "typeId"))) != 1:
        shown = "aucun" if pair is None else "^".join(pair)
        yield Fault(f"{_ROOT}/typeId", shown, "^".join(_TYPE_ID), "Le typeId n'est pas celui d'un CDA R2")


def level_1_templates(document: Document) -> Iterator[Fault]:
    """An unstructured body takes the place of the model: three templateIds, no other."""
    if child(document.clinical, "component/nonXMLBody") is None:
        return
    found = sorted(template.root for template in instance_ids(document.clinical, "templateId"))
    if tuple(found) != _LEVEL_1:
        text = "Un document à corps non structuré porte trois templateId et pas d'autre"
        yield Fault(f"{_ROOT}/templateId", ", ".join(found) or "aucun", ", ".join(_LEVEL_1), text)


def version_number(document: Document) -> Iterator[Fault]:
    found = attribute(document.clinical, "value", "versionNumber")
    if not found.isdigit() or int(found) < 1:
        text = "Le numéro de version n'est pas un entier à partir de 1"
        yield Fault(f"{_ROOT}/versionNumber", found or "aucun", "1, 2, 3…", text)


def replacement(document: Document) -> Iterator[Fault]:
    """A document cannot replace itself, nor several others at once."""
    found = list(children(document.clinical, "relatedDocument"))
    if len(found) > 1:
        yield Fault(f"{_ROOT}/relatedDocument", str(len(found)), "un seul", "Le document en remplace plusieurs")
    own = instance_id(document.clinical)
    for related in found:
        replaced = instance_id(related, "parentDocument/id")
        if replaced is None:
            place = f"{_ROOT}/relatedDocument/parentDocument/id"
            yield Fault(place, "aucun", "l'identifiant du document remplacé", "Le document remplacé n'est pas nommé")
        elif own is not None and (own.root, own.extension) == (replaced.root, replaced.extension):
            place = f"{_ROOT}/relatedDocument/parentDocument/id"
            yield Fault(place, "identique à id", "un autre document", "Le document se remplace lui-même")


def versions_agree(document: Document) -> Iterator[Fault]:
    """setId, versionNumber and relatedDocument tell the same story."""
    related = child(document.clinical, "relatedDocument")
    number = attribute(document.clinical, "value", "versionNumber")
    if instance_id(document.clinical, "setId") is None:
        text = "Sans setId, les versions successives du document ne se rattachent pas entre elles"
        yield Fault(f"{_ROOT}/setId", "aucun", "le même pour toutes les versions", text)
    if related is None:
        return
    if related.get("typeCode") != "RPLC":
        text = "Le document lié n'est pas un document remplacé"
        yield Fault(f"{_ROOT}/relatedDocument/@typeCode", related.get("typeCode", "aucun"), "RPLC", text)
    if number == "1":
        text = "Un document qui en remplace un autre n'est pas la première version"
        yield Fault(f"{_ROOT}/versionNumber", number, "2 ou plus", text)
