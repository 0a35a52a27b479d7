"""A document to the DMP: refusals, waits, identifiers made durable, ITI-41 or ITI-57, then the acknowledgement.

Unknown outcome: before any resend the registry is asked by uniqueId (TD3.1b, `settlement`); nothing is ever twice in
a patient's record (design rule 7). After a submission that went well nothing is asked: the entryUUID is looked up by
whoever needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from connector.base.clock import Clock, UuidFactory
from connector.base.errors import ConnectorError, ServerRefusal, SoapFault, TransportError
from connector.base.oid import oid_from_uuid
from connector.cda.model import full_id
from connector.dmp.client import UpdateIds
from connector.dmp.errors import DmpMetadataError
from connector.dmp.facts import facts_of
from connector.dmp.feed import Feed, FeedIds
from connector.dmp.refusals import explain
from connector.flows.acknowledgement import APPLICATION, DMP_CODES, Verdict
from connector.flows.asked import Asked, DmpFeeder
from connector.flows.config import IntakeConfig, PublicationConfig
from connector.flows.document_check import read_request
from connector.flows.ending import Ending
from connector.flows.feeders import Feeders, UnknownFeeder
from connector.flows.french import in_french
from connector.flows.gate import Gate, ask_again_if_changed, facts_of_patient
from connector.flows.outcomes import announces_duplicate, describe, failure, first_error, leaves_doubt
from connector.flows.predecessor import Predecessors, withdraw_waiting
from connector.flows.record import ASKED_AGAIN, DmpRecord, No, NoRecord, said_no
from connector.flows.refusals import Refusal, Refusals, refusal_of
from connector.flows.settlement import BUSY_UNTIL, Sent, Settlement
from connector.flows.snapshot import Snapshot
from connector.journal import Hold, Job, Journal, JournalError, Outcome, Refuse, Retry, Tx, Unknown
from connector.journal.lifecycle import LifecycleError
from connector.kit.pool import GateUnavailable
from connector.patients.state import remember_dmp
from connector.trust.errors import ClockError

_DELETED_BEFORE: Final = "Le registre dit le document supprimé : rien n'est redemandé (vérifié)"


@dataclass(frozen=True, slots=True)
class PublicationSettings:
    publication: PublicationConfig
    intake: IntakeConfig


class PublicationFlow:
    """Handler of the 'publication' deliveries: a new document, a replacement or a deletion."""

    def __init__(
        self,
        journal: Journal,
        feeders: Feeders[DmpFeeder],
        gate: Gate,
        refusals: Refusals,
        settings: PublicationSettings,
        *,
        clock: Clock,
        uuid_factory: UuidFactory,
        today: Callable[[], date],
    ) -> None:
        self._journal = journal
        self._feeders = feeders
        self._gate = gate
        self._refusals = refusals
        self._settings = settings
        self._clock = clock
        self._uuid = uuid_factory
        self._today = today
        self._grace = timedelta(seconds=settings.publication.unknown_grace)
        self._record = DmpRecord(journal, clock)
        self._predecessors = Predecessors(journal)
        self._ending = Ending(clock, uuid_factory)

    def __call__(self, job: Job) -> Outcome:
        outcome = self._publish(job)
        # What stops before the sending has not asked the DMP; a doubt always does.
        return outcome if job.sent or job.resumed else replace(outcome, unreachable=None)

    def _publish(self, job: Job) -> Outcome:
        try:
            asked = self._asked(job)
            if isinstance(asked, Refuse | Hold):
                return asked
            return self._act(asked)
        except (LifecycleError, JournalError):
            # superseded, or the store is away or full: nothing a person could mend in this letter
            raise
        except ClockError as error:
            # it mends itself when the clock is set: nobody has to release every letter by hand
            return Retry(f"Envoi impossible : {error}", code="clock", unreachable=None)
        except GateUnavailable:
            # no worker to judge the document: nothing is wrong with it
            return Retry("Contrôle du CDA indisponible pour l'instant", code="gate.unavailable", unreachable=None)
        except ConnectorError as error:
            # signing refused, certificate or clock: nothing has left
            return Hold(f"Envoi impossible : {in_french(error)}", "configuration", unreachable=None)

    def _asked(self, job: Job) -> Asked | Refuse | Hold:
        """What the delivery asks, by whom; without an INS there is nobody to ask for."""
        read = read_request(job.raw(), self._settings.intake, today=self._today())
        request, index = read.request, job.payload["index"]
        header = read.headers[index]
        ins = request.qualification.ins
        if ins is None:
            text = "Le document n'a pas d'INS : à réémettre par le créateur"
            return self._ending.refuse(job, request, Verdict(False, "903", text, APPLICATION), text)
        try:
            feeder = self._feeders.choose(request, header)
            caller = feeder.caller(request, header, self._clock())
        except UnknownFeeder as error:
            return Hold(f"Envoi impossible : {error.message}", "configuration.feeder")
        if remark := feeder.remark(request, header):
            job.note("rôle", remark)
        others = (other.replaced_id for other in read.headers if other is not header)
        replaced = tuple(full_id(one) for one in others if one is not None and request.action == "replace")
        return Asked(job, request, header, request.documents[index].content, ins, feeder, caller, replaced)

    def _act(self, asked: Asked) -> Outcome:
        job = asked.job
        try:
            if job.resumed and not asked.deletes:
                settled = self._settle(asked)
                if settled is not None:
                    return settled
            refusal = self._refusals.first(asked)
            if refusal is not None:
                return self._refused(asked, refusal)
            stop = self._wait(asked)
            if stop is not None:
                return stop
            return self._withdraw(asked) if asked.deletes else self._feed(asked)
        except DmpMetadataError as error:
            refused = refusal_of(error.findings)
            assert refused is not None
            return self._refused(asked, refused)
        except (ServerRefusal, SoapFault, TransportError) as error:
            if not asked.deletes and announces_duplicate(error):
                return self._already_there(asked, first_error(error).code)
            return self._failed(asked, error)

    # -- before ----------------------------------------------------------------------------------------------

    def _wait(self, asked: Asked) -> Outcome | None:
        facts = facts_of_patient(Snapshot(self._journal), asked.job.patient_id, asked.job.stay)
        answer = self._gate.ask(asked.job, asked.request, asked.ins)
        match answer.kind:
            case "hold":
                return Hold(answer.text, answer.code, then=ask_again_if_changed(asked.job, facts))
            case "retry":
                return answer.retry()
        missing = self._record.missing(asked)
        if missing is None:
            return None
        return replace(missing.hold(), then=self._ending.tell_once(asked, missing.verdict()))

    def _settle(self, asked: Asked) -> Outcome | None:
        """After an unknown outcome: None means "absent, and the server can no longer be working on it"."""
        job = asked.job
        verdict = self._settlement(asked).verdict(job, _sent(asked))
        if verdict == "present":
            job.note("vérifié", "Le registre a déjà le document : rien n'est renvoyé")
            return self._ending.published(asked, "Document présent dans le DMP (vérifié)")
        if verdict == "absent":
            job.note("vérifié", "Absent du registre : le même document est renvoyé avec les mêmes identifiants")
            return None
        return verdict

    # -- the acts --------------------------------------------------------------------------------------------

    def _feed(self, asked: Asked) -> Outcome:
        replaces = ""
        if asked.replaces:
            found = self._predecessors.of_replacement(asked)
            if isinstance(found, Hold):
                return found
            replaces = found
        job, index = asked.job, asked.payload["index"]
        ids = self._identifiers(job, ("set_id", "signature_id"))
        feed_ids = FeedIds(ids["set_id"], ids["signature_id"], datetime.fromisoformat(ids["submission_time"]))
        feed = Feed.from_request(asked.request, index, asked.header, feed_ids, replaces=replaces)
        if asked.rehearsal:
            asked.feeder.dmp.rehearse(asked.ins, asked.caller, feed)
            return self._ending.rehearsed(asked)
        job.sending({**ids, BUSY_UNTIL: ""})
        asked.feeder.dmp.submit(asked.ins, asked.caller, feed)
        text = "Document accepté par le DMP, qui remplace le précédent" if replaces else "Document accepté par le DMP"
        return self._ending.published(asked, text)

    def _withdraw(self, asked: Asked) -> Outcome:
        job = asked.job
        withdrawn = False
        if not asked.rehearsal:
            withdrawal = self._journal.transact(lambda tx: withdraw_waiting(tx, asked))
            if withdrawal.comes_first:
                return Retry("L'envoi du document vient d'être relancé : il passe avant sa suppression")
            withdrawn = withdrawal.withdrawn
        found = self._predecessors.of_deletion(asked)
        if isinstance(found, Hold):
            if withdrawn and found.reason_code != "unknown.found-twice":
                return self._ending.deleted(asked, "Document jamais envoyé : son envoi est annulé, rien à supprimer")
            if job.resumed and found.reason_code != "unknown.found-twice":
                return self._ending.deleted(asked, "Document absent du registre : supprimé (vérifié)")
            return found
        if asked.rehearsal:
            return self._ending.rehearsed(asked)
        if job.resumed and self._predecessors.is_deleted(asked, found):
            return self._ending.deleted(asked, _DELETED_BEFORE)
        ids = self._identifiers(job, ("set_id",))
        job.sending(ids)
        update = UpdateIds(ids["set_id"], datetime.fromisoformat(ids["submission_time"]))
        asked.feeder.dmp.delete(
            asked.ins, asked.caller, found, update, facts=facts_of(asked.request), unique_id=asked.unique_id
        )
        return self._ending.deleted(asked, "Document supprimé du DMP")

    def _identifiers(self, job: Job, names: tuple[str, ...]) -> dict[str, str]:
        """OIDs and time fixed once for all attempts, durable before the first byte leaves."""
        if "submission_time" in job.payload:
            return {name: job.payload[name] for name in (*names, "submission_time")}
        ids = {name: oid_from_uuid(self._uuid()) for name in names}
        return ids | {"submission_time": self._clock().isoformat()}

    # -- after -----------------------------------------------------------------------------------------------

    def _already_there(self, asked: Asked, code: str) -> Outcome:
        """The DMP says it has it already: believed only when the registry gives a reference to the document."""
        settlement = self._settlement(asked)
        settlement.answered(asked.job)
        verdict = settlement.ask(_sent(asked))
        if verdict == "present":
            return self._ending.published(asked, "Document déjà présent dans le DMP (vérifié)")
        if verdict == "absent":
            text = f"Doublon annoncé par le DMP ({code}) mais document introuvable"
            return Hold(text, f"unknown.{code}")
        return replace(verdict, reason=f"doublon annoncé par le DMP ({code}) : {verdict.reason}")

    def _failed(self, asked: Asked, error: ConnectorError) -> Outcome:
        job = asked.job
        no = said_no(error) if isinstance(error, ServerRefusal) else None
        if no is not None:
            return self._no_record(asked, error, *no)
        outcome = failure(error, effect=job.sent)
        server = first_error(error)
        match outcome:
            case Refuse() | Hold() if asked.deletes and job.resumed:
                return self._refused_again(asked, outcome, server.code)
            case Refuse(reason):
                verdict = Verdict(False, server.code, server.text or reason, DMP_CODES)
                return self._ending.refuse(job, asked.request, verdict, reason)
            case Unknown():
                self._settlement(asked).lost(job)
            case Retry() | Hold() if job.sent and leaves_doubt(error):
                self._settlement(asked).answered(job)
        return outcome

    def _refused_again(self, asked: Asked, outcome: Refuse | Hold, code: str) -> Outcome:
        """The first request may have been obeyed: then this refusal is its consequence, and the registry knows."""
        # Whoever replays it later asks first as well.
        self._settlement(asked).answered(asked.job)
        try:
            if self._predecessors.is_deleted(asked):
                return self._ending.deleted(asked, _DELETED_BEFORE)
        except TransportError as error:
            return Unknown(f"vérification impossible pour l'instant ({in_french(error)})", unreachable=True)
        if isinstance(outcome, Hold):
            return outcome
        return Hold(f"Suppression peut-être déjà faite, à vérifier : {outcome.reason}", f"unknown.{code}")

    def _no_record(self, asked: Asked, error: ConnectorError, state: No, code: str) -> Outcome:
        """DMP closed or absent: the sender hears the DMP's own word once, the document waits for the record."""
        server, now = first_error(error), self._clock()
        tell = self._ending.tell_once(asked, Verdict(False, code, server.text, DMP_CODES))

        def remember(tx: Tx) -> None:
            remember_dmp(tx, asked.job.patient_id, state, code, now)
            tell(tx)

        reason = f"{describe(explain(server), server)} ; {ASKED_AGAIN}"
        return replace(NoRecord(state, code).hold(), reason=reason, then=remember)

    def _refused(self, asked: Asked, refusal: Refusal) -> Outcome:
        if refusal.findings:
            findings = [finding.as_dict() for finding in refusal.findings]
            asked.job.note("règles", f"{len(findings)} règle(s) non respectée(s)", findings=findings[:20])
        verdict = Verdict(False, refusal.code, refusal.text, APPLICATION)
        return self._ending.refuse(asked.job, asked.request, verdict, refusal.text)

    def _settlement(self, asked: Asked) -> Settlement:
        return Settlement(asked.feeder.dmp, self._grace, self._clock)


def _sent(asked: Asked) -> Sent:
    return Sent(asked.ins, asked.caller, asked.unique_id, asked.content)
