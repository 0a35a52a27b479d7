"""Rules about professionals and structures: national identifiers, names (cda-lettre-de-liaison §1.2 to 1.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.nodes import attribute, child, children, text
from connector.cda.people import PS_ROOT, STRUCTURE_ROOT
from connector.ins.model import INS_OIDS
from connector.trust.identifiers import Doubt, doubt_of_person, doubt_of_structure

_ID: Final = q(HL7V3, "id")
_BODY: Final = q(HL7V3, "component")
_ACCOUNTABLE: Final = (
    "author/assignedAuthor/id",
    "author/assignedAuthor/representedOrganization/id",
    "legalAuthenticator/assignedEntity/id",
    "legalAuthenticator/assignedEntity/representedOrganization/id",
    "custodian/assignedCustodian/representedCustodianOrganization/id",
)
_PEOPLE: Final = ("author/assignedAuthor", "legalAuthenticator/assignedEntity")
_SERVICE_ROOT: Final = "1.3.2"
"""SIREN, by which the editor of a referenced digital service is known."""
_NUMBER: Final = re.compile(r"[0-9][0-9A-Z]{8}")
_CUSTODIAN: Final = "custodian/assignedCustodian/representedCustodianOrganization"


def professionals(document: Document) -> Iterator[Fault]:
    """PS_IdNat of everyone the header names."""
    text = "Cet identifiant n'a pas la forme nationale d'un professionnel"
    return _doubtful(document, PS_ROOT, doubt_of_person, text)


def structures(document: Document) -> Iterator[Fault]:
    """Struct_IdNat of every structure of the header."""
    text = "Cet identifiant n'a pas la forme nationale d'une structure"
    return _doubtful(document, STRUCTURE_ROOT, doubt_of_structure, text)


def custodian_identified(document: Document) -> Iterator[Fault]:
    """An OID alone names no structure."""
    custodian = child(document.clinical, _CUSTODIAN)
    for node in children(custodian, "id"):
        if node.get("root") == STRUCTURE_ROOT and not node.get("extension", "").strip():
            text = "La structure qui conserve le document n'est pas identifiée"
            yield Fault(place(node, "extension"), "absent", "1 puis les 9 caractères du FINESS", text)


def accountable_identified(document: Document) -> Iterator[Fault]:
    """Author, legal authenticator, their structures, the custodian: no national number is that short."""
    for path in _ACCOUNTABLE:
        for node in children(document.clinical, path):
            value = node.get("extension", "").strip()
            if node.get("root") in (PS_ROOT, STRUCTURE_ROOT) and value and not _NUMBER.match(value):
                text = "Cet identifiant ne peut désigner personne : le DMP refuse un auteur ou une structure inconnus"
                yield Fault(place(node, "extension"), _shape(value), "8 puis le RPPS, ou 1 puis le FINESS", text)


def accountable_known(document: Document) -> Iterator[Fault]:
    """Who wrote and who answers for a letter is known to the DMP by a national identifier."""
    return _unknown(document) if document.letter is not None else iter(())


def accountable_known_elsewhere(document: Document) -> Iterator[Fault]:
    """The same of other documents: official examples have other OIDs, and patients write too."""
    return _unknown(document) if document.letter is None else iter(())


def authenticator_named(document: Document) -> Iterator[Fault]:
    entity = child(document.clinical, "legalAuthenticator/assignedEntity")
    if entity is not None and not text(entity, "assignedPerson/name/family"):
        said = "Le responsable du document n'est pas nommé"
        yield Fault(f"{place(entity)}/assignedPerson/name", "absent", "son nom et son prénom", said)


def _unknown(document: Document) -> Iterator[Fault]:
    for path in _PEOPLE:
        for entity in children(document.clinical, path):
            roots = [attribute(node, "root") for node in children(entity, "id")]
            own = [attribute(node, "root") for node in children(entity, "representedOrganization/id")]
            if not roots or PS_ROOT in roots or INS_OIDS & set(roots) or (_is_device(entity) and _SERVICE_ROOT in own):
                continue
            said = "Cet identifiant n'est d'aucun domaine national : le DMP ne connaît pas qui il désigne"
            yield Fault(f"{place(entity)}/id/@root", ", ".join(roots)[:64] or "aucun", PS_ROOT, said)


def _is_device(entity: etree._Element) -> bool:
    """A referenced digital service signs under its editor's OID (dmp-interface c.4)."""
    return child(entity, "assignedAuthoringDevice") is not None


def _doubtful(document: Document, root: str, doubt_of: Callable[..., Doubt | None], text: str) -> Iterator[Fault]:
    for part in document.clinical:
        if part.tag == _BODY:
            return
        for node in part.iter(_ID):
            value = node.get("extension", "").strip()
            if node.get("root") == root and value:
                # made-up numbers of a test platform have keys that mean nothing
                doubt = doubt_of(value, keys=document.environment == "production")
                if doubt is not None:
                    yield Fault(place(node, "extension"), _shape(value), doubt.expected, text)


def _shape(value: str) -> str:
    """Who the professional is stays in the document."""
    return f"{len(value)} caractères, préfixe {value[:1]}"
