"""Who asks and who receives: the PRT segments of a document message (hl7v2-interface §3.5, §9.2-15 to 18)."""

from __future__ import annotations

from connector.hl7.datatypes import organization, provider, text
from connector.hl7.er7 import Message, Segment
from connector.hl7.model import Provider, Recipient, Sender
from connector.hl7.notes import Notes
from connector.ins.matricule import check_matricule
from connector.ins.model import INS_OIDS

_REFERENCE = "hl7v2-interface §3.5"


def read_sender(message: Message, notes: Notes) -> Sender | None:
    """The first PRT SB that names someone, an organisation or a device; None when there is none."""
    found = [sender for prt in message.all("PRT") if _role(prt) == "SB" and (sender := _sender(prt)) is not None]
    if len(found) > 1:
        notes.warn(
            "VOLET-PRT-SB",
            "PRT-4",
            f"{len(found)} expéditeurs",
            "un seul PRT SB",
            "plusieurs expéditeurs, le premier est retenu",
            reference=_REFERENCE,
        )
    return found[0] if found else None


def _sender(prt: Segment) -> Sender | None:
    sender = Sender(provider(prt, 5, role="SB"), organization(prt, 8), text(prt, 10))
    return sender if sender.person or sender.organization or sender.device else None


def read_recipients(message: Message, notes: Notes) -> tuple[Recipient, ...]:
    """Every PRT RCT and REPLY, in order; a patient recipient whose matricule is wrong is reported."""
    recipients: list[Recipient] = []
    for number, prt in enumerate(message.all("PRT"), start=1):
        role = _role(prt)
        if role not in ("RCT", "REPLY"):
            continue
        person = provider(prt, 5, role=role)
        recipients.append(Recipient(role, person, organization(prt, 8), _address(prt)))
        if is_patient(person) and person is not None:
            for finding in check_matricule(person.id):
                notes.warn(
                    "VOLET-PRT-RCT",
                    f"PRT[{number}]-5.1",
                    finding.found,
                    finding.expected,
                    "destinataire patient : " + finding.text,
                    reference=_REFERENCE,
                )
    return tuple(recipients)


def is_patient(person: Provider | None) -> bool:
    """True when a recipient is identified by a matricule INS."""
    return person is not None and (person.id_type == "INS" or person.authority.oid in INS_OIDS)


def _role(prt: Segment) -> str:
    """PRT-4.1 alone: its text and table vary (§9.2-15)."""
    return text(prt, 4).upper()


def _address(prt: Segment) -> str:
    """PRT-15.4, wherever it slid: component 4 first, then any component, of PRT-15 then of its neighbours."""
    direct = text(prt, 15, 1, 4)
    if "@" in direct:
        return direct
    for field in (15, 14, 16):
        for comp in range(1, len(prt.comps(field)) + 1):
            candidate = text(prt, field, 1, comp)
            if "@" in candidate:
                return candidate
    return direct
