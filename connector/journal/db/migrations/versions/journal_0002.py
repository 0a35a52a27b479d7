"""Destinations, the lives of messages and documents, nodes, audit, followers, alerts, retention."""

from __future__ import annotations

from connector.journal.db import ddl

revision = "journal_0002"
down_revision = "journal_0001"
branch_labels = None

# head loses its reference to delivery: a foreign key is searched in `head` for every delivery retention removes.
_TABLES = """
ALTER TABLE delivery ADD COLUMN destination {text} NOT NULL DEFAULT '';

DROP INDEX delivery_worklist;
CREATE INDEX delivery_open ON delivery (state, id, destination, since) WHERE state <> 'done';

UPDATE message SET routed = 2 WHERE id IN (SELECT message_id FROM routing_failure);

CREATE TABLE IF NOT EXISTS document (
    id {serial},
    unique_id {text} NOT NULL,
    action {text} NOT NULL,
    sha256 {text} NOT NULL,
    patient_id {id} NOT NULL,
    delivery_id {id} NOT NULL,
    sender {text} NOT NULL DEFAULT '',
    UNIQUE (unique_id, action, sha256)
);
CREATE INDEX IF NOT EXISTS document_unique_id ON document (unique_id);
CREATE INDEX document_delivery ON document (delivery_id);
ALTER TABLE document ADD COLUMN state {text} NOT NULL DEFAULT '';
UPDATE document SET state = (SELECT CASE
    WHEN d.state = 'done' AND d.reason_code = 'settled' THEN 'settled'
    WHEN d.state = 'done' THEN 'published'
    WHEN d.state = 'refused' THEN 'refused'
    WHEN d.state = 'dead' THEN 'given-up'
    WHEN d.unsettled = 1 OR d.state = 'sending' THEN 'in-doubt'
    WHEN d.state IN ('held', 'retry') THEN 'waiting'
    ELSE 'received' END
    FROM delivery d WHERE d.id = document.delivery_id);

ALTER TABLE head RENAME TO former_head;
DROP INDEX head_due;
CREATE TABLE head (
    patient_id {id} NOT NULL REFERENCES patient (id),
    lane {text} NOT NULL,
    delivery_id {id} NOT NULL,
    due {text} NOT NULL,
    destination {text} NOT NULL DEFAULT '',
    PRIMARY KEY (patient_id, lane)
);
INSERT INTO head (patient_id, lane, delivery_id, due) SELECT patient_id, lane, delivery_id, due FROM former_head;
DROP TABLE former_head;
CREATE INDEX head_due ON head (destination, due, delivery_id);

ALTER TABLE attempt ADD COLUMN node {text} NOT NULL DEFAULT '';
CREATE INDEX attempt_open ON attempt (node) WHERE ended_at IS NULL;

CREATE TABLE node (
    name {text} PRIMARY KEY,
    role {text} NOT NULL,
    host {text} NOT NULL,
    pid INTEGER NOT NULL,
    version {text} NOT NULL,
    started_at {text} NOT NULL,
    beat_at {text} NOT NULL,
    lease_until {text} NOT NULL
);

CREATE TABLE audit (
    id {serial},
    at {text} NOT NULL,
    line {text} NOT NULL,
    mac {text} NOT NULL
);
CREATE INDEX audit_at ON audit (at);

CREATE TABLE audit_anchor (
    id {id} PRIMARY KEY,
    mac {text} NOT NULL,
    purged_at {text} NOT NULL
);

CREATE TABLE follower (
    name {text} PRIMARY KEY,
    position {id} NOT NULL
);

CREATE TABLE alert (
    cause {text} PRIMARY KEY,
    severity {text} NOT NULL,
    level INTEGER NOT NULL,
    title {text} NOT NULL,
    text {text} NOT NULL,
    advice {text} NOT NULL,
    since {text} NOT NULL,
    seen_at {text} NOT NULL,
    cleared_at {text} NOT NULL,
    told {text} NOT NULL
);

CREATE TABLE alert_notice (
    id {serial},
    key {text} NOT NULL,
    cause {text} NOT NULL,
    channel {text} NOT NULL,
    created_at {text} NOT NULL,
    due {text} NOT NULL,
    attempts INTEGER NOT NULL,
    notice {text} NOT NULL
);
CREATE INDEX alert_notice_next ON alert_notice (channel, cause, id);

CREATE TABLE purged (
    message_id {id} PRIMARY KEY,
    at {text} NOT NULL
);

CREATE TABLE retention (
    walk {text} PRIMARY KEY,
    position {id} NOT NULL,
    again {id} NOT NULL,
    removed {id} NOT NULL
);

CREATE TABLE retention_kept (
    walk {text} NOT NULL,
    id {id} NOT NULL,
    PRIMARY KEY (walk, id)
);

CREATE TABLE meta (
    name {text} PRIMARY KEY,
    value {text} NOT NULL
);
"""


def upgrade() -> None:
    ddl.run(_TABLES)
