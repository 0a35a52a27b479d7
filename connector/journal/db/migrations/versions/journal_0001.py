"""The first tables: messages, patients, deliveries, heads, attempts, timeline."""

from __future__ import annotations

from connector.journal.db import ddl

revision = "journal_0001"
down_revision = None
branch_labels = ("journal",)

_TABLES = """
CREATE TABLE message (
    id {serial},
    key {text} NOT NULL,
    verdict {text} NOT NULL,
    routed INTEGER NOT NULL,
    type {text} NOT NULL,
    event {text} NOT NULL,
    control_id {text} NOT NULL,
    sender {text} NOT NULL,
    peer {text} NOT NULL,
    route {text} NOT NULL,
    received_at {text} NOT NULL,
    findings {text} NOT NULL,
    ack {bytes} NOT NULL,
    raw {bytes} NOT NULL
);
CREATE UNIQUE INDEX message_key ON message (key) WHERE verdict = 'accepted';
CREATE INDEX message_refused ON message (control_id) WHERE verdict = 'refused';

CREATE TABLE duplicate (
    id {serial},
    message_id {id} NOT NULL REFERENCES message (id),
    received_at {text} NOT NULL,
    peer {text} NOT NULL
);
CREATE INDEX duplicate_message ON duplicate (message_id);

CREATE TABLE routing (position {id} NOT NULL);
INSERT INTO routing VALUES (0);

CREATE TABLE routing_failure (
    message_id {id} PRIMARY KEY REFERENCES message (id),
    at {text} NOT NULL,
    reason {text} NOT NULL
);

CREATE TABLE patient (
    id {serial},
    merged_into {id} REFERENCES patient (id),
    created_at {text} NOT NULL
);
CREATE INDEX patient_merged ON patient (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE identifier (
    domain {text} NOT NULL,
    value {text} NOT NULL,
    patient_id {id} NOT NULL REFERENCES patient (id),
    PRIMARY KEY (domain, value)
);
CREATE INDEX identifier_value ON identifier (value);
CREATE INDEX identifier_patient ON identifier (patient_id);

CREATE TABLE delivery (
    id {kept_serial},
    kind {text} NOT NULL,
    patient_id {id} NOT NULL REFERENCES patient (id),
    lane {text} NOT NULL,
    state {text} NOT NULL,
    due {text} NOT NULL,
    run {id} NOT NULL,
    unsettled INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    message_id {id} REFERENCES message (id),
    stay {text} NOT NULL,
    document_id {text} NOT NULL,
    reason {text} NOT NULL,
    reason_code {text} NOT NULL,
    since {text} NOT NULL,
    created_at {text} NOT NULL,
    updated_at {text} NOT NULL,
    payload {text} NOT NULL
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
    patient_id {id} NOT NULL REFERENCES patient (id),
    lane {text} NOT NULL,
    delivery_id {id} NOT NULL REFERENCES delivery (id),
    due {text} NOT NULL,
    PRIMARY KEY (patient_id, lane)
);
CREATE INDEX head_due ON head (due, delivery_id);

CREATE TABLE attempt (
    id {kept_serial},
    delivery_id {id} NOT NULL REFERENCES delivery (id),
    number INTEGER NOT NULL,
    started_at {text} NOT NULL,
    ended_at {text},
    outcome {text} NOT NULL,
    reason {text} NOT NULL
);
CREATE INDEX attempt_delivery ON attempt (delivery_id);

CREATE TABLE timeline (
    id {serial},
    at {text} NOT NULL,
    event {text} NOT NULL,
    state_from {text} NOT NULL,
    state_to {text} NOT NULL,
    text {text} NOT NULL,
    patient_id {id},
    delivery_id {id},
    message_id {id},
    stay {text} NOT NULL,
    document_id {text} NOT NULL,
    data {text} NOT NULL
);
CREATE INDEX timeline_patient ON timeline (patient_id) WHERE patient_id IS NOT NULL;
CREATE INDEX timeline_delivery ON timeline (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX timeline_message ON timeline (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX timeline_stay ON timeline (stay) WHERE stay <> '';
CREATE INDEX timeline_document ON timeline (document_id) WHERE document_id <> '';
"""

# Several listeners may commit out of order there: what is not routed is found by its flag, not by a position.
_POSTGRESQL = "CREATE INDEX message_unrouted ON message (id) WHERE routed = 0"


def upgrade() -> None:
    ddl.run(_TABLES)
    if ddl.dialect() == "postgresql":
        ddl.run(_POSTGRESQL)
