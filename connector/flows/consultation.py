"""The DMP read at admission: does it exist, then authorised, listed, retrieved, each stop said with its reason.

Documents are read only when all three hold: `consultation.trigger = on-admission`, ZFA-11 = IC for this stay, a live
session of a named professional (dmp-interface a.8, b.9, d.1). TD0.2 and TD0.3 exist in the DMP only: an IHE domain is
listed and read without them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from connector.base.clock import Clock
from connector.base.errors import ConnectorError, ServerRefusal, SoapFault, TransportError
from connector.dmp.client import Existence, PartialRetrieval, Retrieved, StatusAnswer
from connector.flows.callers import structure_caller
from connector.flows.config import CallerConfig, ConsultationConfig
from connector.flows.french import in_french
from connector.flows.outcomes import failure
from connector.flows.snapshot import Snapshot
from connector.ins.model import MatriculeIns
from connector.journal import Done, Hold, Job, Journal, JournalError, Outcome, Retry
from connector.journal.lifecycle import LifecycleError
from connector.patients.state import load_patient, load_stay
from connector.trust.errors import ClockError, SessionError
from connector.trust.psc import ProfessionalSession
from connector.trust.vihf import Caller
from connector.xds.model import DocumentEntry, QueryAnswer


class DmpReader(Protocol):
    def test_existence(self, ins: MatriculeIns, caller: Caller) -> Existence: ...
    def add_authorization(self, ins: MatriculeIns, caller: Caller) -> StatusAnswer: ...
    def find_documents(
        self, ins: MatriculeIns, caller: Caller, *, since: datetime | None, type_codes: Sequence[str] = ()
    ) -> QueryAnswer: ...
    def retrieve(
        self, ins: MatriculeIns, caller: Caller, entries: Sequence[DocumentEntry], folder: Path
    ) -> list[Retrieved]: ...


SessionSource = Callable[[], ProfessionalSession | None]


@dataclass(frozen=True, slots=True)
class ConsultationSettings:
    """`structure` speaks for the software (TD0.2), `session_structure` for the professional.

    `records` says that patients open and close a record here, and authorise its readers: the DMP, no IHE domain.
    """

    consultation: ConsultationConfig
    caller: CallerConfig
    structure: str
    session_structure: str
    records: bool = True


class ConsultationFlow:
    """Handler of the 'consultation' deliveries; every step is idempotent, so a retry starts over safely."""

    def __init__(
        self, journal: Journal, dmp: DmpReader, settings: ConsultationSettings, *, sessions: SessionSource, clock: Clock
    ) -> None:
        self._journal = journal
        self._dmp = dmp
        self._settings = settings
        self._sessions = sessions
        self._clock = clock

    def __call__(self, job: Job) -> Outcome:
        patient = load_patient(Snapshot(self._journal), job.patient_id)
        if patient.ins is None or not patient.qualified or patient.crossref == "differs":
            return Done("Arrêt : l'identité n'est plus confirmée", unreachable=None)
        try:
            return self._exists(job, patient.ins) if self._settings.records else self._allowed(job, patient.ins)
        except (ServerRefusal, SoapFault, TransportError) as error:
            return failure(error)
        except ClockError as error:
            return Retry(f"Interrogation impossible : {error}", code="clock", unreachable=None)
        except (LifecycleError, JournalError):
            # superseded, or the store is away or full: nothing a person could mend here
            raise
        except ConnectorError as error:
            return Hold(f"Arrêt : {in_french(error)}", "configuration", unreachable=None)

    def _exists(self, job: Job, ins: MatriculeIns) -> Outcome:
        settings = self._settings
        caller = structure_caller(settings.caller, settings.structure, authn_instant=self._clock())
        existence = self._dmp.test_existence(ins, caller)
        job.note("TD0.2", f"DMP {_FRENCH[existence.status]}, autorisation {existence.authorization or 'inconnue'}")
        if existence.status != "ACTIVE":
            return Done(f"Arrêt : DMP {_FRENCH[existence.status]}")
        return self._allowed(job, ins)

    def _allowed(self, job: Job, ins: MatriculeIns) -> Outcome:
        if self._settings.consultation.trigger != "on-admission":
            return Done("Arrêt : consultation non déclenchée à l'admission (consultation.trigger = off)")
        stay = load_stay(Snapshot(self._journal), job.payload.get("stay", ""))
        consent = stay.consultation if stay else ""
        if consent != "IC":
            return Done(
                f"Arrêt : consultation non autorisée par le patient pour ce séjour (ZFA-11 = {consent or 'absent'})"
            )
        now = self._clock()
        session = self._sessions()
        if session is None or session.expires_at <= now:
            return Done("Arrêt : aucune session Pro Santé Connect en cours d'un professionnel nommé")
        try:
            caller = session.caller(now=now, structure_id=self._settings.session_structure)
        except SessionError as error:
            return Done(f"Arrêt : {error}")
        if self._settings.records and (stop := self._authorise(job, ins, caller)):
            return stop
        return self._read(job, ins, caller, now)

    def _authorise(self, job: Job, ins: MatriculeIns, caller: Caller) -> Done | None:
        """The professional's authorisation, added where it lacks; why nothing may be read, if the patient says so."""
        existence = self._dmp.test_existence(ins, caller)
        if existence.authorization == "INTERDIT":
            return Done("Arrêt : le patient a bloqué ce professionnel (autorisation INTERDIT)")
        if existence.authorization in ("NON_EXISTE", "EXPIRE"):
            job.confirm()
            answer = self._dmp.add_authorization(ins, caller)
            job.note("TD0.3", f"Autorisation ajoutée ({answer.status}) ; elle était {existence.authorization}")
        return None

    def _read(self, job: Job, ins: MatriculeIns, caller: Caller, now: datetime) -> Outcome:
        config = self._settings.consultation
        since = now - timedelta(days=365 * config.years)
        listed = self._dmp.find_documents(ins, caller, since=since)
        job.note("TD3.1", f"{len(listed.entries)} document(s) {_PLACE[self._settings.records]} sur {config.years} ans")
        wanted = [e for e in listed.entries if e.type_code is not None and e.type_code.code in config.type_codes]
        if not wanted:
            return Done("Consultation terminée : aucun document à rapatrier selon consultation.type_codes")
        target = config.output_folder / f"consultation-{job.delivery_id}"
        target.mkdir(parents=True, exist_ok=True)
        try:
            documents = self._dmp.retrieve(ins, caller, wanted, target)
        except PartialRetrieval as partial:
            # what did arrive is delivered; the rest is said, with the server's own words
            for document in partial.retrieved:
                _write_sidecar(document, job, now)
            text = f"{len(partial.retrieved)} document(s) rapatrié(s), {len(partial.missing)} refusé(s)"
            job.note("TD3.2", text, errors=[[e.code, e.text] for e in partial.errors])
            return Done(f"Consultation terminée : {text} ({partial.code})")
        for document in documents:
            _write_sidecar(document, job, now)
        job.note("TD3.2", f"{len(documents)} document(s) rapatrié(s)", folder=target.name)
        return Done(f"Consultation terminée : {len(documents)} document(s) rapatrié(s)")


def _write_sidecar(document: Retrieved, job: Job, now: datetime) -> None:
    """JSON beside the file: what the document is, for the hospital's own import."""
    entry = document.entry
    facts = {
        "uniqueId": entry.unique_id,
        "title": entry.title,
        "typeCode": entry.type_code.code if entry.type_code else "",
        "typeDisplay": entry.type_code.display if entry.type_code else "",
        "classCode": entry.class_code.code if entry.class_code else "",
        "formatCode": entry.format_code.code if entry.format_code else "",
        "mimeType": document.media_type,
        "creationTimeUtc": entry.creation_time,
        "serviceStartTimeUtc": entry.service_start,
        "authors": [a.person for a in entry.authors],
        "sha1": document.sha1,
        "size": document.size,
        "file": document.path.name,
        "stay": job.payload.get("stay", ""),
        "retrievedAtUtc": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    sidecar = document.path.with_suffix(document.path.suffix + ".json")
    partial = sidecar.with_suffix(".partial")
    partial.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, sidecar)


_PLACE = {True: "dans le DMP", False: "dans le registre"}
_FRENCH = {"ACTIVE": "actif", "CLOSED": "fermé", "ABSENT": "inexistant"}
