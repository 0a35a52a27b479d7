"""The consultation of a DMP at admission: authorised, listed, retrieved, each stop said with its reason.

It runs only when all three hold: `consultation.trigger = on-admission`, ZFA-11 = IC for this stay, a live session
of a named professional (dmp-interface a.8, b.9, d.1).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from connector.base.clock import Clock
from connector.dmp.client import Existence, PartialRetrieval, Retrieved, StatusAnswer
from connector.flows.config import ConsultationConfig
from connector.ins.model import MatriculeIns
from connector.journal import Done, Job, Outcome
from connector.patients.state import StayView
from connector.trust.errors import SessionError
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


class Consultation:
    """Runs inside an admission delivery; every step is idempotent, so a retry starts over safely."""

    def __init__(
        self,
        dmp: DmpReader,
        config: ConsultationConfig,
        *,
        sessions: SessionSource,
        structure: str,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._dmp = dmp
        self._config = config
        self._sessions = sessions
        self._structure = structure
        self._folder = folder
        self._clock = clock

    def run(self, job: Job, ins: MatriculeIns, stay: StayView | None) -> Outcome:
        """Raises the client's errors (ServerRefusal, SoapFault, TransportError); the caller classifies them."""
        if self._config.trigger != "on-admission":
            return Done("Arrêt : consultation non déclenchée à l'admission (consultation.trigger = off)")
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
            caller = session.caller(now=now, structure_id=self._structure)
        except SessionError as error:
            return Done(f"Arrêt : {error}")
        existence = self._dmp.test_existence(ins, caller)
        if existence.authorization == "INTERDIT":
            return Done("Arrêt : le patient a bloqué ce professionnel (autorisation INTERDIT)")
        if existence.authorization in ("NON_EXISTE", "EXPIRE"):
            answer = self._dmp.add_authorization(ins, caller)
            job.note("TD0.3", f"Autorisation ajoutée ({answer.status}) ; elle était {existence.authorization}")
        since = now - timedelta(days=365 * self._config.years)
        listed = self._dmp.find_documents(ins, caller, since=since)
        job.note("TD3.1", f"{len(listed.entries)} document(s) dans le DMP sur {self._config.years} ans")
        wanted = [e for e in listed.entries if e.type_code is not None and e.type_code.code in self._config.type_codes]
        if not wanted:
            return Done("Consultation terminée : aucun document à rapatrier selon consultation.type_codes")
        target = self._folder / f"admission-{job.delivery_id}"
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
