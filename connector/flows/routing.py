"""From an accepted message to its deliveries: whose patient, what to do, what is only noted.

Runs once per message, in arrival order, inside one journal transaction; facts of the hospital (identity, consent,
stay) are applied here, calls outside are deliveries (hl7v2-interface §2.6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import date

from connector.flows.config import IntakeConfig
from connector.flows.destinations import DMP, IDENTITY, zam_destination
from connector.flows.document_check import ReadRequest, read_request
from connector.hl7.er7 import parse
from connector.hl7.model import Admission, Identifier
from connector.hl7.pam import read_admission
from connector.ins.model import INS_OIDS
from connector.journal import StoredMessage, Submission, Tx
from connector.journal.documents import can_be_resubmitted
from connector.patients.state import apply_admission, block, load_patient, merge_states

ADMISSION, CONSULTATION, PUBLICATION, ZAM = "admission", "consultation", "publication", "zam"

# events that ask the identity server again; A01 and A04 go on to the DMP
IDENTITY_EVENTS = frozenset({"A01", "A04", "A05", "A28", "A31", "A40", "Z99"})

# events that put a cancelled stay back in place
REOPENING_EVENTS = frozenset({"A01", "A04", "A05", "A13"})

NOT_QUALIFIED = "identity.not-qualified"
NO_CROSS_REFERENCE = "identity.no-cross-reference"
INS_DIFFERS = "identity.ins-differs"
CONSENT_UNKNOWN = "consent.unknown"
NOT_SERVED = "action.not-served"
BLOCKED = "patient.blocked"
CANCELLED_STAY = "stay.cancelled"


class Router:
    """The journal's router: `Router(config, today)(tx, message)`."""

    def __init__(self, config: IntakeConfig, *, today: Callable[[], date]) -> None:
        self._config = config
        self._today = today

    def __call__(self, tx: Tx, message: StoredMessage) -> None:
        match message.route:
            case "adt-act" | "adt-hold":
                self._admission(tx, message)
            case "document":
                self._document(tx, message)
            case "adt-out-of-profile":
                tx.note(
                    "hors profil",
                    f"{message.event} n'est pas de PAM-FR : enregistré, non appliqué",
                    message_id=message.id,
                )
            case "adt-record":
                tx.note("enregistré", f"Évènement {message.event} enregistré, sans action", message_id=message.id)
            case _:
                tx.note("enregistré", f"Message {message.type}^{message.event} enregistré", message_id=message.id)

    def _admission(self, tx: Tx, message: StoredMessage) -> None:
        admission = read_admission(parse(message.raw), environment=self._config.environment, today=self._today())
        event = "A31" if admission.event == "A08" else admission.event
        ids = patient_keys(admission.identifiers, trusted_ins=admission.qualification.qualified)
        if not ids:
            tx.note(
                "identité illisible",
                "Aucun identifiant de patient en PID-3 : rien n'est appliqué",
                message_id=message.id,
            )
            return
        patient = tx.resolve_patient(ids)
        stay = admission.stay.number()
        if message.route == "adt-hold":
            self._hold_patients(tx, message, admission, patient)
            return
        if event == "A40" and not self._merge(tx, message, admission, patient):
            return
        changes = apply_admission(tx, patient, admission)
        tx.note(
            "reçu",
            f"{admission.header.type}^{admission.event} reçu : {_identity_text(admission)}",
            patient_id=patient,
            stay=stay,
            message_id=message.id,
        )
        self._release(tx, admission, event, patient)
        if changes.opposed:
            tx.note(
                "opposition",
                "Opposition à l'alimentation du DMP enregistrée (ZFA-9 = IO)",
                patient_id=patient,
                stay=stay,
            )
        if event in IDENTITY_EVENTS:
            tx.deliver(
                ADMISSION,
                patient,
                {"event": event, "stay": stay},
                message_id=message.id,
                stay=stay,
                destination=IDENTITY,
            )

    def _release(self, tx: Tx, admission: Admission, event: str, patient: int) -> None:
        """What waited for this word goes back to its place; the gate judges it again, so a release may be generous."""
        if admission.qualification.qualified:
            released = tx.release(patient, (PUBLICATION,), (NOT_QUALIFIED, NO_CROSS_REFERENCE, INS_DIFFERS))
            if released:
                tx.note("libéré", f"Identité qualifiée : {released} document(s) remis en file", patient_id=patient)
        if admission.consent is not None and admission.consent.feeding in ("INO", "IO"):
            # an opposition too is an answer: the gate refuses, and the sender hears of it
            tx.release(patient, (PUBLICATION,), (CONSENT_UNKNOWN,))
        if event in REOPENING_EVENTS:
            tx.release(patient, (PUBLICATION,), (CANCELLED_STAY,))

    def _merge(self, tx: Tx, message: StoredMessage, admission: Admission, survivor: int) -> bool:
        """A40: True when merged. Differing INS are never merged by a machine: both patients are held."""
        gone = tx.find_patient(patient_keys(admission.prior_identifiers, trusted_ins=False))
        if gone is None or gone == survivor:
            tx.note(
                "fusion",
                "Fusion sans effet : l'ancien identifiant n'était pas connu",
                patient_id=survivor,
                message_id=message.id,
            )
            return True
        kept_ins, gone_ins = load_patient(tx, survivor).ins, load_patient(tx, gone).ins
        if kept_ins is not None and gone_ins is not None and kept_ins != gone_ins:
            reason = "Fusion (A40) de deux identités dont les INS diffèrent : à vérifier par l'identitovigilance"
            for patient in (survivor, gone):
                self._block(tx, message, patient, reason)
            return False
        tx.merge_patients(survivor, gone)
        merge_states(tx, survivor, gone)
        tx.note("fusion", "Identités fusionnées (A40)", patient_id=survivor, message_id=message.id)
        return True

    def _hold_patients(self, tx: Tx, message: StoredMessage, admission: Admission, patient: int) -> None:
        other = tx.find_patient(patient_keys(admission.prior_identifiers, trusted_ins=False))
        reason = f"{admission.event} reçu : publications suspendues jusqu'à vérification par une personne"
        for one in dict.fromkeys((patient, other)):
            if one is not None:
                self._block(tx, message, one, reason)

    def _block(self, tx: Tx, message: StoredMessage, patient: int, reason: str) -> None:
        block(tx, patient, reason)
        tx.hold(patient, (PUBLICATION,), BLOCKED, reason)
        tx.note("suspendu", reason, patient_id=patient, message_id=message.id)

    def _document(self, tx: Tx, message: StoredMessage) -> None:
        read = read_request(message.raw, self._config, today=self._today())
        request = read.request
        ids = patient_keys(request.identifiers, trusted_ins=request.qualification.qualified)
        patient = tx.resolve_patient(ids or patient_keys(request.identifiers, trusted_ins=True))
        stay = request.stay.number()
        if not request.flags.dest_dmp:
            tx.note(
                "sans objet",
                "Document non destiné au DMP (DESTDMP absent ou N)",
                patient_id=patient,
                stay=stay,
                message_id=message.id,
            )
            return
        for index in range(len(read.headers)):
            self._one_document(tx, message, read, index, patient, stay)

    def _one_document(
        self, tx: Tx, message: StoredMessage, read: ReadRequest, index: int, patient: int, stay: str
    ) -> None:
        request, header = read.request, read.headers[index]
        unique_id = header.id.root if not header.id.extension else f"{header.id.root}^{header.id.extension}"
        sha256 = hashlib.sha256(request.documents[index].content).hexdigest()
        submission = Submission(unique_id, request.action, sha256, message.sender)
        known = tx.document(submission)
        if known is not None and not can_be_resubmitted(known):
            tx.note(
                "doublon",
                "Document déjà reçu (même identifiant, même contenu, même action) : non renvoyé",
                patient_id=patient,
                stay=stay,
                document_id=unique_id,
                message_id=message.id,
            )
            if known == "published" and request.flags.ack_reception and index == len(read.headers) - 1:
                # the sender asked again: told again, under its new message number
                _acknowledge_again(tx, message, patient, stay, unique_id)
            return
        held = request.action != "create"
        verb = {"replace": "Remplacement", "delete": "Suppression", "create": "Création"}[request.action]
        delivery = tx.deliver(
            PUBLICATION,
            patient,
            {"index": index, "unique_id": unique_id, "action": request.action, "sender": message.sender},
            message_id=message.id,
            stay=stay,
            document=submission,
            state="held" if held else "queued",
            reason=f"{verb} : pas encore servi par cette version, conservé dans l'ordre" if held else "",
            reason_code=NOT_SERVED if held else "",
            destination=DMP,
        )
        tx.note(
            "reçu",
            f"{verb} de document reçue ({message.type}^{message.event})",
            patient_id=patient,
            stay=stay,
            document_id=unique_id,
            message_id=message.id,
            delivery_id=delivery,
        )


