"""What the hospital said of a patient and of a stay, kept as the newest word (hl7v2-interface §2.5, §2.6).

Facts are applied while a message is routed, before any call outside: an opposition counts from the moment it is
durable, even for a document that waits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from connector.hl7.model import Admission, Authority, Identifier, Provider
from connector.ins.model import MatriculeIns, Qualification


class Rows(Protocol):
    """What a read gives back."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Sql(Protocol):
    """The slice of the journal this room needs: a transaction, or a snapshot for reading only."""

    def execute(self, sql: str, params: Sequence[Any] = ...) -> Rows: ...


@dataclass(frozen=True, slots=True, repr=False)
class PatientView:
    """The patient as known now.

    feeding    INO, IO, NA or ""
    crossref   '', 'confirmed', 'differs', 'absent' or 'skipped'
    dmp_said   what the hospital said of the patient's DMP (ZFA-1: ACTIF, FERME…), never trusted alone
    dmp        what the DMP itself said of the record: '', 'open', 'closed' or 'absent'; `dmp_code` is its own word
    dmp_asked  when it said so (ISO time, UTC), "" when it was never asked
    """

    patient_id: int
    ipp: Identifier | None = None
    ins: MatriculeIns | None = None
    known_identity: bool = False
    qualified: bool = False
    reasons: tuple[str, ...] = ()
    feeding: str = ""
    feeding_time: str = ""
    crossref: str = ""
    crossref_reason: str = ""
    blocked: str = ""
    updated: str = ""
    dmp_said: str = ""
    dmp: str = ""
    dmp_code: str = ""
    dmp_asked: str = ""


@dataclass(frozen=True, slots=True)
class StayView:
    """A stay as known now. `consultation` is the stay's own ZFA-11 (IC, INC, NA) or ""."""

    stay: str
    patient_id: int
    status: str
    consultation: str
    feeding: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What an admission changed: the flows act on these, never on a comparison of their own."""

    became_qualified: bool
    lost_qualification: bool
    opposed: bool
    opposition_lifted: bool
    ins_changed: bool


_STATUS = {
    "A01": "open",
    "A04": "open",
    "A05": "expected",
    "A14": "expected",
    "A03": "closed",
    "A11": "cancelled",
    "A27": "cancelled",
    "A38": "cancelled",
}


def load_patient(sql: Sql, patient_id: int) -> PatientView:
    """The patient's view; an empty one when no ADT ever spoke of the patient."""
    row = sql.execute("SELECT * FROM patient_state WHERE patient_id = ?", (patient_id,)).fetchone()
    if row is None:
        return PatientView(patient_id)
    authority = Authority(row["ipp_namespace"], row["ipp_oid"], row["ipp_type"])
    return PatientView(
        patient_id,
        ipp=Identifier(row["ipp"], authority, "PI") if row["ipp"] else None,
        ins=MatriculeIns(row["ins"], row["ins_oid"]) if row["ins"] else None,
        known_identity=bool(row["updated"]),
        qualified=bool(row["qualified"]),
        reasons=tuple(json.loads(row["reasons"])),
        feeding=row["feeding"],
        feeding_time=row["feeding_time"],
        crossref=row["crossref"],
        crossref_reason=row["crossref_reason"],
        blocked=row["blocked"],
        updated=row["updated"],
        dmp_said=row["dmp_said"],
        dmp=row["dmp"],
        dmp_code=row["dmp_code"],
        dmp_asked=row["dmp_asked"],
    )


def load_stay(sql: Sql, stay: str) -> StayView | None:
    row = sql.execute("SELECT * FROM stay WHERE stay = ?", (stay,)).fetchone()
    if row is None:
        return None
    return StayView(stay, row["patient_id"], row["status"], row["consultation"], row["feeding"])


def apply_admission(sql: Sql, patient_id: int, admission: Admission) -> Changes:
    """Writes what `admission` says and returns what changed. Idempotent: applying it twice changes nothing more."""
    before = load_patient(sql, patient_id)
    _ensure(sql, patient_id)
    _apply_identity(sql, patient_id, before, admission)
    if admission.consent is not None:
        _apply_feeding(sql, patient_id, before, admission)
    _apply_stay(sql, patient_id, admission)
    after = load_patient(sql, patient_id)
    return Changes(
        became_qualified=after.qualified and not before.qualified,
        lost_qualification=before.qualified and not after.qualified,
        opposed=after.feeding == "IO" and before.feeding != "IO",
        opposition_lifted=before.feeding == "IO" and after.feeding != "IO",
        ins_changed=before.ins is not None and after.ins is not None and before.ins != after.ins,
    )


