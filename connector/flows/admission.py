"""An admission: identity, then does the DMP exist, then (only if all conditions hold) the consultation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from connector.base.clock import Clock
from connector.base.errors import ConnectorError, ServerRefusal, SoapFault, TransportError
from connector.dmp.client import Existence
from connector.flows.callers import structure_caller
from connector.flows.config import CallerConfig, IdentityConfig
from connector.flows.consultation import Consultation
from connector.flows.french import in_french
from connector.flows.identity import CrossReference, PixClient, cross_reference
from connector.flows.outcomes import failure
from connector.flows.routing import INS_DIFFERS, NO_CROSS_REFERENCE, PUBLICATION
from connector.flows.snapshot import Snapshot
from connector.ins.model import MatriculeIns
from connector.journal import Done, Hold, Job, Journal, Outcome, Retry, Tx
from connector.patients.state import PatientView, load_patient, load_stay, remember_crossref
from connector.pix.model import Domain
from connector.trust.errors import ClockError
from connector.trust.vihf import Caller

ASKS_DMP = frozenset({"A01", "A04"})


class ExistenceTester(Protocol):
    def test_existence(self, ins: MatriculeIns, caller: Caller) -> Existence: ...


class AdmissionFlow:
    """Handler of the 'admission' deliveries."""

    def __init__(
        self,
        journal: Journal,
        dmp: ExistenceTester | None,
        pix: PixClient | None,
        *,
        structure: str,
        caller: CallerConfig,
        identity: IdentityConfig,
        wanted: Sequence[Domain],
        consultation: Consultation | None,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._dmp = dmp
        self._pix = pix
        self._structure = structure
        self._caller = caller
        self._identity = identity
        self._wanted = tuple(wanted)
        self._consultation = consultation
        self._clock = clock

    def __call__(self, job: Job) -> Outcome:
        patient = load_patient(Snapshot(self._journal), job.patient_id)
        if patient.ipp is None and patient.ins is None:
            return Done("Aucun identifiant exploitable : rien à demander")
        crossref = cross_reference(self._pix, patient.ipp, patient.ins, self._wanted)
        job.note("identité", crossref.text)

        def remember(tx: Tx) -> None:
            remember_crossref(tx, job.patient_id, crossref.outcome, crossref.text)
            if crossref.outcome in ("confirmed", "skipped"):
                tx.release(job.patient_id, (PUBLICATION,), (NO_CROSS_REFERENCE,))

        stop = self._identity_stop(patient, crossref)
        if stop is not None:
            return replace(stop, then=remember)
        if job.payload["event"] not in ASKS_DMP or self._dmp is None:
            return Done("Identité traitée", then=remember)
        assert patient.ins is not None
        # What waited for this identity need not wait for the DMP's answer too.
        self._journal.post(remember)
        return self._ask_dmp(job, patient.ins)

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

    def _ask_dmp(self, job: Job, ins: MatriculeIns) -> Outcome:
        assert self._dmp is not None
        caller = structure_caller(self._caller, self._structure, authn_instant=self._clock())
        try:
            existence = self._dmp.test_existence(ins, caller)
            job.note("TD0.2", f"DMP {_FRENCH[existence.status]}, autorisation {existence.authorization or 'inconnue'}")
            if existence.status != "ACTIVE":
                return Done(f"Arrêt : DMP {_FRENCH[existence.status]}")
            stay = job.payload.get("stay", "")
            view = load_stay(Snapshot(self._journal), stay)
            if self._consultation is None:
                return Done("Arrêt : consultation non déclenchée à l'admission (consultation.trigger = off)")
            return self._consultation.run(job, ins, view)
        except (ServerRefusal, SoapFault, TransportError) as error:
            return failure(error)
        except ClockError as error:
            return Retry(f"Interrogation impossible : {error}", code="clock")
        except ConnectorError as error:
            return Hold(f"Arrêt : {in_french(error)}", "configuration")


_FRENCH = {"ACTIVE": "actif", "CLOSED": "fermé", "ABSENT": "inexistant"}