def _acknowledge_again(tx: Tx, message: StoredMessage, patient: int, stay: str, unique_id: str) -> None:
    control_id = hashlib.sha256(message.key.encode()).hexdigest()[:20]
    payload = {
        "success": True,
        "code": "",
        "label": "",
        "table": "",
        "control_id": control_id,
        "event_time": message.received_at.isoformat(),
        "sender": message.sender,
    }
    tx.deliver(
        ZAM,
        patient,
        payload,
        message_id=message.id,
        stay=stay,
        document_id=unique_id,
        lane=ZAM,
        destination=zam_destination(message.sender),
    )


def patient_keys(identifiers: Iterable[Identifier], *, trusted_ins: bool) -> tuple[tuple[str, str], ...]:
    """(domain, value) pairs that name a patient, the hospital's own first.

    An INS that is not qualified never joins two records: it is left out unless `trusted_ins`.
    """
    items = [i for i in identifiers if i.value]
    local = [i for i in items if i.authority.oid not in INS_OIDS and i.type in ("PI", "")]
    national = [i for i in items if i.authority.oid in INS_OIDS] if trusted_ins else []
    return tuple((i.authority.key(), i.value) for i in (*local, *national))


def _identity_text(admission: Admission) -> str:
    decision = admission.qualification
    if decision.qualified:
        return "identité qualifiée"
    return "identité non qualifiée (" + " ; ".join(decision.reasons) + ")"
