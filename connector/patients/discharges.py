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

    unit_name  label of ZBE-7, "" when none was sent
    since      when the connector heard of the discharge (ISO, UTC)
    handed     uniqueId of a letter that is on its way, or waits for something; "" when there is none
    """

    stay: str
    patient_id: int
    patient_class: str
    unit: str
    unit_name: str
    admitted: str
    discharged: str
    since: str
    handed: str = ""


def discharged(sql: Sql, stay: str, now: datetime) -> None:
    """The stay is closed (A03): a letter is due. `now` is aware. Idempotent."""
    sql.execute("INSERT INTO letter_due (stay, since) VALUES (?, ?) ON CONFLICT DO NOTHING", (stay, now.isoformat()))


def not_discharged(sql: Sql, stay: str) -> None:
    """The discharge or the whole stay was cancelled (A13, A11, A38)."""
    sql.execute("DELETE FROM letter_due WHERE stay = ?", (stay,))


def document_of_stay(sql: Sql, unique_id: str, stay: str, type_code: str) -> None:
    """A document of this stay was handed in; whether it stands, its versions and its own life say. Idempotent."""
    if stay:
        sql.execute(
            "INSERT INTO stay_document (unique_id, stay, type) VALUES (?, ?, ?) ON CONFLICT (unique_id) DO UPDATE"
            " SET stay = excluded.stay, type = excluded.type",
            (unique_id, stay, type_code),
        )


def awaiting(
    sql: Sql, types: Sequence[str], classes: Sequence[str], *, after: tuple[str, str] = ("", ""), limit: int = 1_000
) -> tuple[Awaiting, ...]:
    """Closed stays of `classes` (PV1-2) without a document of `types` in the DMP, the longest wait first.

    after   (since, stay) of the last one read, to go on from there
    """
    rows = sql.execute(
        "SELECT d.stay, s.patient_id, s.patient_class, s.unit, s.unit_name, s.admitted, s.discharged, d.since,"
        f" COALESCE(({_handed(types)}), '') AS handed FROM letter_due d JOIN stay s ON s.stay = d.stay"
        f" WHERE s.status = 'closed' AND s.patient_class IN ({_marks(classes)}) AND {_without(types)}"
        " AND (d.since > ? OR (d.since = ? AND d.stay > ?)) ORDER BY d.since, d.stay LIMIT ?",
        (*types, *classes, *types, after[0], after[0], after[1], limit),
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


def _without(types: Sequence[str]) -> str:
    return (
        "NOT EXISTS (SELECT 1 FROM stay_document x JOIN version v ON v.unique_id = x.unique_id"
        f" WHERE x.stay = d.stay AND x.type IN ({_marks(types)}) AND v.state = 'published')"
    )


def _handed(types: Sequence[str]) -> str:
    return (
        "SELECT min(x.unique_id) FROM stay_document x JOIN document y ON y.unique_id = x.unique_id"
        f" WHERE x.stay = d.stay AND x.type IN ({_marks(types)}) AND y.action <> 'delete'"
        " AND y.state IN ('received', 'waiting', 'sending', 'in-doubt')"
    )


def _marks(values: Sequence[str]) -> str:
    # an empty list is no list of SQL: it matches nothing
    return ", ".join("?" * len(values)) or "NULL"
