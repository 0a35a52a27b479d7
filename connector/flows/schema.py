"""Tables of the flows: which document went through which delivery, for idempotence and the timeline."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    id INTEGER PRIMARY KEY,
    unique_id TEXT NOT NULL, action TEXT NOT NULL, sha256 TEXT NOT NULL,
    patient_id INTEGER NOT NULL, delivery_id INTEGER NOT NULL, sender TEXT NOT NULL DEFAULT '',
    UNIQUE (unique_id, action, sha256)
);
CREATE INDEX IF NOT EXISTS document_unique_id ON document (unique_id);
"""
