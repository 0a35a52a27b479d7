"""The secure mail (MSSanté) a message asks for and this version does not send: said to everyone, never silently.

The timeline counts who will get nothing, the worklist has one notice for a person to forward the document by other
means, and a sender that asked for ACK_RECEPTION gets a negative ZAM^Z02 for each recipient (hl7v2-interface §3.6, §4).
No server was spoken to, so ERR-5 never borrows an SMTP code: the refusal is ours, 906 of applicationErrorCondition.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Final, Literal

from connector.flows.destinations import zam_destination
from connector.flows.notices import MAIL_NOT_SERVED, raise_notice
from connector.flows.routing_codes import ZAM
from connector.hl7.ack import APPLICATION_TABLE
from connector.hl7.model import DocumentRequest, Recipient
from connector.hl7.refusal import OTHER
from connector.hl7.volet_parties import is_patient
from connector.journal import StoredMessage, Tx

UNSENT: Final = "courriel non envoyé"
"""Event of the timeline line."""

LANE: Final = "zam-mail"
"""Z02 have lanes of their own, one per sender: one that reads no Z02 still hears of the DMP, and delays no other."""

LABEL: Final = "Messagerie MSSanté non servie par le connecteur : courriel non envoyé"

Kind = Literal["professional", "organisation", "application", "patient"]

_NAMES: Final[dict[Kind, tuple[str, str]]] = {
    "professional": ("professionnel", "professionnels"),
    "organisation": ("organisation", "organisations"),
    "application": ("boîte aux lettres", "boîtes aux lettres"),
    "patient": ("patient", "patients"),
}


def unsent(
    tx: Tx,
    message: StoredMessage,
    request: DocumentRequest,
    patient: int,
    stay: str,
    *,
    document_id: str = "",
    acknowledge: bool = True,
) -> int:
    """Tells of the mail asked for by an accepted document message, and gives the number of recipients left without.

    Nothing is written when no mail was asked for. `document_id` is the uniqueId the timeline knows the document by
    (TXA-12 by default); `acknowledge` False keeps the Z02 back, for a connector that must stay unheard (shadow).
    """
    if not (request.flags.dest_mssante_ps or request.flags.dest_mssante_pat):
        return 0
    recipients = mail_recipients(request)
    document = document_id or request.document_id
    counted = Counter(kind_of(recipient) for recipient in recipients)
    sentence = f"Courriel MSSanté demandé et non envoyé : {_told(counted)}"
    tx.note(
        UNSENT,
        f"{sentence} ; la messagerie n'est pas servie par cette version",
        patient_id=patient,
        stay=stay,
        document_id=document,
        message_id=message.id,
        data={"recipients": dict(counted)},
    )
    raise_notice(
        tx,
        message_id=message.id,
        patient_id=patient,
        stay=stay,
        document_id=document,
        code=MAIL_NOT_SERVED,
        text=f"{sentence}. Transmettre le document par un autre moyen, puis clore cet avis",
    )
    if request.flags.ack_reception and acknowledge:
        for recipient in recipients:
            _refuse(tx, message, recipient, patient, stay, document)
    return len(recipients)


def mail_recipients(request: DocumentRequest) -> tuple[Recipient, ...]:
    """The PRT RCT that DESTMSSANTEPS or DESTMSSANTEPAT designate, an address named twice counting once.

    Empty in volet 1.2, whose recipients are in the CDA and who knows no Z02 (§7).
    """
    flags = request.flags
    to = [recipient for recipient in request.recipients if recipient.role == "RCT"]
    asked = {True: flags.dest_mssante_pat, False: flags.dest_mssante_ps}
    wanted = [recipient for recipient in to if asked[is_patient(recipient.person)]]
    return tuple({_key(recipient): recipient for recipient in reversed(wanted)}.values())[::-1]


def kind_of(recipient: Recipient) -> Kind:
    """Patient by the matricule, else a person, else an organisation; an address alone is that of software (§3.5)."""
    if is_patient(recipient.person):
        return "patient"
    if recipient.person is not None:
        return "professional"
    return "organisation" if recipient.organization is not None else "application"


def _key(recipient: Recipient) -> tuple[str, str]:
    address = recipient.address.lower()
    return (address, "") if address else ("", _id_of(recipient))


def _id_of(recipient: Recipient) -> str:
    if recipient.person is not None:
        return recipient.person.id
    return recipient.organization.id if recipient.organization is not None else ""


def _told(counted: Counter[Kind]) -> str:
    """« 2 professionnels, 1 patient »; the message may name nobody (volet 1.2)."""
    parts = [f"{counted[kind]} {names[counted[kind] > 1]}" for kind, names in _NAMES.items() if counted[kind]]
    return ", ".join(parts) or "destinataires non nommés dans le message"


def _refuse(tx: Tx, message: StoredMessage, recipient: Recipient, patient: int, stay: str, document_id: str) -> None:
    """One negative Z02. Its MSH-10 follows from the message and the recipient: told twice, it is the same one."""
    seed = "|".join((message.key, "Z02", *_key(recipient)))
    tx.deliver(
        ZAM,
        patient,
        {
            "event": "Z02",
            "success": False,
            "code": OTHER,
            "label": LABEL,
            "table": APPLICATION_TABLE,
            "recipient": recipient.address,
            "recipient_id": _id_of(recipient),
            "control_id": hashlib.sha256(seed.encode()).hexdigest()[:20],
            "event_time": tx.now.isoformat(),
            "sender": message.sender,
        },
        message_id=message.id,
        stay=stay,
        document_id=document_id,
        lane=f"{LANE}:{message.sender}",
        destination=zam_destination(message.sender),
    )
