"""How long a person waits for an answer when 100 000 deliveries are queued over a long history.

`python -m benchmarks.search [--store postgresql://user@host/empty] [--json]`: milliseconds, p50 and p95, of the
timeline and of the queue by IPP, INS and uniqueId, of the first page of the queue, and of its counts. The goal is 50 ms
(p95).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from connector.journal.model import JournalConfig
from connector.journal.queue import Wanted, counts, find
from connector.journal.store import Journal
from connector.journal.timeline import patients_of, timeline
from connector.journal.tx import Tx

QUEUED, DONE, PATIENTS = 100_000, 200_000, 20_000
ASKED = 200
"""Questions of each kind, each about another patient or document."""
_RAW = b"MSH|^~\\&|" + b"x" * 1291
_AT = "2026-11-02T08:30:00.000000+00:00"

# Two admissions, then a letter: kind and destination by the rest of the division by three.
_ROWS = """
INSERT INTO patient (created_at) SELECT '{at}' FROM n WHERE i <= {patients};
INSERT INTO identifier (domain, value, patient_id) SELECT 'CHU-X', 'IPP' || i, i FROM n WHERE i <= {patients};
INSERT INTO identifier (domain, value, patient_id) SELECT '1.2.250.1.213.1.4.10', 'INS' || i, i FROM n
 WHERE i <= {patients};
INSERT INTO message (key, verdict, routed, type, event, control_id, sender, peer, route, received_at, findings,
 ack, raw) SELECT 'M' || i || '|', 'accepted', 1, 'ADT', 'A01', 'M' || i, 'SGL|CHU-X', '', 'adt-act', '{at}', '[]',
 ?, ? FROM n;
INSERT INTO delivery (kind, patient_id, lane, state, due, run, unsettled, attempts, message_id, stay, document_id,
 reason, reason_code, since, created_at, updated_at, payload, destination)
 SELECT CASE WHEN i / 3 * 3 = i THEN 'publication' ELSE 'admission' END, i - i / {patients} * {patients} + 1, '',
 CASE WHEN i <= {done} THEN 'done' ELSE 'queued' END, '{at}', 0, 0, 0, i, 'S' || i,
 CASE WHEN i / 3 * 3 = i THEN '2.25.' || i ELSE '' END, '', '', '{at}', '{at}', '{at}', '{{}}',
 CASE WHEN i / 3 * 3 = i THEN 'dmp' ELSE 'identity' END FROM n;
INSERT INTO timeline (at, event, state_from, state_to, text, patient_id, delivery_id, message_id, stay, document_id,
 data) SELECT '{at}', 'create', '', 'queued', 'Travail', patient_id, id, message_id, stay, document_id, '{{}}'
 FROM delivery;
INSERT INTO timeline (at, event, state_from, state_to, text, patient_id, delivery_id, message_id, stay, document_id,
 data) SELECT '{at}', 'start', 'queued', 'running', 'Travail', patient_id, id, message_id, stay, document_id, '{{}}'
 FROM delivery WHERE state = 'done';
INSERT INTO timeline (at, event, state_from, state_to, text, patient_id, delivery_id, message_id, stay, document_id,
 data) SELECT '{at}', 'succeed', 'running', 'done', 'Travail', patient_id, id, message_id, stay, document_id, '{{}}'
 FROM delivery WHERE state = 'done';
"""


def fill(journal: Journal, queued: int = QUEUED, done: int = DONE, patients: int = PATIENTS) -> None:
    """An empty journal becomes that of a hospital whose DMP has been away: `done` deliveries, then `queued` ones."""
    total = queued + done
    script = _ROWS.format(at=_AT, patients=patients, done=done)
    for statement in filter(str.strip, script.split(";")):
        journal.transact(partial(_insert, sql=statement, total=total))
    if journal.config.url.dialect == "postgresql":
        # What autovacuum does within a minute of so many rows.
        journal.transact(lambda tx: tx.execute("ANALYZE"))


def _insert(tx: Tx, sql: str, total: int) -> None:
    """One statement over the numbers 1 to `total`."""
    numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {total}) "
    target, _, rows = sql.strip().partition("SELECT")
    with_rows = f"{target}{numbers if ' FROM n' in rows else ''}SELECT{rows}"
    tx.execute(with_rows, (b"", _RAW) if "?" in rows else ())


def measure(journal: Journal, queued: int = QUEUED, done: int = DONE, patients: int = PATIENTS) -> dict[str, float]:
    """Milliseconds of each question, p50 and p95."""
    draw = random.Random(3)
    who = [draw.randint(1, patients) for _ in range(ASKED)]
    waiting = [f"2.25.{draw.randint(done // 3 + 1, (done + queued) // 3) * 3}" for _ in range(ASKED)]
    ended = [f"2.25.{draw.randint(1, done // 3) * 3}" for _ in range(ASKED)]
    questions: dict[str, list[Callable[[], object]]] = {
        "timeline by IPP": [partial(timeline, journal, ipp=f"IPP{n}") for n in who],
        "timeline by INS": [partial(timeline, journal, ins=f"INS{n}") for n in who],
        "timeline by uniqueId": [partial(timeline, journal, document_id=n) for n in ended],
        "queue by IPP": [partial(_of_patient, journal, f"IPP{n}") for n in who],
        "queue by INS": [partial(_of_patient, journal, f"INS{n}") for n in who],
        "queue by uniqueId": [partial(find, journal, Wanted(document_id=n), 50) for n in waiting],
        "queue, first page": [partial(find, journal, Wanted(), 50)] * ASKED,
        "queue of a destination": [partial(find, journal, Wanted(destination="dmp"), 50)] * ASKED,
        "counts": [partial(counts, journal)] * (ASKED // 4),
    }
    figures = {}
    for name, asked in questions.items():
        taken = sorted(_milliseconds(question) for question in asked)
        figures[f"{name} p50"] = statistics.median(taken)
        figures[f"{name} p95"] = taken[int(len(taken) * 0.95)]
    return figures


def _of_patient(journal: Journal, value: str) -> object:
    return find(journal, Wanted(patients=patients_of(journal, value)), 50)


def _milliseconds(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    if not question():
        raise AssertionError("the benchmark asks for what is there only")
    return (time.perf_counter() - began) * 1000


def run(store: str = "") -> dict[str, float]:
    """Figures of a SQLite file, or of an empty PostgreSQL database."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name:
        config = JournalConfig(store or Path(name) / "search.db", audit_key=Path(name) / "audit.key")
        journal = Journal.open(config)
        try:
            fill(journal)
            return measure(journal)
        finally:
            journal.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description="Milliseconds of each question.")
    parser.add_argument("--store", default="", help="an empty PostgreSQL database; a SQLite file otherwise")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = run(options.store)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for figure, value in found.items():
            print(f"{figure:32} {value:8.2f} ms")
