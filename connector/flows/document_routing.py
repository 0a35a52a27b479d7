"""From an accepted ORU or MDM to its deliveries: one per document, in the order they came (hl7v2-interface §3.7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

from connector.cda.model import CdaHeader, full_id
from connector.flows.acknowledgement import YES, Answer, zam_payload
from connector.flows.config import IntakeConfig
from connector.flows.destinations import DMP, zam_destination
from connector.flows.document_check import ReadRequest, read_request
from connector.flows.mail import unsent
from connector.flows.notices import raise_notice
from connector.flows.routing_codes import CANCELLED_PUBLISHED, PUBLICATION, ZAM
from connector.hl7.model import Action, Identifier
from connector.ins.model import INS_OIDS
from connector.journal import StoredMessage, Submission, Tx
from connector.journal.documents import can_be_resubmitted
from connector.patients.answers import answer_later
from connector.patients.discharges import document_of_stay
from connector.patients.versions import load_version

_VERBS: Final[dict[Action, str]] = {"replace": "Remplacement", "delete": "Suppression", "create": "Création"}


class DocumentRouter:
    """`DocumentRouter(config, today=…, shadow=…)(tx, message)`, for the messages of route 'document'.

    `shadow` marks each delivery for a rehearsal: the mark stays with it whatever the settings become.
    """

    def __init__(self, config: IntakeConfig, *, today: Callable[[], date], shadow: bool) -> None:
        self._config = config
        self._today = today
        self._shadow = shadow

    def __call__(self, tx: Tx, message: StoredMessage) -> None:
        read = read_request(message.raw, self._config, today=self._today())
        request = read.request
        ids = patient_keys(request.identifiers, trusted_ins=request.qualification.qualified)
        patient = tx.resolve_patient(ids or patient_keys(request.identifiers, trusted_ins=True))
        stay = request.stay.number()
        about = full_id(read.headers[0].id)
        unsent(tx, message, request, patient, stay, document_id=about, acknowledge=not self._shadow)
        if not request.flags.dest_dmp:
            tx.note(
                "sans objet",
                "Document non destiné au DMP (DESTDMP absent ou N)",
                patient_id=patient,
                stay=stay,
                message_id=message.id,
                data={"unit": request.stay.unit, "type": request.documents[0].type_code, "cause": "DESTDMP"},
            )
            return
        for index in range(len(read.headers)):
            self._one(tx, message, read, index, patient, stay)

    def _one(self, tx: Tx, message: StoredMessage, read: ReadRequest, index: int, patient: int, stay: str) -> None:
        request, header, part = read.request, read.headers[index], read.request.documents[index]
        unique_id = full_id(header.id)
        sha256 = hashlib.sha256(part.content).hexdigest()
        submission = Submission(unique_id, request.action, sha256, message.sender)
        if not self._shadow and self._known(tx, message, submission, patient, stay, read, index):
            return
        if request.action != "delete":
            document_of_stay(tx, unique_id, stay, part.type_code)
        delivery = tx.deliver(
            PUBLICATION,
            patient,
            {
                "index": index,
                "unique_id": unique_id,
                "action": request.action,
                "sender": message.sender,
                "unit": request.stay.unit,
                "type": part.type_code,
                "shadow": self._shadow,
                "chain": _place(header, request.action),
            },
            message_id=message.id,
            stay=stay,
            document=submission if self._begins_a_life(tx, submission) else None,
            document_id=unique_id,
            destination=DMP,
        )
        tx.note(
            "reçu",
            f"{_VERBS[request.action]} de document reçue ({message.type}^{message.event})",
            patient_id=patient,
            stay=stay,
            document_id=unique_id,
            message_id=message.id,
            delivery_id=delivery,
        )

    def _begins_a_life(self, tx: Tx, submission: Submission) -> bool:
        """Not in a rehearsal, after which the document may be sent for good; not when it had its life already."""
        known = tx.document(submission)
        return not self._shadow and (known is None or can_be_resubmitted(known))

    def _known(
        self,
        tx: Tx,
        message: StoredMessage,
        submission: Submission,
        patient: int,
        stay: str,
        read: ReadRequest,
        index: int,
    ) -> bool:
        """The same bytes were handed over before for the same action: never sent again, answered all the same.

        Unless it stands no more: then the request is judged anew, and refused for the version it is (900).
        """
        known = tx.document(submission)
        if known is None or can_be_resubmitted(known):
            return False
        version = load_version(tx, submission.unique_id)
        if submission.action != "delete" and version is not None and not version.stands:
            return False
        tx.note(
            "doublon",
            "Document déjà reçu (même identifiant, même contenu, même action) : non renvoyé",
            patient_id=patient,
            stay=stay,
            document_id=submission.unique_id,
            message_id=message.id,
        )
        if read.request.flags.ack_reception and index == len(read.headers) - 1:
            if known == "published":
                # the sender asked again: told again, under its new message number
                _answer_now(tx, message, patient, stay, submission.unique_id)
            elif known != "settled":
                _answer_when_it_ends(tx, message, submission)
        return True


def _place(header: CdaHeader, action: Action) -> dict[str, str | int]:
    """Where the document says it stands among its versions: known from here on, whatever becomes of it."""
    number = header.version
    return {
        "set_id": full_id(header.set_id),
        "number": int(number) if number.isdecimal() else 0,
        "replaces": full_id(header.replaced_id) if action == "replace" else "",
    }


def _answer_now(tx: Tx, message: StoredMessage, patient: int, stay: str, unique_id: str) -> None:
    control_id = hashlib.sha256(message.key.encode()).hexdigest()[:20]
    tx.deliver(
        ZAM,
        patient,
        zam_payload(YES, Answer(message.id, message.sender, control_id, message.received_at)),
        message_id=message.id,
        stay=stay,
        document_id=unique_id,
        lane=zam_destination(message.sender),
        destination=zam_destination(message.sender),
    )


def _answer_when_it_ends(tx: Tx, message: StoredMessage, submission: Submission) -> None:
    row = tx.execute(
        "SELECT delivery_id FROM document WHERE unique_id = ? AND action = ? AND sha256 = ?",
        (submission.unique_id, submission.action, submission.sha256),
    ).fetchone()
    answer_later(tx, message.id, row["delivery_id"], message.sender)


def alert_published(tx: Tx, message: StoredMessage, patient: int, stay: str, code: str) -> None:
    """A worklist item when documents already in the DMP are concerned: a person decides what becomes of them."""
    sql = (
        "SELECT count(DISTINCT x.unique_id) FROM document x JOIN delivery d ON d.id = x.delivery_id"
        " WHERE x.patient_id = ? AND x.state = 'published' AND x.action <> 'delete'"
    )
    params: tuple[object, ...] = (patient,)
    if stay:
        sql, params = f"{sql} AND d.stay = ?", (patient, stay)
    count = tx.execute(sql, params).fetchone()[0]
    if not count:
        return
    what = "séjour annulé" if code == CANCELLED_PUBLISHED else "changement d'identité du patient"
    text = f"{message.event} ({what}) : {count} document(s) déjà publié(s) dans le DMP, à supprimer ou à réémettre"
    raise_notice(tx, message_id=message.id, patient_id=patient, stay=stay, document_id="", code=code, text=text)


def patient_keys(identifiers: Iterable[Identifier], *, trusted_ins: bool) -> tuple[tuple[str, str], ...]:
    """(domain, value) pairs that name a patient, the hospital's own first.

    An INS that is not qualified never joins two records: it is left out unless `trusted_ins`.
    """
    items = [i for i in identifiers if i.value]
    local = [i for i in items if i.authority.oid not in INS_OIDS and i.type in ("PI", "")]
    national = [i for i in items if i.authority.oid in INS_OIDS] if trusted_ins else []
    return tuple((i.authority.key(), i.value) for i in (*local, *national))
