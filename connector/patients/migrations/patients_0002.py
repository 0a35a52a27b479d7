"""Chains of document versions, who else asked for a document, what is known of a patient's record in the DMP."""

from __future__ import annotations

from connector.journal.db import ddl

revision = "patients_0002"
down_revision = "patients_0001"
branch_labels = None

_TABLES = """
CREATE TABLE version (
    unique_id {text} PRIMARY KEY,
    patient_id {id} NOT NULL,
    set_id {text} NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 0,
    replaces {text} NOT NULL DEFAULT '',
    replaced_by {text} NOT NULL DEFAULT '',
    state {text} NOT NULL,
    updated {text} NOT NULL DEFAULT ''
);
CREATE INDEX version_set ON version (set_id, number);
CREATE INDEX version_patient ON version (patient_id);

CREATE TABLE answer_due (
    message_id {id} PRIMARY KEY,
    delivery_id {id} NOT NULL,
    sender {text} NOT NULL
);
CREATE INDEX answer_due_delivery ON answer_due (delivery_id);

ALTER TABLE patient_state ADD COLUMN dmp_said {text} NOT NULL DEFAULT '';
ALTER TABLE patient_state ADD COLUMN dmp {text} NOT NULL DEFAULT '';
ALTER TABLE patient_state ADD COLUMN dmp_code {text} NOT NULL DEFAULT '';
ALTER TABLE patient_state ADD COLUMN dmp_asked {text} NOT NULL DEFAULT ''
"""


def upgrade() -> None:
    ddl.run(_TABLES)