def remember_crossref(sql: Sql, patient_id: int, outcome: str, reason: str) -> None:
    """Keeps the last answer of the identity server for this patient ('confirmed', 'differs', 'absent')."""
    sql.execute(
        "INSERT INTO patient_state (crossref, crossref_reason, patient_id) VALUES (?, ?, ?) ON CONFLICT (patient_id)"
        " DO UPDATE SET crossref = excluded.crossref, crossref_reason = excluded.crossref_reason",
        (outcome, reason, patient_id),
    )


DmpState = Literal["open", "closed", "absent"]


def remember_dmp(sql: Sql, patient_id: int, state: DmpState, code: str, asked: datetime) -> None:
    """Keeps what the DMP said of this patient's record; `asked` is aware, `code` the server's own word or ""."""
    _ensure(sql, patient_id)
    sql.execute(
        "UPDATE patient_state SET dmp = ?, dmp_code = ?, dmp_asked = ? WHERE patient_id = ?",
        (state, code, asked.astimezone(UTC).isoformat(), patient_id),
    )


def block(sql: Sql, patient_id: int, reason: str) -> None:
    """Holds every publication of the patient until a person lifts it (A44, A47, merge with differing INS)."""
    _ensure(sql, patient_id)
    sql.execute("UPDATE patient_state SET blocked = ? WHERE patient_id = ?", (reason, patient_id))


def unblock(sql: Sql, patient_id: int) -> None:
    sql.execute("UPDATE patient_state SET blocked = '' WHERE patient_id = ?", (patient_id,))


def let_stay_pass(sql: Sql, stay: str) -> None:
    """A person decided that the documents of a cancelled stay may leave (A11, A38)."""
    sql.execute("UPDATE stay SET status = 'released' WHERE stay = ? AND status = 'cancelled'", (stay,))


def merge_states(sql: Sql, survivor: int, gone: int) -> None:
    """An A40 already accepted by the journal: stays follow, the gone patient's opposition is never lost."""
    sql.execute("UPDATE stay SET patient_id = ? WHERE patient_id = ?", (survivor, gone))
    kept, lost = load_patient(sql, survivor), load_patient(sql, gone)
    _ensure(sql, survivor)
    if lost.feeding and (lost.feeding == "IO" or lost.feeding_time > kept.feeding_time):
        sql.execute(
            "UPDATE patient_state SET feeding = ?, feeding_time = ? WHERE patient_id = ?",
            (lost.feeding, lost.feeding_time, survivor),
        )
    if lost.blocked and not kept.blocked:
        block(sql, survivor, lost.blocked)


def _ensure(sql: Sql, patient_id: int) -> None:
    sql.execute("INSERT INTO patient_state (patient_id) VALUES (?) ON CONFLICT DO NOTHING", (patient_id,))


def _apply_identity(sql: Sql, patient_id: int, before: PatientView, admission: Admission) -> None:
    moment = _moment(admission)
    if before.updated and moment and moment < before.updated:
        return  # a late message never overwrites a newer identity
    decision: Qualification = admission.qualification
    ipp = admission.ipp() or before.ipp
    authority = ipp.authority if ipp is not None else Authority()
    sql.execute(
        "UPDATE patient_state SET qualified = ?, reasons = ?, updated = ?, ins = ?, ins_oid = ?, ipp = ?,"
        " ipp_namespace = ?, ipp_oid = ?, ipp_type = ?, traits = ? WHERE patient_id = ?",
        (
            int(decision.qualified),
            json.dumps(decision.reasons, ensure_ascii=False),
            moment,
            decision.ins.value if decision.ins else "",
            decision.ins.oid if decision.ins else "",
            ipp.value if ipp is not None else "",
            authority.namespace,
            authority.oid,
            authority.type,
            json.dumps(asdict(admission.traits), ensure_ascii=False),
            patient_id,
        ),
    )
    if before.ins != decision.ins:
        # another INS: what was said of the former one no longer counts
        remember_crossref(sql, patient_id, "", "")
        sql.execute(
            "UPDATE patient_state SET dmp = '', dmp_code = '', dmp_asked = '' WHERE patient_id = ?", (patient_id,)
        )


