"""The volet "CDA in HL7v2": an ORU or MDM read into a DocumentRequest, or refused (hl7v2-interface §3, §5, §7).

Everything the message itself lets us say before the acknowledgement is said here, all at once. What needs the CDA
or the code lists (not a ClinicalDocument, another patient inside, a type outside the DMP list) belongs to the flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connector.base.errors import CodecError
from connector.hl7.ack import AckError
from connector.hl7.datatypes import present, text
from connector.hl7.er7 import Message, Segment
from connector.hl7.identity import PatientIdentity, read_identity, read_stay
from connector.hl7.model import Action, DocumentPart, DocumentRequest, Recipient, Sender, Stay
from connector.hl7.notes import Notes
from connector.hl7.payload import decode_payload
from connector.hl7.refusal import (
    CARDINALITY,
    DATA_TYPE,
    OTHER,
    SEGMENT_MISSING,
    VoletRefusal,
    application_error,
    missing_field,
)
from connector.hl7.structure import DOCUMENT_EVENTS, Volet, check_header, check_segments, volet_of
from connector.hl7.volet_action import read_action
from connector.hl7.volet_checks import check_destinations, check_patient, check_sender, check_stay
from connector.hl7.volet_mail import check_mail
from connector.hl7.volet_meta import Metadata, is_metadata, numbered, read_metadata
from connector.hl7.volet_parties import read_recipients, read_sender
from connector.ins.model import Environment

__all__ = ["MAX_DOCUMENTS", "VoletRefusal", "document_notes", "document_reference", "read_document"]

MAX_DOCUMENTS = {"ORU": 2, "MDM": 1}
"""An ORU may carry the same content at CDA levels 1 and 3 (§3.1)."""

_Numbered = tuple[int, Segment]


def read_document(message: Message, *, environment: Environment, today: date) -> DocumentRequest:
    """Typed request of an ORU^R01 or MDM^T02/T04/T10.

    environment  decides which INS domains qualify; today is compared with the INS expiry dates.
    Raises VoletRefusal with every error found: AE/AR, ERR-2, ERR-3 and ERR-5 of the acknowledgement to send.
    Raises CodecError when the message is of another type: structure.route says so before.
    """
    header = message.header
    refusal = check_header(header) or check_segments(header, message.names())
    if refusal is not None:
        raise VoletRefusal(refusal.code, refusal.errors)
    if header.type not in DOCUMENT_EVENTS or message.first("PID") is None:
        raise CodecError("not a document message", field="MSH-9", found=header.type, expected="ORU or MDM")
    found = _read(message, environment, today)
    notes, metadata, patient = found.notes, found.metadata, found.patient
    if notes.errors or found.action is None:
        raise VoletRefusal("AE", notes.errors, notes.findings)
    return DocumentRequest(
        header=header,
        action=found.action,
        volet=found.volet,
        identifiers=patient.identifiers,
        traits=patient.traits,
        reliability=patient.reliability,
        qualification=patient.qualification,
        stay=found.stay,
        documents=found.documents,
        sender=found.sender,
        recipients=found.recipients,
        flags=metadata.flags,
        document_id=found.document_id,
        replaced_id=found.replaced_id,
        mail_bodies=metadata.mail_bodies,
        no_reply=metadata.no_reply,
        findings=tuple(notes.findings),
    )


def document_notes(message: Message, *, environment: Environment, today: date) -> Notes:
    """All that the reader has to say of an ORU or MDM, even one refused for its MSH or for a missing segment."""
    return _read(message, environment, today).notes


@dataclass(frozen=True, slots=True, repr=False)
class _Reading:
    """What a message says, complete or not; its faults are in `notes`."""

    notes: Notes
    volet: Volet
    metadata: Metadata
    patient: PatientIdentity
    stay: Stay
    sender: Sender | None
    recipients: tuple[Recipient, ...]
    action: Action | None
    document_id: str
    replaced_id: str
    documents: tuple[DocumentPart, ...]


def _read(message: Message, environment: Environment, today: date) -> _Reading:
    header, notes = message.header, Notes()
    volet = volet_of(header)
    _check_profile(header.profile, notes)
    metadata = read_metadata(message, notes)
    for_dmp = metadata.flags.dest_dmp is True
    pid = message.first("PID") or Segment("PID", message.delimiters)
    patient = read_identity(pid, environment=environment, today=today)
    check_patient(pid, patient, volet=volet, for_dmp=for_dmp, notes=notes)
    stay = read_stay(message)
    check_stay(stay, notes)
    sender = read_sender(message, notes)
    check_sender(sender, volet=volet, for_dmp=for_dmp, notes=notes)
    recipients = read_recipients(message, notes)
    check_destinations(metadata, volet=volet, notes=notes)
    check_mail(metadata, recipients, patient, header=header, volet=volet, notes=notes)
    carriers = _document_segments(message, notes)
    action = read_action(message, volet, carriers, notes)
    _check_types(message, volet, carriers, notes)
    document_id, replaced_id = _identifiers(message, volet, action, notes)
    documents = _decode(carriers, notes)
    return _Reading(
        notes,
        volet,
        metadata,
        patient,
        stay,
        sender,
        recipients,
        action,
        document_id,
        replaced_id,
        documents,
    )


def _check_profile(profile: str, notes: Notes) -> None:
    if profile[:3] not in ("1.2", "2.0", "2.1"):
        notes.warn(
            "VOLET-MSH-21",
            "MSH-21.1",
            profile[:8] or "vide",
            "2.1",
            "version du volet absente ou inconnue, lue comme 2.1",
            reference="hl7v2-interface §1.7",
        )


def _document_segments(message: Message, notes: Notes) -> list[_Numbered]:
    """The OBX that carry a document, with their occurrence; one or two in ORU, exactly one in MDM."""
    found = [(n, obx) for n, obx in numbered(message) if text(obx, 2).upper() == "ED" and not is_metadata(obx)]
    limit = MAX_DOCUMENTS[message.header.type]
    if not found:
        notes.refuse(AckError("OBX^1", SEGMENT_MISSING, "aucun OBX de document (OBX-2 = ED)"))
    elif len(found) > limit:
        notes.refuse(AckError(f"OBX^{found[limit][0]}", CARDINALITY, f"{limit} document(s) au plus par message"))
    return found[:limit]


def _check_types(message: Message, volet: Volet, carriers: list[_Numbered], notes: Notes) -> None:
    """OBR-4 and OBX-3 name the same document type since 2.0; volet 1.2 had the lab panel in OBR-4 (§7)."""
    obr, txa = message.first("OBR"), message.first("TXA")
    ordered = text(obr, 4) if obr else ""
    if obr is not None and not present(ordered):
        notes.refuse(missing_field("OBR^1^4", "type de document (OBR-4)"))
    for number, obx in carriers:
        code = text(obx, 3)
        if not present(code):
            notes.refuse(missing_field(f"OBX^{number}^3", "type de document (OBX-3)"))
        elif present(ordered) and code != ordered:
            if volet == "1.2":
                _warn_type(notes, "OBR-4", ordered, code)
            else:
                notes.refuse(application_error("OBR^1^4", OTHER, "types de document différents en OBR-4 et OBX-3"))
        elif txa is not None and text(txa, 2) != code:
            _warn_type(notes, "TXA-2", text(txa, 2), code)


def _warn_type(notes: Notes, where: str, found: str, expected: str) -> None:
    sentence = f"{where} et OBX-3 donnent des types différents, OBX-3 est retenu"
    notes.warn("VOLET-TYPE", where, found, expected, sentence, reference="hl7v2-interface §3.3")


def _identifiers(message: Message, volet: Volet, action: Action | None, notes: Notes) -> tuple[str, str]:
    """TXA-12 and TXA-13 of an MDM, "" in an ORU. TXA-13 only counts when something is replaced or deleted (§9.2-22)."""
    txa = message.first("TXA")
    if message.header.type != "MDM" or txa is None:
        return "", ""
    document_id = document_reference(txa, 12)
    if not document_id:
        notes.refuse(missing_field("TXA^1^12", "identifiant du document (TXA-12)"))
    replaced_id = "" if action == "create" else document_reference(txa, 13)
    if action == "replace" and not replaced_id and volet != "1.2":
        notes.refuse(missing_field("TXA^1^13", "identifiant du document remplacé (TXA-13)"))
    if replaced_id and replaced_id == document_id:
        notes.warn(
            "VOLET-TXA-13",
            "TXA-13",
            "égal à TXA-12",
            "un autre document",
            "le document se remplacerait lui-même",
            reference="hl7v2-interface §9.2-22",
        )
    return document_id, replaced_id


def document_reference(txa: Segment, field: int) -> str:
    """EI of TXA-12 or 13: `root`, or `root^extension` when component 3 holds the root; component 2 is no id (§3.3)."""
    first, root = text(txa, field), text(txa, field, 1, 3)
    if not present(first):
        return ""
    return f"{root}^{first}" if root else first


def _decode(carriers: list[_Numbered], notes: Notes) -> tuple[DocumentPart, ...]:
    """Bytes of each document; an empty payload is AE 101, an undecodable one AE 102, both on OBX-5.5."""
    parts: list[DocumentPart] = []
    for number, obx in carriers:
        where = f"OBX^{number}^5^1^5"
        encoded = _encoded(obx)
        if not present(encoded):
            notes.refuse(missing_field(where, "document (OBX-5.5)"))
            continue
        try:
            payload = decode_payload(encoded)
        except CodecError as error:
            notes.refuse(AckError(where, DATA_TYPE, "document illisible : base64 attendu"))
            notes.warn(
                "VOLET-OBX-5",
                f"OBX[{number}]-5.5",
                str(error.context["found"]),
                str(error.context["expected"]),
                "document illisible",
                reference="hl7v2-interface §5",
            )
            continue
        if payload.repaired:
            sentence = "remplissage du base64 absent ou faux, réparé"
            notes.warn(
                "VOLET-BASE64", f"OBX[{number}]-5.5", "remplissage", "=", sentence, reference="hl7v2-interface §9.2-8"
            )
        status = (text(obx, 11) or text(obx, 10)).upper()
        parts.append(DocumentPart(text(obx, 3), text(obx, 3, 1, 3), text(obx, 3, 1, 2), payload.content, status))
    return tuple(parts)


def _encoded(obx: Segment) -> str:
    """OBX-5.5, or the whole field when the sender wrote bare base64 without ED components (§9.2-32)."""
    # cut once: each cut copies the document
    values = obx.values(5)
    return values[0] if len(values) == 1 else "".join(values[4:5])
