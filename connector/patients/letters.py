"""What a letter takes from admissions, and which letters the connector made itself from which source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from connector.hl7.model import Identifier, Provider
from connector.ins.model import MatriculeIns, Traits
from connector.patients.state import Sql, doctors_of, load_patient


@dataclass(frozen=True, slots=True, repr=False)
class StayFacts:
    """A stay and its patient as admissions told them; times are HL7 text.

    stay      `value@authority`, as the journal calls it
    exit_mode PV1-36
    doctors   PV1-7, 8, 17 and ROL, each with its role ('attending', 'declared': the médecin traitant)
    """

    stay: str
    patient_id: int
    ins: MatriculeIns | None
    ipp: Identifier | None
    traits: Traits
    status: str
    patient_class: str
    unit: str
    unit_name: str
    admitted: str
    discharged: str
    exit_mode: str
    doctors: tuple[Provider, ...]


def stay_facts(sql: Sql, stay: str) -> StayFacts | None:
    """The stay called `value@authority`, or `value` alone when only one authority uses it; None when unknown."""
    row = sql.execute("SELECT * FROM stay WHERE stay = ?", (stay,)).fetchone()
    if row is None and stay and "@" not in stay:
        # the characters after `value@` begin with one that sorts below the end of this range
        rows = sql.execute(
            "SELECT * FROM stay WHERE stay >= ? AND stay < ? ORDER BY stay LIMIT 2", (f"{stay}@", f"{stay}A")
        ).fetchall()
        row = rows[0] if len(rows) == 1 else None
    if row is None:
        return None
    patient = load_patient(sql, row["patient_id"])
    told = sql.execute("SELECT traits FROM patient_state WHERE patient_id = ?", (row["patient_id"],)).fetchone()
    return StayFacts(
        stay=row["stay"],
        patient_id=row["patient_id"],
        ins=patient.ins,
        ipp=patient.ipp,
        traits=Traits(**json.loads(told["traits"])) if told is not None and told["traits"] else Traits(),
        status=row["status"],
        patient_class=row["patient_class"],
        unit=row["unit"],
        unit_name=row["unit_name"],
        admitted=row["admitted"],
        discharged=row["discharged"],
        exit_mode=row["exit_mode"],
        doctors=doctors_of(row["doctors"]),
    )


def stays_of(sql: Sql, ins: MatriculeIns) -> tuple[str, ...]:
    """Stays of the patient whose INS this is, the last admitted first; () when no or two patients have it.

    An `oid` of "" is any.
    """
    owners = sql.execute(
        "SELECT patient_id FROM patient_state WHERE ins = ? AND (ins_oid = ? OR ? = '') LIMIT 2",
        (ins.value, ins.oid, ins.oid),
    ).fetchall()
    if len(owners) != 1:
        return ()
    rows = sql.execute(
        "SELECT stay FROM stay WHERE patient_id = ? AND status NOT IN ('cancelled') ORDER BY admitted DESC, stay DESC",
        (owners[0]["patient_id"],),
    ).fetchall()
    return tuple(row["stay"] for row in rows)


@dataclass(frozen=True, slots=True)
class Made:
    """A letter made from a source: which document it is for ever, when it was first handed in (ISO, UTC)."""

    source: str
    digest: str
    unique_id: str
    made_at: str
    message_id: int = 0


def made_of(sql: Sql, source: str) -> Made | None:
    """What was made of a source before, by the digest of its key."""
    row = sql.execute("SELECT * FROM letter WHERE source = ?", (source,)).fetchone()
    return None if row is None else Made(**{name: row[name] for name in Made.__slots__})


def remember_made(sql: Sql, made: Made) -> Made:
    """Keeps what is made of a source now; when it was first handed in stays what it was."""
    sql.execute(
        "INSERT INTO letter (source, digest, unique_id, made_at) VALUES (?, ?, ?, ?) ON CONFLICT (source) DO UPDATE"
        " SET digest = excluded.digest, unique_id = excluded.unique_id",
        (made.source, made.digest, made.unique_id, made.made_at),
    )
    kept = made_of(sql, made.source)
    assert kept is not None
    return kept


def accepted_as(sql: Sql, source: str, message_id: int) -> None:
    """The source became this message."""
    sql.execute("UPDATE letter SET message_id = ? WHERE source = ?", (message_id, source))


def first_handed(moment: datetime) -> str:
    """`moment` (aware) as `Made.made_at`."""
    return moment.isoformat(timespec="seconds")
