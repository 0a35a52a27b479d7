"""Chains of versions: which documents of a patient stand in the DMP, and what may still follow them.

Kept from what the DMP accepted, never from what was asked (dmp-interface c.7: a new version has a new id, the same
setId, a higher number, and names the one it replaces).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connector.patients.state import Sql

VersionState = Literal["published", "replaced", "deleted", "rehearsed"]
"""'rehearsed' is a document of the shadow mode: it would stand in the DMP, it never left. Rehearsals follow each other
(`replaced_by`), and change nothing of what the DMP has."""


@dataclass(frozen=True, slots=True, repr=False)
class Version:
    """One document of a chain. `set_id` is "" and `number` 0 where the document says nothing."""

    unique_id: str
    patient_id: int
    set_id: str = ""
    number: int = 0
    replaces: str = ""
    replaced_by: str = ""
    state: VersionState = "published"

    @property
    def stands(self) -> bool:
        """Whether it is the one a reader of the DMP finds (or would find, in a rehearsal)."""
        return self.state == "published" or (self.state == "rehearsed" and not self.replaced_by)


def load_version(sql: Sql, unique_id: str) -> Version | None:
    """The document as last known to stand, None when the DMP never took it from us."""
    row = sql.execute("SELECT * FROM version WHERE unique_id = ?", (unique_id,)).fetchone()
    return None if row is None else _version(row)


def newest(sql: Sql, set_id: str, *, rehearsal: bool = False, besides: Sequence[str] = ()) -> Version | None:
    """The highest number of a chain that stands, None when the chain is unknown or was deleted.

    What was only rehearsed counts for another rehearsal, never for the DMP; the uniqueIds `besides` do not count.
    """
    if not set_id:
        return None
    rehearsed = " OR (state = 'rehearsed' AND replaced_by = '')" if rehearsal else ""
    others = "".join(" AND unique_id <> ?" for _ in besides)
    row = sql.execute(
        f"SELECT * FROM version WHERE set_id = ? AND (state = 'published'{rehearsed}){others}"
        " ORDER BY number DESC, updated DESC LIMIT 1",
        (set_id, *besides),
    ).fetchone()
    return None if row is None else _version(row)


def chain_of(sql: Sql, unique_id: str) -> tuple[Version, ...]:
    """Every known version around `unique_id`, oldest first: by setId, else by who replaces whom."""
    start = load_version(sql, unique_id)
    if start is None:
        return ()
    found = {start.unique_id: start}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        rows = sql.execute(
            "SELECT * FROM version WHERE unique_id IN (?, ?) OR replaces = ? OR (set_id <> '' AND set_id = ?)",
            (one.replaces, one.replaced_by, one.unique_id, one.set_id),
        ).fetchall()
        for other in map(_version, rows):
            if other.unique_id not in found:
                found[other.unique_id] = other
                waiting.append(other)
    return tuple(sorted(found.values(), key=lambda version: (version.number, version.unique_id)))


def stand(sql: Sql, version: Version, now: datetime) -> None:
    """`version` stands now, and what it replaces no longer does. `now` is aware. Idempotent."""
    sql.execute(
        "INSERT INTO version (unique_id, patient_id, set_id, number, replaces, state, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (unique_id) DO UPDATE SET patient_id = excluded.patient_id,"
        " set_id = excluded.set_id, number = excluded.number, replaces = excluded.replaces, state = excluded.state,"
        " replaced_by = CASE WHEN version.state = 'rehearsed' THEN '' ELSE version.replaced_by END,"
        " updated = excluded.updated",
        (
            version.unique_id,
            version.patient_id,
            version.set_id,
            version.number,
            version.replaces,
            version.state,
            now.isoformat(),
        ),
    )
    if version.state == "rehearsed":
        sql.execute(
            "UPDATE version SET replaced_by = ?, updated = ? WHERE unique_id = ? AND state = 'rehearsed'",
            (version.unique_id, now.isoformat(), version.replaces),
        )
    elif version.replaces:
        # The replaced document may be another connector's: then it has no row, and needs none.
        sql.execute(
            "UPDATE version SET state = 'replaced', replaced_by = ?, updated = ? WHERE unique_id = ?",
            (version.unique_id, now.isoformat(), version.replaces),
        )


def delete(sql: Sql, unique_id: str, now: datetime) -> None:
    """The document is no longer in the DMP (logical deletion, TD3.3c)."""
    sql.execute("UPDATE version SET state = 'deleted', updated = ? WHERE unique_id = ?", (now.isoformat(), unique_id))


def forget_rehearsal(sql: Sql, unique_id: str) -> None:
    """The document would no longer be in the DMP: as if it had not been rehearsed."""
    sql.execute("DELETE FROM version WHERE unique_id = ? AND state = 'rehearsed'", (unique_id,))


def _version(row: dict[str, object]) -> Version:
    return Version(
        unique_id=str(row["unique_id"]),
        patient_id=int(str(row["patient_id"])),
        set_id=str(row["set_id"]),
        number=int(str(row["number"])),
        replaces=str(row["replaces"]),
        replaced_by=str(row["replaced_by"]),
        state=row["state"],  # type: ignore[arg-type]
    )
