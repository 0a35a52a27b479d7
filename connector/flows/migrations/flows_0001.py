"""The first tables of the flows room."""

from __future__ import annotations

from connector.journal.db import ddl

revision = "flows_0001"
down_revision = None
branch_labels = ("flows",)

# A file of the first release has these tables already, without a revision of this room.
_TABLES = """
CREATE TABLE IF NOT EXISTS document (
    id {serial},
    unique_id {text} NOT NULL, action {text} NOT NULL, sha256 {text} NOT NULL,
    patient_id {id} NOT NULL, delivery_id {id} NOT NULL, sender {text} NOT NULL DEFAULT '',
    UNIQUE (unique_id, action, sha256)
);
CREATE INDEX IF NOT EXISTS document_unique_id ON document (unique_id);
"""


def upgrade() -> None:
    ddl.run(_TABLES)
