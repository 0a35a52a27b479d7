"""From an accepted message to its deliveries: whose patient, what to do, what is only noted.

Runs once per message, in arrival order, inside one journal transaction; facts of the hospital (identity, consent,
stay) are applied here, calls outside are deliveries (hl7v2-interface §2.6).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from connector.flows.config import IntakeConfig
from connector.flows.destinations import IDENTITY
from connector.flows.document_routing import DocumentRouter, alert_published, patient_keys
from connector.flows.notices import raise_notice
from connector.flows.record import may_ask
from connector.flows.routing_codes import (
    ADMISSION,
    BLOCKED,
    CANCELLED_PUBLISHED,
    CONSENT_UNKNOWN,
    DMP_ABSENT,
    DMP_CLOSED,
    INS_DIFFERS,
    MOVED_PUBLISHED,
    NO_CROSS_REFERENCE,
    NOT_QUALIFIED,
    OPPOSITION_UNATTACHED,
    PUBLICATION,
    WAITS,
)
from connector.hl7.er7 import parse
from connector.hl7.model import Admission
from connector.hl7.pam import read_admission
from connector.journal import StoredMessage, Tx
from connector.patients.discharges import discharged, not_discharged
from connector.patients.state import apply_admission, apply_consent, block, load_patient, merge_states

# events that ask the identity server again; A01 and A04 go on to the DMP
IDENTITY_EVENTS = frozenset({"A01", "A04", "A05", "A28", "A31", "A40", "A47", "Z99"})

CANCELLING_EVENTS = frozenset({"A11", "A27", "A38"})

# the disappearing number of MRG-1 becomes that of PID-3: two records, or one whose number changed
MERGING_EVENTS = frozenset({"A40", "A47"})


class Router:
    """The journal's router: `Router(config, today)(tx, message)`."""

    def __init__(self, config: IntakeConfig, *, today: Callable[[], date], shadow: bool = False) -> None:
        self._config = config
        self._today = today
        self._documents = DocumentRouter(config, today=today, shadow=shadow)

    def __call__(self, tx: Tx, message: StoredMessage) -> None:
        match message.route:
            case "adt-act" | "adt-hold":
                self._admission(tx, message)
            case "document":
                self._documents(tx, message)
            case "adt-out-of-profile":
                tx.note(
                    "hors profil",
                    f"{message.event} n'est pas de PAM-FR : enregistré, non appliqué",
                    message_id=message.id,
                )
            case "adt-record":
                tx.note("enregistré", f"Évènement {message.event} enregistré, sans action", message_id=message.id)
                self._consent_alone(tx, message)
            case _:
                tx.note("enregistré", f"Message {message.type}^{message.event} enregistré", message_id=message.id)

    def _admission(self, tx: Tx, message: StoredMessage) -> None:
        admission = read_admission(parse(message.raw), environment=self._config.environment, today=self._today())
        event = "A31" if admission.event == "A08" else admission.event
        ids = patient_keys(admission.identifiers, trusted_ins=admission.qualification.qualified)
        if not ids:
            self._nobody(tx, message, admission)
            return
        patient = tx.resolve_patient(ids)
        stay = admission.stay.number()
        if message.route == "adt-hold":
            self._hold_patients(tx, message, admission, patient)
            return
        if event in MERGING_EVENTS and not self._merge(tx, message, admission, patient):
            return
        changes = apply_admission(tx, patient, admission)
        tx.note(
            "reçu",
            f"{admission.header.type}^{admission.event} reçu : {_identity_text(admission)}",
            patient_id=patient,
            stay=stay,
            message_id=message.id,
        )
        self._release(tx, admission, patient)
        if stay and event == "A03":
            discharged(tx, stay, tx.now)
        elif stay and (event == "A13" or event in CANCELLING_EVENTS):
            not_discharged(tx, stay)
        if event in CANCELLING_EVENTS:
            alert_published(tx, message, patient, stay, CANCELLED_PUBLISHED)
        if changes.opposed:
            self._opposed(tx, message, patient, stay)
        if event in IDENTITY_EVENTS:
            tx.deliver(
                ADMISSION,
                patient,
                {"event": event, "stay": stay},
                message_id=message.id,
                stay=stay,
                destination=IDENTITY,
            )

    def _consent_alone(self, tx: Tx, message: StoredMessage) -> None:
        """The ZFA of an event that asks for nothing else: the patient's word counts whatever carries it (§2.5)."""
        parsed = parse(message.raw)
        if parsed.first("ZFA") is None:
            return
        admission = read_admission(parsed, environment=self._config.environment, today=self._today())
        ids = patient_keys(admission.identifiers, trusted_ins=admission.qualification.qualified)
        if not ids:
            self._nobody(tx, message, admission)
            return
        patient = tx.resolve_patient(ids)
        if apply_consent(tx, patient, admission):
            self._opposed(tx, message, patient, admission.stay.number())

    def _nobody(self, tx: Tx, message: StoredMessage, admission: Admission) -> None:
        """No identifier says whose message this is; an opposition in it is a person's business, at once."""
        text = "Aucun identifiant de patient en PID-3 : rien n'est appliqué"
        tx.note("identité illisible", text, message_id=message.id)
        if admission.consent is not None and admission.consent.feeding == "IO":
            raise_notice(
                tx,
                message_id=message.id,
                patient_id=tx.resolve_patient(()),
                stay="",
                document_id="",
                code=OPPOSITION_UNATTACHED,
                text=f"{message.event} : un patient s'oppose à l'alimentation de son DMP, le message ne dit pas lequel",
            )

    def _opposed(self, tx: Tx, message: StoredMessage, patient: int, stay: str) -> None:
        """Noted, and everything that waits goes back to be refused at once: its sender hears of it."""
        text = "Opposition à l'alimentation du DMP enregistrée (ZFA-9 = IO)"
        tx.note("opposition", text, patient_id=patient, stay=stay, message_id=message.id)
        tx.release(patient, (PUBLICATION,), WAITS)

    def _release(self, tx: Tx, admission: Admission, patient: int) -> None:
        """What waited for this word goes back to its place; the gate judges it again, so a release may be generous."""
        if admission.qualification.qualified:
            released = tx.release(patient, (PUBLICATION,), (NOT_QUALIFIED, NO_CROSS_REFERENCE, INS_DIFFERS))
            if released:
                tx.note("libéré", f"Identité qualifiée : {released} document(s) remis en file", patient_id=patient)
        if admission.consent is not None and admission.consent.feeding == "INO":
            tx.release(patient, (PUBLICATION,), (CONSENT_UNKNOWN,))
        if may_ask(load_patient(tx, patient), tx.now):
            # the DMP is asked again whether the record exists and is open, at most once a day
            tx.release(patient, (PUBLICATION,), (DMP_CLOSED, DMP_ABSENT))

    def _merge(self, tx: Tx, message: StoredMessage, admission: Admission, survivor: int) -> bool:
        """A40, A47: True when merged. Differing INS are never merged by a machine: both patients are held."""
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
            reason = (
                f"Fusion ({admission.event}) d'identités dont les INS diffèrent : à vérifier par l'identitovigilance"
            )
            for patient in (survivor, gone):
                self._block(tx, message, patient, reason)
                alert_published(tx, message, patient, "", MOVED_PUBLISHED)
            return False
        tx.merge_patients(survivor, gone)
        merge_states(tx, survivor, gone)
        tx.note("fusion", f"Identités fusionnées ({admission.event})", patient_id=survivor, message_id=message.id)
        return True

    def _hold_patients(self, tx: Tx, message: StoredMessage, admission: Admission, patient: int) -> None:
        other = tx.find_patient(patient_keys(admission.prior_identifiers, trusted_ins=False))
        reason = f"{admission.event} reçu : publications suspendues jusqu'à vérification par une personne"
        for one in dict.fromkeys((patient, other)):
            if one is not None:
                self._block(tx, message, one, reason)
                alert_published(tx, message, one, "", MOVED_PUBLISHED)

    def _block(self, tx: Tx, message: StoredMessage, patient: int, reason: str) -> None:
        """Nothing of the patient leaves until a person says so: that there is nothing yet is told all the same."""
        block(tx, patient, reason)
        tx.hold(patient, (PUBLICATION,), BLOCKED, reason)
        raise_notice(tx, message_id=message.id, patient_id=patient, stay="", document_id="", code=BLOCKED, text=reason)
        tx.note("suspendu", reason, patient_id=patient, message_id=message.id)


def _identity_text(admission: Admission) -> str:
    decision = admission.qualification
    if decision.qualified:
        return "identité qualifiée"
    return "identité non qualifiée (" + " ; ".join(decision.reasons) + ")"
