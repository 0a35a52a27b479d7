"""Patients and their identifiers: finding, linking, merging (hl7v2-interface §2.6, A40)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.journal.db.connection import Connection
from connector.journal.model import JournalError, stamp

_LINK = "INSERT INTO identifier (domain, value, patient_id) VALUES (?, ?, ?) ON CONFLICT (domain, value) DO NOTHING"

PatientId = tuple[str, str]
"""Domain (OID, else namespace) and value."""


def owners(connection: Connection, ids: Sequence[PatientId]) -> dict[PatientId, int]:
    """Who has each identifier, of those that are known, in the order given."""
    if not ids:
        return {}
    alternatives = " OR ".join(["(domain = ? AND value = ?)"] * len(ids))
    sql = f"SELECT domain, value, patient_id FROM identifier WHERE {alternatives}"
    rows = connection.execute(sql, [part for one in ids for part in one]).fetchall()
    found = {(row["domain"], row["value"]): int(row["patient_id"]) for row in rows}
    return {one: found[one] for one in ids if one in found}


def create(connection: Connection, now: datetime) -> int:
    row = connection.execute("INSERT INTO patient (created_at) VALUES (?) RETURNING id", (stamp(now),)).fetchone()
    return int(row[0])


def link(connection: Connection, patient_id: int, ids: Sequence[PatientId]) -> None:
    """Gives the patient the identifiers nobody owns yet; those of another patient stay where they are."""
    for domain, value in ids:
        connection.execute(_LINK, (domain, value, patient_id))


def canonical(connection: Connection, patient_id: int) -> int:
    """The patient this one was merged into, itself when it was not. Raises JournalError when unknown."""
    row = connection.execute("SELECT id, merged_into FROM patient WHERE id = ?", (patient_id,)).fetchone()
    if row is None:
        raise JournalError("no such patient in the journal", field="patient_id", found=patient_id)
    return int(row["merged_into"] or row["id"])


def merge(connection: Connection, survivor: int, gone: int) -> None:
    """Re-keys identifiers and deliveries of `gone`; the timeline keeps its lines, reads follow the merge.

    Patients merged earlier into `gone` now point to `survivor`: a merge is always one step deep.
    """
    connection.execute("UPDATE identifier SET patient_id = ? WHERE patient_id = ?", (survivor, gone))
    connection.execute("DELETE FROM head WHERE patient_id = ?", (gone,))
    connection.execute("UPDATE delivery SET patient_id = ? WHERE patient_id = ?", (survivor, gone))
    connection.execute("UPDATE patient SET merged_into = ? WHERE id = ? OR merged_into = ?", (survivor, gone, gone))


def family(connection: Connection, patient_id: int) -> list[int]:
    """The surviving patient and everyone merged into it, from any one of them."""
    root = canonical(connection, patient_id)
    rows = connection.execute("SELECT id FROM patient WHERE merged_into = ?", (root,)).fetchall()
    return [root, *(row["id"] for row in rows)]
