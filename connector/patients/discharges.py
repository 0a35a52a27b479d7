"""Stays that wait for a letter: from the discharge of an admission message to a document the DMP accepted.

Which stays and which documents count is told by whoever reads: settings may change, what happened does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.patients.state import Sql


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A stay closed by an A03 without its letter. Times are HL7 text as the hospital sent them.

    unit_name is the label of ZBE-7, "" when none was sent; since (ISO, UTC) is when the connector heard of it.
    """

    stay: str
    patient_id: int
    patient_class: str
    unit: str
    unit_name: str
    admitted: str
    discharged: str
    since: str


def discharged(sql: Sql, stay: str, now: datetime) -> None:
    """The stay is closed (A03): a letter is due. `now` is aware. Idempotent."""
    sql.execute("INSERT INTO letter_due (stay, since) VALUES (?, ?) ON CONFLICT DO NOTHING", (stay, now.isoformat()))


def not_discharged(sql: Sql, stay: str) -> None:
    """The discharge or the whole stay was cancelled (A13, A11, A38)."""
    sql.execute("DELETE FROM letter_due WHERE stay = ?", (stay,))


def document_stands(sql: Sql, unique_id: str, stay: str, type_code: str, now: datetime) -> None:
    """The DMP has a document of this stay. `now` is aware. Idempotent."""
    if stay:
        sql.execute(
            "INSERT INTO stay_document (unique_id, stay, type, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (unique_id, stay, type_code, now.isoformat()),
        )


def document_gone(sql: Sql, unique_id: str) -> None:
    """The document is no longer in the DMP, or is there no more than as a former version."""
    sql.execute("DELETE FROM stay_document WHERE unique_id = ?", (unique_id,))


def awaiting(
    sql: Sql, types: Sequence[str], classes: Sequence[str], *, after: tuple[str, str] = ("", ""), limit: int = 1_000
) -> tuple[Awaiting, ...]:
    """Closed stays of `classes` (PV1-2) none of whose documents is of `types`, the longest wait first.

    after   (since, stay) of the last one read, to go on from there
    """
    rows = sql.execute(
        "SELECT d.stay, s.patient_id, s.patient_class, s.unit, s.unit_name, s.admitted, s.discharged, d.since"
        f" FROM letter_due d JOIN stay s ON s.stay = d.stay WHERE {_open(types, classes)}"
        " AND (d.since > ? OR (d.since = ? AND d.stay > ?)) ORDER BY d.since, d.stay LIMIT ?",
        (*classes, *types, after[0], after[0], after[1], limit),
    ).fetchall()
    return tuple(Awaiting(**{name: row[name] for name in Awaiting.__slots__}) for row in rows)


def count_by_unit(
    sql: Sql, types: Sequence[str], classes: Sequence[str], since: datetime | None, until: datetime | None
) -> dict[str, tuple[int, int]]:
    """Unit -> (stays closed, those of them without a document of `types`), by the time the discharge was heard of."""
    low, high = since.isoformat() if since else "", until.isoformat() if until else "9999"
    rows = sql.execute(
        "SELECT s.unit AS unit, count(*) AS closed,"
        f" sum(CASE WHEN {_without(types)} THEN 1 ELSE 0 END) AS missing"
        f" FROM letter_due d JOIN stay s ON s.stay = d.stay WHERE s.patient_class IN ({_marks(classes)})"
        " AND s.status = 'closed' AND d.since >= ? AND d.since < ? GROUP BY s.unit ORDER BY s.unit",
        (*types, *classes, low, high),
    ).fetchall()
    return {row["unit"]: (int(row["closed"]), int(row["missing"] or 0)) for row in rows}


def _open(types: Sequence[str], classes: Sequence[str]) -> str:
    return f"s.status = 'closed' AND s.patient_class IN ({_marks(classes)}) AND {_without(types)}"


def _without(types: Sequence[str]) -> str:
    return f"NOT EXISTS (SELECT 1 FROM stay_document x WHERE x.stay = d.stay AND x.type IN ({_marks(types)}))"


def _marks(values: Sequence[str]) -> str:
    # an empty list is no list of SQL: it matches nothing
    return ", ".join("?" * len(values)) or "NULL"
