"""Rules about the document as a whole: its kind, its models, its versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from lxml import etree

from connector.base.oid import is_oid
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.checks.words import says
from connector.cda.nodes import attribute, child, children, instance_id, instance_ids, text

_TYPE_ID: Final = ("2.16.840.1.113883.1.3", "POCD_HD000040")
_LEVEL_1: Final = ("1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20", "2.16.840.1.113883.2.8.2.1")
_SCANNED: Final = "1.3.6.1.4.1.19376.1.2.20"
_ROOT: Final = "/ClinicalDocument"
_NUMBER: Final = re.compile(r"0*[1-9][0-9]{0,8}")
_DOCUMENTS: Final = ("id", "relatedDocument/parentDocument/id")
_EXTENSION: Final = re.compile(r"[^\s^&|~\\]{0,64}")


def type_id(document: Document) -> Iterator[Fault]:
    """Any other typeId switches the kit's header rules off with a mere warning (cda-kit-calibration)."""
    found = child(document.clinical, "typeId")
    pair = None if found is None else (found.get("root", ""), found.get("extension", ""))
    if pair != _TYPE_ID or len(list(children(document.clinical, "typeId"))) != 1:
        shown = "aucun" if pair is None else "^".join(pair)
        yield Fault(f"{_ROOT}/typeId", shown, "^".join(_TYPE_ID), "Le typeId n'est pas celui d'un CDA R2")


def level_1_templates(document: Document) -> Iterator[Fault]:
    """An unstructured body takes the place of the model: three templateIds, no other; a structured one has a model."""
    found = sorted(template.root for template in instance_ids(document.clinical, "templateId"))
    if child(document.clinical, "component/nonXMLBody") is None:
        if _SCANNED in found:
            text = "Un document structuré ne porte pas le templateId d'un corps non structuré"
            yield Fault(f"{_ROOT}/templateId", _SCANNED, "le modèle du document seul", text)
    elif tuple(found) != _LEVEL_1:
        text = "Un document à corps non structuré porte trois templateId et pas d'autre"
        yield Fault(f"{_ROOT}/templateId", ", ".join(found) or "aucun", ", ".join(_LEVEL_1), text)


def title(document: Document) -> Iterator[Fault]:
    """What people choose a document by."""
    node = child(document.clinical, "title")
    if not says(text(node)):
        yield Fault(f"{_ROOT}/title", "absent" if node is None else "vide", "un titre", "Le document n'a pas de titre")


def identifiers(document: Document) -> Iterator[Fault]:
    """An OID or a UUID, which the metadata write `root^extension`: an extension that cuts it names another document."""
    for path in _DOCUMENTS:
        for node in children(document.clinical, path):
            root, extension = node.get("root", ""), node.get("extension", "")
            if root and not is_oid(root) and not is_uuid(root):
                said = "L'identifiant d'un document n'est ni un OID ni un UUID"
                yield Fault(place(node, "root"), root[:80], "un OID d'au plus 64 caractères", said)
            if not _EXTENSION.fullmatch(extension):
                said = "Cet identifiant de document ne peut pas devenir une métadonnée"
                expected = "au plus 64 caractères, sans blanc ni ^ & | ~ \\"
                yield Fault(place(node, "extension"), f"{len(extension)} caractères", expected, said)


def is_uuid(root: str) -> bool:
    """In the form of a CDA: 36 characters, any letter case."""
    try:
        return len(root) == 36 and str(UUID(root)) == root.lower()
    except ValueError:
        return False


def version_number(document: Document) -> Iterator[Fault]:
    found = attribute(document.clinical, "value", "versionNumber")
    if not _NUMBER.fullmatch(found):
        text = "Le numéro de version n'est pas un entier à partir de 1"
        yield Fault(f"{_ROOT}/versionNumber", found[:16] or "aucun", "1, 2, 3…", text)


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
    yield from _replaced_version(related, number)
    if number == "1":
        text = "Un document qui en remplace un autre n'est pas la première version"
        yield Fault(f"{_ROOT}/versionNumber", number, "2 ou plus", text)


def _replaced_version(related: etree._Element, number: str) -> Iterator[Fault]:
    """What is replaced came before."""
    for node in children(related, "parentDocument/versionNumber"):
        before = attribute(node, "value")
        if _NUMBER.fullmatch(before) and _NUMBER.fullmatch(number) and int(before) >= int(number):
            said = "Le document remplacé aurait un numéro de version au moins égal"
            yield Fault(place(node, "value"), before, f"moins de {number}", said)