def apply_consent(sql: Sql, patient_id: int, admission: Admission) -> bool:
    """Writes the ZFA of any event that carries one; True when the patient opposes now and did not before."""
    if admission.consent is None:
        return False
    before = load_patient(sql, patient_id)
    _ensure(sql, patient_id)
    _apply_feeding(sql, patient_id, before, admission)
    return before.feeding != "IO" and load_patient(sql, patient_id).feeding == "IO"


def _apply_feeding(sql: Sql, patient_id: int, before: PatientView, admission: Admission) -> None:
    consent = admission.consent
    assert consent is not None
    if consent.dmp_status:
        sql.execute("UPDATE patient_state SET dmp_said = ? WHERE patient_id = ?", (consent.dmp_status, patient_id))
    if consent.feeding in ("", "NA"):
        # not collected is not a new wish: it never erases an answer already given
        if not before.feeding and consent.feeding:
            sql.execute("UPDATE patient_state SET feeding = 'NA' WHERE patient_id = ?", (patient_id,))
        return
    # ZFA-10 may be empty: the word is then as old as the event that carries it
    said = consent.feeding_time or _moment(admission)
    if before.feeding in ("IO", "INO") and _older(said, before.feeding_time, kept=before.feeding == "IO"):
        return
    sql.execute(
        "UPDATE patient_state SET feeding = ?, feeding_time = ? WHERE patient_id = ?",
        (consent.feeding, said, patient_id),
    )


def _stay_words(admission: Admission) -> tuple[str, str, str]:
    """Label of the unit, mode of exit, people: what a letter takes over as it was said; "" says nothing new."""
    movement, doctors = admission.movement, [asdict(doctor) for doctor in admission.doctors]
    label = movement.unit.name if movement is not None and movement.action != "CANCEL" else ""
    return label, admission.stay.exit_mode, json.dumps(doctors, ensure_ascii=False) if doctors else ""


def doctors_of(text: str) -> tuple[Provider, ...]:
    """The people of a stay as this room keeps them, "" being none."""
    found = json.loads(text) if text else []
    return tuple(Provider(**{**one, "authority": Authority(**one["authority"])}) for one in found)


def _older(said: str, known: str, *, kept: bool) -> bool:
    """Whether the newest word stands against this one; of two of the same moment, `kept` decides."""
    return said < known or (said == known and kept)


def _moment(admission: Admission) -> str:
    """When the event was recorded, else when the message was made."""
    return admission.recorded or admission.header.time


def _apply_stay(sql: Sql, patient_id: int, admission: Admission) -> None:
    stay, key = admission.stay, admission.stay.number()
    if not key or stay.patient_class in ("", "N"):
        return  # an identity message speaks of no stay (PV1-2 = N)
    sql.execute("INSERT INTO stay (stay, patient_id) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, patient_id))
    sql.execute(
        "UPDATE stay SET patient_id = ?, patient_class = ?, unit = COALESCE(NULLIF(?, ''), unit),"
        " admitted = COALESCE(NULLIF(?, ''), admitted), unit_name = COALESCE(NULLIF(?, ''), unit_name),"
        " exit_mode = COALESCE(NULLIF(?, ''), exit_mode), doctors = COALESCE(NULLIF(?, ''), doctors) WHERE stay = ?",
        (patient_id, stay.patient_class, stay.unit, stay.admitted, *_stay_words(admission), key),
    )
    status = "open" if admission.event == "A13" else _STATUS.get(admission.event)
    if status is not None:
        discharged = stay.discharged if status == "closed" else ""
        sql.execute("UPDATE stay SET status = ?, discharged = ? WHERE stay = ?", (status, discharged, key))
    consent = admission.consent
    if consent is not None:
        row = sql.execute("SELECT consultation, consultation_time FROM stay WHERE stay = ?", (key,)).fetchone()
        said = consent.consultation_time or _moment(admission)
        kept = row["consultation"] == "INC"
        if consent.consultation and not _older(said, row["consultation_time"], kept=kept):
            sql.execute(
                "UPDATE stay SET consultation = ?, consultation_time = ? WHERE stay = ?",
                (consent.consultation, said, key),
            )
        if consent.feeding:
            sql.execute("UPDATE stay SET feeding = ? WHERE stay = ?", (consent.feeding, key))
