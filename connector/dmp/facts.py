"""What a document's metadata needs beside its own header: patient, flags, stay, sender."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from connector.dmp.forms import PERSON_OID, STRUCTURE_OID
from connector.hl7.model import Action, DocumentRequest, Flags, Identifier, Sender
from connector.ins.model import Traits
from connector.trust.national import ps_idnat, struct_idnat

NO_TRAITS = Traits()
NO_FLAGS = Flags()


@dataclass(frozen=True, slots=True, repr=False)
class DocumentFacts:
    """Facts the CDA does not carry (hl7v2-interface §6).

    `patient_class` is PV1-2, `ipp` the hospital's own number, `action` what the message asks, "" when no message does.
    `sender` has national identifiers (`national`). `sender_expected` False is for volet 1.2, which names no sender: the
    author of the document stands in (§7).
    """

    traits: Traits = NO_TRAITS
    ipp: Identifier | None = None
    flags: Flags = NO_FLAGS
    patient_class: str = ""
    sender: Sender | None = None
    action: Action | Literal[""] = ""
    sender_expected: bool = True


def facts_of(request: DocumentRequest) -> DocumentFacts:
    """The facts of an ORU or MDM."""
    return DocumentFacts(
        traits=request.traits,
        ipp=request.ipp(),
        flags=request.flags,
        patient_class=request.stay.patient_class,
        sender=national(request.sender) if request.sender else None,
        action=request.action,
        sender_expected=request.volet != "1.2",
    )


def national(sender: Sender) -> Sender:
    """The sender with PS_IdNat and Struct_IdNat (dmp-interface c.4): messages also write a bare RPPS, a bare FINESS.

    The number of another authority stays as it is.
    """
    person, organization = sender.person, sender.organization
    if person is not None and person.authority.oid in ("", PERSON_OID):
        person = replace(person, id=ps_idnat(person.id))
    if organization is not None and organization.authority.oid in ("", STRUCTURE_OID):
        organization = replace(organization, id=struct_idnat(organization.id, organization.type))
    return replace(sender, person=person, organization=organization)
