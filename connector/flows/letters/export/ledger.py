"""The run's own memory: one row per letter, by the digest of its source; a killed run goes on, nothing doubles.

A SQLite file in the output folder. It holds no identity: references, units, states, reasons. The journal's word goes
first: the ledger only keeps what has been asked of it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from connector.flows.letters.export.model import ACCEPTED, AlreadyExported, Failure, OrderRefused, Ready, State

NAME: Final = "export.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS letter (
  number INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  ref TEXT NOT NULL,
  begun_at TEXT NOT NULL,
  state TEXT NOT NULL,
  document_id TEXT NOT NULL DEFAULT '',
  unit TEXT NOT NULL DEFAULT '',
  type TEXT NOT NULL DEFAULT '',
  step TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  warnings INTEGER NOT NULL DEFAULT 0,
  message_id INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS letter_ref ON letter (ref);
CREATE INDEX IF NOT EXISTS letter_state ON letter (state, number);
CREATE TABLE IF NOT EXISTS run (target TEXT NOT NULL);
"""

_ANOTHER: Final = "un autre dossier"
_UNREADABLE: Final = "la mémoire de l'export de ce dossier (export.sqlite) est illisible"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `begun_at` is aware, UTC; `step` and `code` are "" unless something stopped it."""

    number: int
    digest: str
    ref: str
    begun_at: datetime
    state: State
    document_id: str
    unit: str
    type: str
    step: str
    code: str
    reason: str
    warnings: int
    message_id: int


class Ledger:
    """Open in one process at a time. Not for several threads.

    target  "dmp" or "folder"; a folder keeps to the first one it was used for
    resume  False refuses a folder in which letters were exported before

    Raises OrderRefused.
    """

    def __init__(self, folder: Path, target: str, *, resume: bool) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _alone(folder)
        try:
            self._db = sqlite3.connect(folder / NAME, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            # A killed process loses nothing; after a power cut the journal still knows what it was handed.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            self._check(folder, target, resume)
        except sqlite3.DatabaseError as error:
            os.close(self._lock)
            raise OrderRefused(_UNREADABLE, name="--out", found=str(folder), allowed=_ANOTHER) from error
        except BaseException:
            self._db.close()
            os.close(self._lock)
            raise

    def _check(self, folder: Path, target: str, resume: bool) -> None:
        """A run that was stopped before its first letter leaves the folder free."""
        kept = self._db.execute("SELECT target FROM run WHERE EXISTS (SELECT 1 FROM letter)").fetchone()
        if kept is None:
            self._db.execute("DELETE FROM run")
            self._db.execute("INSERT INTO run (target) VALUES (?)", (target,))
        elif kept["target"] != target:
            text = "ce dossier contient déjà un export vers une autre destination"
            raise OrderRefused(text, name="--out", found=str(folder), allowed=f"{_ANOTHER}, ou --to {kept['target']}")
        elif not resume:
            text = "ce dossier contient déjà un export"
            raise AlreadyExported(text, name="--out", found=str(folder), allowed=f"--resume, ou {_ANOTHER}")

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- asked before a letter is made -------------------------------------------------------------------------------

    def find(self, digest: str) -> Entry | None:
        """What became of this very source."""
        row = self._db.execute("SELECT * FROM letter WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else _entry(row)

    def accepted_under(self, ref: str) -> Entry | None:
        """The letter accepted from this place, whatever the place held then."""
        marks = ", ".join("?" * len(ACCEPTED))
        row = self._db.execute(
            f"SELECT * FROM letter WHERE ref = ? AND state IN ({marks}) ORDER BY number DESC LIMIT 1", (ref, *ACCEPTED)
        ).fetchone()
        return None if row is None else _entry(row)

    def begin(self, digest: str, ref: str, now: datetime) -> datetime:
        """The time fixed for this source, now or in a former run (aware, UTC).

        What stopped it then is forgotten, and so is what the same place held before it was corrected.
        """
        self._db.execute(
            "DELETE FROM letter WHERE ref = ? AND digest <> ? AND state IN ('begun', 'set-aside')", (ref, digest)
        )
        row = self._db.execute(
            "INSERT INTO letter (digest, ref, begun_at, state) VALUES (?, ?, ?, 'begun')"
            " ON CONFLICT (digest) DO UPDATE SET ref = excluded.ref, state = 'begun', step = '', code = '', reason = ''"
            " RETURNING begun_at",
            (digest, ref, now.astimezone(UTC).isoformat(timespec="seconds")),
        ).fetchone()
        return datetime.fromisoformat(row["begun_at"])

    # -- told of what became of it -----------------------------------------------------------------------------------

    def accepted(
        self, digest: str, letter: Ready, state: State, message_id: int = 0, code: str = "", reason: str = ""
    ) -> None:
        """`code` and `reason` say why it waits, if that is known already."""
        about = (letter.document_id, letter.unit, letter.type, len(letter.verdict.findings))
        self._db.execute(
            "UPDATE letter SET state = ?, document_id = ?, unit = ?, type = ?, warnings = ?, message_id = ?, code = ?,"
            " reason = ? WHERE digest = ?",
            (state, *about, message_id, code, reason, digest),
        )

    def set_aside(self, digest: str, failure: Failure) -> None:
        self._db.execute(
            "UPDATE letter SET state = 'set-aside', unit = ?, type = ?, step = ?, code = ?, reason = ?"
            " WHERE digest = ?",
            (failure.unit, failure.type, failure.step, failure.code, failure.reason, digest),
        )

    def ended(self, number: int, state: State, code: str, reason: str) -> None:
        """What the pipeline made of a letter handed over."""
        self._db.execute(
            "UPDATE letter SET state = ?, step = 'envoi', code = ?, reason = ? WHERE number = ?",
            (state, code, reason, number),
        )

    # -- read ----------------------------------------------------------------------------------------------------

    def entries(self, *states: State, page: int = 500) -> Iterator[Entry]:
        """Every letter, or those in one of `states`, page by page; the caller may write meanwhile."""
        wanted = f"state IN ({', '.join('?' * len(states))}) AND" if states else ""
        last = 0
        while True:
            rows = self._db.execute(
                f"SELECT * FROM letter WHERE {wanted} number > ? ORDER BY number LIMIT ?", (*states, last, page)
            ).fetchall()
            if not rows:
                return
            last = rows[-1]["number"]
            yield from map(_entry, rows)

    def counts(self) -> dict[State, int]:
        return {row[0]: row[1] for row in self._db.execute("SELECT state, count(*) FROM letter GROUP BY state")}


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    return Entry(**{**values, "begun_at": datetime.fromisoformat(values["begun_at"])})


def _alone(folder: Path) -> int:
    descriptor = os.open(folder / f"{NAME}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        text = "un autre export travaille dans ce dossier"
        raise OrderRefused(text, name="--out", found=str(folder), allowed=f"{_ANOTHER}, ou attendre sa fin") from error
    return descriptor
