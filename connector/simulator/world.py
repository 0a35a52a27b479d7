"""The simulator's memory: one JSON file for the world, one append-only file for acceptances.

Thread-safe; every change is on disk when the call returns, so a restarted simulator remembers. The files hold test
identities only; nothing here goes to a log.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from connector.base.clock import Clock
from connector.simulator.directory import (
    Authorization,
    DmpStatus,
    Patient,
    Professional,
    Structure,
    default_patients,
    default_professionals,
    default_structures,
    patient_from_json,
)

T = TypeVar("T")

FEED = "TD2.1"


class World:
    """Patients, directory, authorisations and acceptances under `folder`; created with the default world when empty."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "world.json"
        self._accepted_file = folder / "acceptances.jsonl"
        self._clock = clock
        self._lock = threading.RLock()
        self._patients: dict[str, Patient] = {}
        self._structures: dict[str, Structure] = {}
        self._professionals: dict[str, Professional] = {}
        self._authorizations: dict[tuple[str, str], Authorization] = {}
        self._accepted: dict[str, Counter[str]] = {}
        self._load()

    # -- patients ---------------------------------------------------------------------------------------------

    def patient(self, ins: str) -> Patient | None:
        """The patient of this matricule (15 characters), whatever the state of the DMP."""
        with self._lock:
            return self._patients.get(ins)

    def patients(self) -> tuple[Patient, ...]:
        with self._lock:
            return tuple(self._patients.values())

    def patient_by_identifier(self, universal_id: str, value: str) -> Patient | None:
        """The patient holding `value` in the domain `universal_id` (also an INS OID)."""
        with self._lock:
            for patient in self._patients.values():
                if (patient.oid, patient.ins) == (universal_id, value):
                    return patient
                if any((i.universal_id, i.value) == (universal_id, value) for i in patient.identifiers):
                    return patient
        return None

    def put_patient(self, patient: Patient) -> None:
        """Adds or replaces the patient of the same matricule."""
        self._change(lambda: self._patients.__setitem__(patient.ins, patient))

    def set_dmp(self, ins: str, status: DmpStatus, *, reason: str = "FERMETURE_DEMANDE_PATIENT") -> None:
        """Opens, closes or removes a DMP. Raises KeyError for an unknown matricule."""
        closed = status == "CLOSED"
        self.change_patient(
            ins,
            dmp=status,
            closed_on=self._clock().strftime("%Y%m%d%H%M%S") if closed else "",
            closing_reason=reason if closed else "",
        )

    def block(self, ins: str, holder: str, blocked: bool = True) -> None:
        """The patient blocks (or frees) a professional or structure: INTERDIT whatever the authorisation (NB1)."""
        with self._lock:
            others = tuple(item for item in self._patients[ins].blocked if item != holder)
            self.change_patient(ins, blocked=(*others, holder) if blocked else others)

    def change_patient(self, ins: str, **fields: Any) -> None:
        """Changes fields of a known patient. Raises KeyError for an unknown matricule, TypeError for a field."""

        def change() -> None:
            self._patients[ins] = replace(self._patients[ins], **fields)

        self._change(change)

    # -- directory --------------------------------------------------------------------------------------------

    def structure(self, structure_id: str) -> Structure | None:
        with self._lock:
            return self._structures.get(structure_id)

    def put_structure(self, structure: Structure) -> None:
        self._change(lambda: self._structures.__setitem__(structure.id, structure))

    def professional(self, name_id: str) -> Professional | None:
        with self._lock:
            return self._professionals.get(name_id)

    def put_professional(self, professional: Professional) -> None:
        self._change(lambda: self._professionals.__setitem__(professional.id, professional))

    # -- authorisations ---------------------------------------------------------------------------------------

    def authorization(self, ins: str, holder: str) -> Authorization | None:
        with self._lock:
            return self._authorizations.get((ins, holder))

    def authorization_status(self, ins: str, holder: str, lifetime: timedelta) -> str:
        """`VALIDE`, `EXPIRE`, `INTERDIT` or `NON_EXISTE` (dmp-interface a.3); blocking wins over all."""
        with self._lock:
            patient = self._patients.get(ins)
            if patient is not None and holder in patient.blocked:
                return "INTERDIT"
            if patient is not None and holder in patient.doctors:
                return "VALIDE"
            known = self._authorizations.get((ins, holder))
        if known is None:
            return "NON_EXISTE"
        return "VALIDE" if self._clock() - known.granted_at <= lifetime else "EXPIRE"

    def authorize(self, ins: str, holder: str, granted_at: datetime | None = None) -> None:
        """Records an authorisation; `granted_at` (default now) lets a test write an expired one."""
        entry = Authorization(ins, holder, granted_at or self._clock())
        self._change(lambda: self._authorizations.__setitem__((ins, holder), entry))

    def revoke(self, ins: str, holder: str) -> None:
        self._change(lambda: self._authorizations.pop((ins, holder), None))

    # -- acceptances ------------------------------------------------------------------------------------------

    def record_acceptance(self, unique_id: str, operation: str = FEED) -> None:
        """One more accepted request about this document, whatever `duplicate_check` says. Durable at return.

        `operation` is the right of d.2 that it used: FEED for an ITI-41, TD3.3a to TD3.3d for an ITI-57.
        """
        line = json.dumps({"unique_id": unique_id, "operation": operation, "at": self._clock().isoformat()})
        with self._lock, self._accepted_file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
            self._count(unique_id, operation)

    def acceptances(self) -> dict[str, int]:
        """How many ITI-41 carried each document uniqueId: the proof that nothing is twice in a record."""
        with self._lock:
            return {key: found[FEED] for key, found in self._accepted.items() if found[FEED]}

    def accepted(self, unique_id: str) -> int:
        """How many ITI-41 carried this document."""
        with self._lock:
            return self._accepted.get(unique_id, Counter())[FEED]

    def operations(self, unique_id: str) -> dict[str, int]:
        """How many ITI-57 were accepted on this document, by right (TD3.3a to TD3.3d)."""
        with self._lock:
            found = self._accepted.get(unique_id, Counter())
            return {operation: count for operation, count in sorted(found.items()) if operation != FEED}

    def _count(self, unique_id: str, operation: str) -> None:
        self._accepted.setdefault(unique_id, Counter())[operation] += 1

    # -- file -------------------------------------------------------------------------------------------------

    def _change(self, change: Callable[[], T]) -> T:
        with self._lock:
            result = change()
            self._save()
            return result

    def _save(self) -> None:
        data = {
            "patients": [asdict(p) for p in self._patients.values()],
            "structures": [asdict(s) for s in self._structures.values()],
            "professionals": [asdict(p) for p in self._professionals.values()],
            "authorizations": [
                {**asdict(a), "granted_at": a.granted_at.isoformat()} for a in self._authorizations.values()
            ],
        }
        temporary = self._file.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)

    def _load(self) -> None:
        if self._accepted_file.exists():
            for line in self._accepted_file.read_text(encoding="utf-8").splitlines():
                # A power cut may leave half a last line: it was never counted as durable.
                if line.endswith("}"):
                    data = json.loads(line)
                    self._count(data["unique_id"], data.get("operation", FEED))
        if not self._file.exists():
            self._patients = {p.ins: p for p in default_patients()}
            self._structures = {s.id: s for s in default_structures()}
            self._professionals = {p.id: p for p in default_professionals()}
            self._save()
            return
        data = json.loads(self._file.read_text(encoding="utf-8"))
        self._patients = {item["ins"]: patient_from_json(item) for item in data["patients"]}
        self._structures = {item["id"]: Structure(**item) for item in data["structures"]}
        self._professionals = {
            item["id"]: Professional(**{**item, "structures": tuple(item["structures"])})
            for item in data["professionals"]
        }
        for item in data["authorizations"]:
            entry = Authorization(item["ins"], item["holder"], datetime.fromisoformat(item["granted_at"]))
            self._authorizations[entry.ins, entry.holder] = entry
