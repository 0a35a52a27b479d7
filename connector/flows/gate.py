"""The gate before a publication: who may not be fed yet (hl7v2-interface §2.5, §2.6).

What is refused for good is refused before (`refusals`). Some of these waits end by themselves, the others only when a
person says so. A deletion asks for a sure identity and nothing else: it takes away what a patient may not want there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from connector.flows.config import IdentityConfig, PublicationConfig
from connector.flows.destinations import IDENTITY
from connector.flows.identity import CrossReference, PixClient, cross_reference
from connector.flows.routing_codes import (
    BLOCKED,
    CANCELLED_STAY,
    CONSENT_UNKNOWN,
    FEEDING_OFF,
    INS_DIFFERS,
    NO_CROSS_REFERENCE,
    NOT_QUALIFIED,
)
from connector.flows.snapshot import Snapshot
from connector.hl7.model import DocumentRequest, Identifier
from connector.ins.model import MatriculeIns
from connector.journal import Job, Journal, Retry, Tx
from connector.journal.engine.destinations import Destinations
from connector.patients.state import PatientView, Sql, StayView, load_patient, load_stay, remember_crossref
from connector.pix.model import Domain


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """'pass', 'hold' (a wait, with its worklist code) or 'retry' (server down)."""

    kind: Literal["pass", "hold", "retry"]
    text: str = ""
    code: str = ""

    def retry(self) -> Retry:
        return Retry(self.text, code=self.code)


PASS = GateAnswer("pass")


class Gate:
    """Asked at each attempt, so that an opposition received while the document waits is obeyed."""

    def __init__(
        self,
        journal: Journal,
        pix: PixClient | None,
        publication: PublicationConfig,
        identity: IdentityConfig,
        *,
        wanted: Sequence[Domain],
        destinations: Destinations,
    ) -> None:
        self._journal = journal
        self._pix = pix
        self._publication = publication
        self._identity = identity
        self._wanted = tuple(wanted)
        self._destinations = destinations

    def ask(self, job: Job, request: DocumentRequest, ins: MatriculeIns) -> GateAnswer:
        """Waits in their order; the first one met is told. `ins` is the matricule of the message."""
        view = load_patient(Snapshot(self._journal), job.patient_id)
        if view.blocked:
            return GateAnswer("hold", view.blocked, BLOCKED)
        if self._publication.mode == "off":
            return GateAnswer("hold", "Alimentation du DMP arrêtée par réglage (publication.mode = off)", FEEDING_OFF)
        if request.action == "delete":
            return self._identity_gate(job, request, view, ins) or PASS
        stay = load_stay(Snapshot(self._journal), job.stay)
        if stay is not None and stay.status == "cancelled":
            return GateAnswer("hold", "Le séjour du document a été annulé (A11 ou A38)", CANCELLED_STAY)
        return self._identity_gate(job, request, view, ins) or self._consent_gate(view) or PASS

    def _identity_gate(
        self, job: Job, request: DocumentRequest, view: PatientView, ins: MatriculeIns
    ) -> GateAnswer | None:
        if not request.qualification.qualified and not _qualified_since(view, request, ins):
            reasons = " ; ".join(request.qualification.reasons)
            return GateAnswer("hold", f"INS non qualifié dans le message : {reasons}", NOT_QUALIFIED)
        if view.known_identity and not view.qualified:
            return GateAnswer("hold", "INS non qualifié d'après la dernière identité reçue", NOT_QUALIFIED)
        if view.ins is not None and view.ins != ins:
            return GateAnswer("hold", "L'INS du document diffère de celui de l'identité du patient", INS_DIFFERS)
        return self._cross_reference_gate(job, request, view, ins)

    def _cross_reference_gate(
        self, job: Job, request: DocumentRequest, view: PatientView, ins: MatriculeIns
    ) -> GateAnswer | None:
        if view.crossref == "confirmed":
            return None
        # an IPP absent from the document is the one learned from the admission
        answer = self._ask_server(request.ipp() or view.ipp, ins)
        job.note("identité", answer.text)
        self._journal.transact(lambda tx: remember_crossref(tx, job.patient_id, answer.outcome, answer.text))
        if answer.outcome in ("confirmed", "skipped"):
            return None
        if answer.outcome == "differs":
            return GateAnswer("hold", answer.text, INS_DIFFERS)
        if self._identity.no_cross_reference == "trust-message":
            job.note("identité", "Identité du message retenue (identity.no-cross-reference = trust-message)")
            return None
        if answer.transient:
            return GateAnswer("retry", answer.text, "identity.server")
        return GateAnswer("hold", f"Identité non confirmée : {answer.text}", NO_CROSS_REFERENCE)

    def _ask_server(self, ipp: Identifier | None, ins: MatriculeIns) -> CrossReference:
        """By the breaker of the identity server, as admissions: one that hangs does not keep the DMP's workers."""
        book = self._destinations
        if book.state(IDENTITY) != "closed" and not book.room(IDENTITY):
            text = "serveur d'identités injoignable (nouvel essai en attente)"
            return CrossReference("absent", text, transient=True, unreachable=None)
        probe, unreachable = book.started(IDENTITY), None
        try:
            answer = cross_reference(self._pix, ipp, ins, self._wanted)
            # As in an admission: who may go on without the server makes nobody wait for it.
            unreachable = None if self._identity.no_cross_reference == "trust-message" else answer.unreachable
        finally:
            book.finished(IDENTITY, unreachable, probe)
        return answer

    def _consent_gate(self, view: PatientView) -> GateAnswer | None:
        if view.feeding == "INO" or self._publication.consent_unknown == "feed":
            return None
        return GateAnswer("hold", "Information et non-opposition du patient non recueillies (ZFA-9)", CONSENT_UNKNOWN)


def _qualified_since(view: PatientView, request: DocumentRequest, ins: MatriculeIns) -> bool:
    """The hospital qualified this very INS after the document was sent: an A31 releases what waited for it (§2.6)."""
    return view.qualified and view.ins == ins and view.updated >= request.header.time


Facts = tuple[PatientView, StayView | None]


def facts_of_patient(sql: Sql, patient_id: int, stay: str) -> Facts:
    """What the hospital says that the gate rests on; what servers answered is the connector's own writing."""
    view = replace(load_patient(sql, patient_id), crossref="", crossref_reason="", dmp="", dmp_code="", dmp_asked="")
    return view, load_stay(sql, stay)


def ask_again_if_changed(job: Job, facts: Facts) -> Callable[[Tx], None]:
    """An ADT routed while the gate was asked released what was held then, not this one: back to the gate."""

    def ask_again(tx: Tx) -> None:
        delivery = tx.delivery(job.delivery_id)
        if facts_of_patient(tx, delivery.patient_id, job.stay) != facts:
            tx.move(delivery, "release", reason="l'identité ou le consentement a changé entre-temps", reason_code="")

    return ask_again
