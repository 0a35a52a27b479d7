"""What a document's metadata needs beside its own header: patient, flags, stay, sender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.hl7.model import Action, DocumentRequest, Flags, Identifier, Sender
from connector.ins.model import Traits

NO_TRAITS = Traits()
NO_FLAGS = Flags()


@dataclass(frozen=True, slots=True, repr=False)
class DocumentFacts:
    """Facts the CDA does not carry (hl7v2-interface §6).

    `patient_class` is PV1-2, `ipp` the hospital's own number, `action` what the message asks, "" when no message does.
    `sender_expected` False is for volet 1.2, which names no sender: the author of the document stands in (§7).
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
        sender=request.sender,
        action=request.action,
        sender_expected=request.volet != "1.2",
    )
