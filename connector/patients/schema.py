"""Tables of the patients room; they live in the journal's database so that one commit covers both."""

from __future__ import annotations

SCHEMA = """
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
"""
