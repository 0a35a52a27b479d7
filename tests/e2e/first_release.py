"""A journal file as the first release wrote it: its own tables, with the rows of a present one as far as they go."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

_TABLES: Final = """
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
CREATE INDEX delivery_active ON delivery (patient_id, lane, id)
    WHERE state IN ('queued','running','sending','retry','dead');
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

CREATE TABLE IF NOT EXISTS patient_state (
    patient_id INTEGER PRIMARY KEY,
    ipp TEXT NOT NULL DEFAULT '', ipp_namespace TEXT NOT NULL DEFAULT '',
    ipp_oid TEXT NOT NULL DEFAULT '', ipp_type TEXT NOT NULL DEFAULT '',
    ins TEXT NOT NULL DEFAULT '', ins_oid TEXT NOT NULL DEFAULT '',
    qualified INTEGER NOT NULL DEFAULT 0, reasons TEXT NOT NULL DEFAULT '[]',
    feeding TEXT NOT NULL DEFAULT '', feeding_time TEXT NOT NULL DEFAULT '',
    crossref TEXT NOT NULL DEFAULT '', crossref_reason TEXT NOT NULL DEFAULT '',
    blocked TEXT NOT NULL DEFAULT '', updated TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS stay (
    stay TEXT PRIMARY KEY, patient_id INTEGER NOT NULL,
    patient_class TEXT NOT NULL DEFAULT '', unit TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'open', admitted TEXT NOT NULL DEFAULT '', discharged TEXT NOT NULL DEFAULT '',
    consultation TEXT NOT NULL DEFAULT '', consultation_time TEXT NOT NULL DEFAULT '',
    feeding TEXT NOT NULL DEFAULT '', updated TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS stay_patient ON stay (patient_id);

CREATE TABLE IF NOT EXISTS document (
    id INTEGER PRIMARY KEY,
    unique_id TEXT NOT NULL, action TEXT NOT NULL, sha256 TEXT NOT NULL,
    patient_id INTEGER NOT NULL, delivery_id INTEGER NOT NULL, sender TEXT NOT NULL DEFAULT '',
    UNIQUE (unique_id, action, sha256)
);
CREATE INDEX IF NOT EXISTS document_unique_id ON document (unique_id);
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT);
INSERT INTO schema_version VALUES (1, '2026-11-21T20:00:00.000000+00:00');
"""
_COPIED: Final = (
    "message",
    "duplicate",
    "patient",
    "identifier",
    "delivery",
    "head",
    "attempt",
    "timeline",
    "patient_state",
    "stay",
    "document",
)


def write_first_release(present: Path, file: Path) -> None:
    """Writes `file` with the rows of `present`, which nobody may have open."""
    with closing(sqlite3.connect(file)) as journal:
        journal.execute("PRAGMA journal_mode=WAL")
        journal.executescript(_TABLES)
        journal.execute("ATTACH ? AS present", (str(present),))
        with journal:
            for table in _COPIED:
                columns = ", ".join(row[1] for row in journal.execute(f"PRAGMA main.table_info({table})"))
                journal.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table}")
            journal.execute("UPDATE routing SET position = (SELECT position FROM present.routing)")
            # The first release kept another time beside an unfinished sending, and knew nothing of "busy_until".
            journal.execute("UPDATE delivery SET payload = replace(payload, '\"busy_until\"', '\"sent_at\"')")
