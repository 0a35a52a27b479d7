"""What a letter needs of a patient and of a stay, stays that wait for a letter, letters the connector made itself."""

from __future__ import annotations

from connector.journal.db import ddl

revision = "patients_0003"
down_revision = "patients_0002"
branch_labels = None

_TABLES = """
ALTER TABLE patient_state ADD COLUMN traits {text} NOT NULL DEFAULT '';
CREATE INDEX patient_state_ins ON patient_state (ins) WHERE ins <> '';

ALTER TABLE stay ADD COLUMN unit_name {text} NOT NULL DEFAULT '';
ALTER TABLE stay ADD COLUMN exit_mode {text} NOT NULL DEFAULT '';
ALTER TABLE stay ADD COLUMN doctors {text} NOT NULL DEFAULT '';

CREATE TABLE letter_due (
    stay {text} PRIMARY KEY,
    since {text} NOT NULL
);

CREATE TABLE stay_document (
    unique_id {text} PRIMARY KEY,
    stay {text} NOT NULL,
    type {text} NOT NULL
);
CREATE INDEX stay_document_stay ON stay_document (stay);

CREATE TABLE letter (
    source {text} PRIMARY KEY,
    digest {text} NOT NULL,
    unique_id {text} NOT NULL,
    made_at {text} NOT NULL,
    message_id {id} NOT NULL DEFAULT 0
);
CREATE INDEX letter_document ON letter (unique_id)
"""


def upgrade() -> None:
    ddl.run(_TABLES)
