"""Rules on authors, legal authenticator and sender: named, identified in the national forms (c.3, c.4)."""

from __future__ import annotations

from collections.abc import Iterator

from connector.base.finding import Finding
from connector.cda.model import CdaOrganization, CdaPerson
from connector.dmp.draft import Draft, error, warning
from connector.dmp.forms import PERSON_OID, SNR_OID, STRUCTURE_OID
from connector.ins.model import INS_OIDS
from connector.trust.identifiers import Doubt, doubt_of_person, doubt_of_structure


def an_author(draft: Draft) -> Iterator[Finding]:
    if not draft.header.authors:
        text = "Le document n'a pas d'auteur."
        yield error("DMP-AUTHOR", "author", "absent", "au moins un auteur", text, "dmp-interface c.3")


def named_authors(draft: Draft) -> Iterator[Finding]:
    for number, author in enumerate(draft.header.authors, 1):
        for part, value in (("family", author.family), ("given", author.given)):
            if not value.strip():
                yield error(
                    "RG_2230",
                    f"author[{number}]/assignedAuthor/assignedPerson/name/{part}",
                    "vide",
                    "un nom et un prénom",
                    "Le nom ou le prénom d'un auteur est vide : le DMP rejette le flux.",
                    "dmp-interface a.7 RG_2230",
                )


def legal_authenticator(draft: Draft) -> Iterator[Finding]:
    person = draft.header.legal_authenticator
    if person is None or person.id is None or not person.id.extension:
        yield error(
            "DMP-LEGAL",
            "legalAuthenticator/assignedEntity/id",
            "absent",
            "un responsable identifié",
            "Le responsable du document n'est pas identifié.",
            "dmp-interface c.3",
        )


def known_sender(draft: Draft) -> Iterator[Finding]:
    sender = draft.facts.sender
    if sender is None and not draft.facts.sender_expected:
        return
    if sender is None or not (sender.person or sender.organization or sender.device):
        yield error(
            "DMP-SENDER",
            "PRT (PRT-4 = SB)",
            "absent",
            "un émetteur de la demande",
            "L'émetteur de la demande manque : il est l'auteur du lot de soumission.",
            "hl7v2-interface §3.5",
        )
        return
    if sender.person is not None and not (sender.person.family.strip() and sender.person.given.strip()):
        yield error(
            "RG_2230",
            "PRT-5 (PRT-4 = SB)",
            "nom ou prénom vide",
            "un nom et un prénom",
            "Le nom ou le prénom de l'émetteur est vide : le DMP rejette le flux.",
            "dmp-interface a.7 RG_2230",
        )


def national_people(draft: Draft) -> Iterator[Finding]:
    """PS_IdNat of authors, legal authenticator and sender."""
    people = [(f"author[{n}]/assignedAuthor/id", person) for n, person in enumerate(draft.header.authors, 1)]
    if draft.header.legal_authenticator is not None:
        people.append(("legalAuthenticator/assignedEntity/id", draft.header.legal_authenticator))
    for field, person in people:
        yield from _person(field, person, draft)
    sender = draft.facts.sender
    if sender is not None and sender.person is not None and sender.person.id:
        doubt = doubt_of_person(sender.person.id, keys=_keys(draft))
        yield from _said("DMP-PERSON", "PRT-5.1 (PRT-4 = SB)", _shape(sender.person.id), doubt)


def national_structures(draft: Draft) -> Iterator[Finding]:
    """Struct_IdNat of authors' organizations, custodian and sender."""
    header, sender = draft.header, draft.facts.sender
    found: list[tuple[str, CdaOrganization | None]] = [
        (f"author[{number}]/assignedAuthor/representedOrganization/id", person.organization)
        for number, person in enumerate(header.authors, 1)
    ]
    found.append(("custodian/assignedCustodian/representedCustodianOrganization/id", header.custodian))
    for field, organization in found:
        identifier = organization.id if organization else None
        if identifier is not None and identifier.root == STRUCTURE_OID:
            doubt = doubt_of_structure(identifier.extension, keys=_keys(draft))
            yield from _said("DMP-STRUCTURE-ID", field, identifier.extension or "absent", doubt)
    if sender is not None and sender.organization is not None and sender.organization.id:
        doubt = doubt_of_structure(sender.organization.id, keys=_keys(draft))
        yield from _said("DMP-STRUCTURE-ID", "PRT-8.10 (PRT-4 = SB)", sender.organization.id, doubt)


def _person(field: str, person: CdaPerson, draft: Draft) -> Iterator[Finding]:
    if person.id is None or person.id.root in INS_OIDS or _is_digital_service(person):
        return
    if person.id.root != PERSON_OID:
        yield error(
            "DMP-PERSON",
            f"{field}/@root",
            person.id.root,
            PERSON_OID,
            "L'identifiant n'est pas un identifiant national de professionnel : le DMP ne connaît que celui-là.",
            "dmp-interface c.4",
        )
        return
    doubt = doubt_of_person(person.id.extension, keys=_keys(draft))
    yield from _said("DMP-PERSON", f"{field}/@extension", _shape(person.id.extension), doubt)


def _is_digital_service(person: CdaPerson) -> bool:
    """A referenced digital service signs under its editor's OID and SIREN (c.4)."""
    identifier = person.organization.id if person.organization else None
    return person.device and identifier is not None and identifier.root == SNR_OID


def _keys(draft: Draft) -> bool:
    """Test platforms use made-up numbers, whose key means nothing."""
    return draft.config.environment == "production"


def _shape(identifier: str) -> str:
    # Who the professional is stays in the document.
    return f"{len(identifier)} caractères, préfixe {identifier[:1]}" if identifier else "absent"


def _said(rule: str, field: str, found: str, doubt: Doubt | None) -> Iterator[Finding]:
    if doubt is not None and doubt.certain:
        text = "Cet identifiant ne peut pas être un identifiant national : le DMP le refuserait."
        yield error(rule, field, found, doubt.expected, text, "dmp-interface c.4")
    elif doubt is not None:
        text = "Cet identifiant n'a pas la forme nationale attendue : le DMP peut le refuser."
        yield warning(rule, field, found, doubt.expected, text, "dmp-interface c.4")
