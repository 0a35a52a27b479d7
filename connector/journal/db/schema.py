"""The tables, as ordered migrations, and the two ways of opening the file.

Plain SQL on purpose (no trigger, no SQLite-only clause besides partial indexes, which PostgreSQL has too).
Times are fixed-width UTC text (`model.stamp`); JSON is text; `raw` comes last so that short reads skip it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from connector.journal.model import JournalConfig, JournalError, stamp

ACTIVE: Final = "state IN ('queued','running','sending','retry','dead')"
"""States a patient's order depends on; heads.py leaves `dead` out when dead letters pass.

Must stay textually equal in index and queries: SQLite matches partial indexes by their text.
"""

_FIRST = f"""
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    verdict TEXT NOT NULL,
    routed INTEGER NOT NULL,
    type TEXT NOT NULL,
    event TEXT NOT NULL,
    control_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    peer TEXT NOT NULL,
    route TEXT NOT NULL,
    received_at TEXT NOT NULL,
    findings TEXT NOT NULL,
    ack BLOB NOT NULL,
    raw BLOB NOT NULL
);
CREATE UNIQUE INDEX message_key ON message (key) WHERE verdict = 'accepted';
CREATE INDEX message_refused ON message (control_id) WHERE verdict = 'refused';

CREATE TABLE duplicate (
    id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES message (id),
    received_at TEXT NOT NULL,
    peer TEXT NOT NULL
);
CREATE INDEX duplicate_message ON duplicate (message_id);

CREATE TABLE routing (position INTEGER NOT NULL);
INSERT INTO routing VALUES (0);

CREATE TABLE routing_failure (
    message_id INTEGER PRIMARY KEY REFERENCES message (id),
    at TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE patient (
    id INTEGER PRIMARY KEY,
    merged_into INTEGER REFERENCES patient (id),
    created_at TEXT NOT NULL
);
CREATE INDEX patient_merged ON patient (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE identifier (
    domain TEXT NOT NULL,
    value TEXT NOT NULL,
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    PRIMARY KEY (domain, value)
);
CREATE INDEX identifier_value ON identifier (value);
CREATE INDEX identifier_patient ON identifier (patient_id);

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    lane TEXT NOT NULL,
    state TEXT NOT NULL,
    due TEXT NOT NULL,
    run INTEGER NOT NULL,
    unsettled INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    message_id INTEGER REFERENCES message (id),
    stay TEXT NOT NULL,
    document_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_code TEXT NOT NULL,
    since TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX delivery_active ON delivery (patient_id, lane, id) WHERE {ACTIVE};
CREATE INDEX delivery_run ON delivery (patient_id, lane) WHERE run <> 0;
CREATE INDEX delivery_worklist ON delivery (state, id) WHERE state IN ('held','refused','dead');
CREATE INDEX delivery_held ON delivery (patient_id, id) WHERE state = 'held';
CREATE INDEX delivery_patient ON delivery (patient_id);
CREATE INDEX delivery_message ON delivery (message_id);
CREATE INDEX delivery_document ON delivery (document_id) WHERE document_id <> '';

CREATE TABLE head (
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    lane TEXT NOT NULL,
    delivery_id INTEGER NOT NULL REFERENCES delivery (id),
    due TEXT NOT NULL,
    PRIMARY KEY (patient_id, lane)
);
CREATE INDEX head_due ON head (due, delivery_id);

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES delivery (id),
    number INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX attempt_delivery ON attempt (delivery_id);

CREATE TABLE timeline (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    state_from TEXT NOT NULL,
    state_to TEXT NOT NULL,
    text TEXT NOT NULL,
    patient_id INTEGER,
    delivery_id INTEGER,
    message_id INTEGER,
    stay TEXT NOT NULL,
    document_id TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX timeline_patient ON timeline (patient_id) WHERE patient_id IS NOT NULL;
CREATE INDEX timeline_delivery ON timeline (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX timeline_message ON timeline (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX timeline_stay ON timeline (stay) WHERE stay <> '';
CREATE INDEX timeline_document ON timeline (document_id) WHERE document_id <> '';
"""

MIGRATIONS: Final[tuple[str, ...]] = (_FIRST,)
"""Script n brings version n - 1 to version n. Scripts are never edited once released, only added."""


def open_writer(config: JournalConfig) -> sqlite3.Connection:
    """The one connection that writes: WAL, synchronous=FULL, foreign keys, explicit transactions.

    The file is created with mode 0600 before SQLite sees it; its -wal and -shm inherit that mode.
    Raises JournalError when the file cannot be opened or is not a journal.
    """
    try:
        os.close(os.open(config.path, os.O_RDWR | os.O_CREAT, 0o600))
        os.chmod(config.path, 0o600)
        connection = sqlite3.connect(
            config.path, timeout=config.busy_timeout, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        connection.execute("PRAGMA cache_size=-32768")
    except (OSError, sqlite3.Error) as error:
        raise JournalError("the journal cannot be opened", path=str(config.path), cause=type(error).__name__) from error
    return connection


def open_reader(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """A read-only connection, safe to close from any thread."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=busy_timeout, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip
    connection.row_factory = sqlite3.Row
    return connection


def migrate(connection: sqlite3.Connection, now: datetime, schemas: Sequence[str] = ()) -> None:
    """Brings the file to the newest version, then adds the tables other rooms declare.

    Raises JournalError when the file was written by a newer version of the connector.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at TEXT)")
    version = int(connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise JournalError(
            "the journal was written by a newer version",
            field="schema_version",
            found=version,
            expected=len(MIGRATIONS),
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        record = f"INSERT INTO schema_version VALUES ({number}, '{stamp(now)}');"
        _run_script(connection, script + record)
    for script in schemas:
        _run_script(connection, script)


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;{script};COMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
