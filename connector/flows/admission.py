"""An admission: is the identity the one the identity server knows? Then, and only then, the DMP is read.

The reading is a delivery of its own, in a lane of its own: a DMP that hangs delays no identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connector.flows.config import IdentityConfig
from connector.flows.destinations import DMP_READ
from connector.flows.identity import CrossReference, PixClient, cross_reference
from connector.flows.routing_codes import CONSULTATION, INS_DIFFERS, NO_CROSS_REFERENCE, PUBLICATION
from connector.flows.snapshot import Snapshot
from connector.journal import Done, Hold, Job, Journal, Outcome, Retry, Tx
from connector.patients.state import PatientView, load_patient, remember_crossref
from connector.pix.model import Domain

ASKS_DMP = frozenset({"A01", "A04"})


class AdmissionFlow:
    """Handler of the 'admission' deliveries."""

    def __init__(
        self, journal: Journal, pix: PixClient | None, *, identity: IdentityConfig, wanted: Sequence[Domain]
    ) -> None:
        self._journal = journal
        self._pix = pix
        self._identity = identity
        self._wanted = tuple(wanted)

    def __call__(self, job: Job) -> Outcome:
        patient = load_patient(Snapshot(self._journal), job.patient_id)
        if patient.ipp is None and patient.ins is None:
            return Done("Aucun identifiant exploitable : rien à demander", unreachable=None)
        crossref = cross_reference(self._pix, patient.ipp, patient.ins, self._wanted)
        job.note("identité", crossref.text)

        def remember(tx: Tx) -> None:
            remember_crossref(tx, job.patient_id, crossref.outcome, crossref.text)
            if crossref.outcome in ("confirmed", "skipped"):
                tx.release(job.patient_id, (PUBLICATION,), (NO_CROSS_REFERENCE,))

        self._journal.transact(remember)
        outcome = self._identity_stop(patient, crossref) or _go_on(job)
        # An admission that goes on without the identity server must not open its breaker, and wait the next time.
        goes_on = not isinstance(outcome, Retry) and crossref.unreachable
        return replace(outcome, unreachable=None if goes_on else crossref.unreachable)

    def _identity_stop(self, patient: PatientView, crossref: CrossReference) -> Outcome | None:
        if patient.ins is None or not patient.qualified:
            return Done("Arrêt : INS non qualifié (" + " ; ".join(patient.reasons) + ")")
        if crossref.outcome == "differs":
            return Hold(f"Arrêt : {crossref.text}", INS_DIFFERS)
        if crossref.outcome == "absent" and self._identity.no_cross_reference == "hold":
            if crossref.transient:
                return Retry(crossref.text, code="identity.server")
            return Done(f"Arrêt : {crossref.text}")
        return None


def _go_on(job: Job) -> Outcome:
    if job.payload["event"] not in ASKS_DMP:
        return Done("Identité traitée")
    stay = job.payload.get("stay", "")

    def consult(tx: Tx) -> None:
        tx.deliver(
            CONSULTATION,
            job.patient_id,
            {"stay": stay},
            message_id=job.message_id,
            stay=job.stay,
            lane=CONSULTATION,  # neither waits for a publication nor makes one wait
            destination=DMP_READ,
        )

    return Done("Identité traitée, le DMP sera interrogé", then=consult)
