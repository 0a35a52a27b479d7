"""The first tables of the patients room."""

from __future__ import annotations

from connector.journal.db import ddl

revision = "patients_0001"
down_revision = None
branch_labels = ("patients",)

# A file of the first release has these tables already, without a revision of this room.
_TABLES = """
CREATE TABLE IF NOT EXISTS patient_state (
    patient_id {id} PRIMARY KEY,
    ipp {text} NOT NULL DEFAULT '', ipp_namespace {text} NOT NULL DEFAULT '',
    ipp_oid {text} NOT NULL DEFAULT '', ipp_type {text} NOT NULL DEFAULT '',
    ins {text} NOT NULL DEFAULT '', ins_oid {text} NOT NULL DEFAULT '',
    qualified INTEGER NOT NULL DEFAULT 0, reasons {text} NOT NULL DEFAULT '[]',
    feeding {text} NOT NULL DEFAULT '', feeding_time {text} NOT NULL DEFAULT '',
    crossref {text} NOT NULL DEFAULT '', crossref_reason {text} NOT NULL DEFAULT '',
    blocked {text} NOT NULL DEFAULT '', updated {text} NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS stay (
    stay {text} PRIMARY KEY, patient_id {id} NOT NULL,
    patient_class {text} NOT NULL DEFAULT '', unit {text} NOT NULL DEFAULT '',
    status {text} NOT NULL DEFAULT 'open', admitted {text} NOT NULL DEFAULT '', discharged {text} NOT NULL DEFAULT '',
    consultation {text} NOT NULL DEFAULT '', consultation_time {text} NOT NULL DEFAULT '',
    feeding {text} NOT NULL DEFAULT '', updated {text} NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS stay_patient ON stay (patient_id);
"""


def upgrade() -> None:
    ddl.run(_TABLES)
