"""A document to the DMP: gate, identifiers made durable, ITI-41, then the business acknowledgement.

Unknown outcome: before any resend the registry is asked by uniqueId (TD3.1b, `settlement`); nothing is ever twice in
a patient's record (design rule 7). After a submission that went well nothing is asked: the entryUUID is looked up by
whoever needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from connector.base.clock import Clock, UuidFactory
from connector.base.errors import ConnectorError, ServerRefusal, SoapFault, TransportError
from connector.base.oid import oid_from_uuid
from connector.dmp.errors import DmpMetadataError
from connector.dmp.feed import Feed, FeedIds
from connector.flows.callers import structure_caller
from connector.flows.config import CallerConfig, IdentityConfig, IntakeConfig, PublicationConfig
from connector.flows.destinations import zam_destination
from connector.flows.document_check import ReadRequest, read_request
from connector.flows.french import in_french
from connector.flows.gate import Gate, GateAnswer
from connector.flows.outcomes import announces_duplicate, failure, first_error, leaves_doubt
from connector.flows.routing import NOT_SERVED, PUBLICATION, ZAM
from connector.flows.settlement import BUSY_UNTIL, Registry, Sent, Settlement
from connector.flows.snapshot import Snapshot
from connector.ins.model import MatriculeIns
from connector.journal import Done, Hold, Job, Journal, JournalError, Outcome, Refuse, Retry, Tx, Unknown
from connector.journal.lifecycle import LifecycleError
from connector.patients.state import PatientView, Sql, StayView, load_patient, load_stay
from connector.trust.errors import ClockError
from connector.trust.vihf import Caller


class DmpFeeder(Registry, Protocol):
    def submit(self, ins: MatriculeIns, caller: Caller, feed: Feed) -> object: ...


@dataclass(frozen=True, slots=True)
class PublicationSettings:
    publication: PublicationConfig
    identity: IdentityConfig
    intake: IntakeConfig
    caller: CallerConfig
    structure: str


class PublicationFlow:
    """Handler of the 'publication' deliveries (creation only; replacements and deletions wait, held)."""

    def __init__(
        self,
        journal: Journal,
        dmp: DmpFeeder,
        gate: Gate,
        settings: PublicationSettings,
        *,
        clock: Clock,
        uuid_factory: UuidFactory,
        today: Callable[[], date],
    ) -> None:
        self._journal = journal
        self._dmp = dmp
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._uuid = uuid_factory
        self._today = today
        self._settlement = Settlement(dmp, timedelta(seconds=settings.publication.unknown_grace), clock)

    def __call__(self, job: Job) -> Outcome:
        outcome = self._publish(job)
        # What stops before the sending has not asked the DMP; a doubt always does.
        return outcome if job.sent or job.resumed else replace(outcome, unreachable=None)

    def _publish(self, job: Job) -> Outcome:
        read = read_request(job.raw(), self._settings.intake, today=self._today())
        request = read.request
        if request.action != "create":
            # replayed by hand, it would leave as a new document
            return Hold("Remplacement ou suppression : pas encore servi par cette version", NOT_SERVED)
        ins = request.qualification.ins
        caller = structure_caller(
            self._settings.caller, self._settings.structure, authn_instant=self._clock(), sender=request.sender
        )
        wants_zam = bool(request.flags.ack_reception)
        content = request.documents[job.payload["index"]].content
        sent = Sent(ins, caller, job.payload["unique_id"], content) if ins is not None else None
        try:
            if job.resumed and sent is not None:
                settled = self._settle(job, sent, wants_zam)
                if settled is not None:
                    return settled
            stop = self._gate_stop(job, read, wants_zam)
            if stop is not None:
                return stop
            assert ins is not None
            feed = self._prepare(job, read)
            self._dmp.submit(ins, caller, feed)
        except (LifecycleError, JournalError):
            # superseded, or the store is away or full: nothing a person could mend in this letter
            raise
        except DmpMetadataError as error:
            text = f"Document refusé avant envoi : {in_french(error)} (champ {error.context.get('field', '?')})"
            return self._refuse(job, text, "906", "applicationErrorCondition", wants_zam)
        except (ServerRefusal, SoapFault, TransportError) as error:
            if sent is not None and announces_duplicate(error):
                return self._already_there(job, sent, first_error(error).code, wants_zam)
            return self._failed(job, error, wants_zam)
        except ClockError as error:
            # it mends itself when the clock is set: nobody has to release every letter by hand
            return Retry(f"Envoi impossible : {error}", code="clock", unreachable=None)
        except ConnectorError as error:
            # signing refused, certificate or clock: nothing has left
            return Hold(f"Envoi impossible : {in_french(error)}", "configuration", unreachable=None)
        return Done("Document accepté par le DMP", then=self._zam(job, wants_zam, success=True))

    def _settle(self, job: Job, sent: Sent, wants_zam: bool) -> Outcome | None:
        """After an unknown outcome: None means "absent, and the server can no longer be working on it"."""
        verdict = self._settlement.verdict(job, sent)
        if verdict == "present":
            job.note("vérifié", "Le registre a déjà le document : rien n'est renvoyé")
            return Done("Document présent dans le DMP (vérifié)", then=self._zam(job, wants_zam, success=True))
        if verdict == "absent":
            job.note("vérifié", "Absent du registre : le même document est renvoyé avec les mêmes identifiants")
            return None
        return verdict

    def _already_there(self, job: Job, sent: Sent, code: str, wants_zam: bool) -> Outcome:
        """The DMP says it has it already: believed only when the registry gives a reference to the document."""
        self._settlement.answered(job)
        verdict = self._settlement.ask(sent)
        if verdict == "present":
            return Done("Document déjà présent dans le DMP (vérifié)", then=self._zam(job, wants_zam, success=True))
        if verdict == "absent":
            text = f"Doublon annoncé par le DMP ({code}) mais document introuvable"
            return Hold(text, f"unknown.{code}")
        return replace(verdict, reason=f"doublon annoncé par le DMP ({code}) : {verdict.reason}")

    def _gate_stop(self, job: Job, read: ReadRequest, wants_zam: bool) -> Outcome | None:
        facts = _facts(Snapshot(self._journal), job.patient_id, job.stay)
        answer: GateAnswer = self._gate.ask(job, read.request)
        if answer.kind == "pass":
            return None
        if answer.kind == "hold":
            return Hold(answer.text, answer.code, then=_ask_again_if_changed(job, facts))
        if answer.kind == "retry":
            return answer.retry()
        return self._refuse(job, answer.text, answer.code, "applicationErrorCondition", wants_zam)

    def _prepare(self, job: Job, read: ReadRequest) -> Feed:
        """The feed with identifiers fixed once for all attempts, durable before the first byte leaves."""
        payload = job.payload
        if "set_id" not in payload:
            ids = {name: oid_from_uuid(self._uuid()) for name in ("set_id", "signature_id")}
            ids["submission_time"] = self._clock().isoformat()
        else:
            ids = {name: payload[name] for name in ("set_id", "signature_id", "submission_time")}
        feed_ids = FeedIds(ids["set_id"], ids["signature_id"], datetime.fromisoformat(ids["submission_time"]))
        index = payload["index"]
        feed = Feed.from_request(read.request, index, read.headers[index], feed_ids)
        job.sending({**ids, BUSY_UNTIL: ""})
        return feed

    def _failed(self, job: Job, error: ConnectorError, wants_zam: bool) -> Outcome:
        outcome = failure(error, effect=job.sent)
        match outcome:
            case Refuse(reason):
                server = first_error(error)
                return self._refuse(job, reason, server.code, "DMP_ERROR_CODE", wants_zam, label=server.text)
            case Unknown():
                self._settlement.lost(job)
            case Retry() | Hold() if job.sent and leaves_doubt(error):
                self._settlement.answered(job)
        return outcome

    def _refuse(self, job: Job, text: str, code: str, table: str, wants_zam: bool, label: str = "") -> Outcome:
        zam = self._zam(job, wants_zam, success=False, code=code, label=label or text, table=table)
        return Refuse(text, code, then=zam)

    def _zam(
        self, job: Job, wanted: bool, *, success: bool, code: str = "", label: str = "", table: str = ""
    ) -> Callable[[Tx], None] | None:
        if not wanted:
            return None
        control_id = self._uuid().hex[:20]
        event_time = self._clock().isoformat()

        def enqueue(tx: Tx) -> None:
            # one Z01 per request: the last of its documents sends it, negative if any failed
            others = tx.execute(
                "SELECT state FROM delivery WHERE message_id = ? AND kind = ? AND id <> ?",
                (job.message_id, PUBLICATION, job.delivery_id),
            ).fetchall()
            if any(row["state"] not in ("done", "refused", "dead") for row in others):
                return
            all_done = success and all(row["state"] == "done" for row in others)
            tx.deliver(
                ZAM,
                job.patient_id,
                {
                    "success": all_done,
                    "code": code,
                    "label": label,
                    "table": table,
                    "control_id": control_id,
                    "event_time": event_time,
                    "sender": job.payload["sender"],
                },
                message_id=job.message_id,
                stay=job.stay,
                document_id=job.document_id,
                lane=ZAM,  # a sender that is down never delays the patient's next document
                destination=zam_destination(job.payload["sender"]),
            )

        return enqueue


def _facts(sql: Sql, patient_id: int, stay: str) -> tuple[PatientView, StayView | None]:
    """What the hospital says that the gate rests on; the identity server's answers are the gate's own writing."""
    return replace(load_patient(sql, patient_id), crossref="", crossref_reason=""), load_stay(sql, stay)


def _ask_again_if_changed(job: Job, facts: tuple[PatientView, StayView | None]) -> Callable[[Tx], None]:
    """An ADT routed while the gate was asked released what was held then, not this one: back to the gate."""

    def ask_again(tx: Tx) -> None:
        delivery = tx.delivery(job.delivery_id)
        if _facts(tx, delivery.patient_id, job.stay) != facts:
            tx.move(delivery, "release", reason="l'identité ou le consentement a changé entre-temps", reason_code="")

    return ask_again
