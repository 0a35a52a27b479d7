"""A process whose DMP hangs while deliveries wait for it: how much memory does it take, what does the rest do?

    python -m tests.journal.stalled_program JOURNAL WAITING OTHERS

WAITING deliveries, one per patient, wait for a destination whose handler does not come back; OTHERS are for another
one. Prints JSON: `growth` bytes from before the work to its end, `others` done, `seconds` they took, `started` for the
stalled destination.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
import time
from itertools import repeat
from pathlib import Path

from connector.journal import heads
from connector.journal.db.sqlite import SqliteConnection
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.embedded import Engine
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import JournalConfig, stamp
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.support import eventually, no_router

LETTER = "x" * 2000


def fill(tx: Tx, patients: int, kind: str, destination: str) -> None:
    """One delivery for each of `patients` new patients, as large as a payload gets."""
    now, connection = stamp(tx.now), tx.connection
    assert isinstance(connection, SqliteConnection)
    first = tx.execute("SELECT coalesce(max(id), 0) + 1 AS id FROM patient").fetchone()["id"]
    connection.executemany("INSERT INTO patient (created_at) VALUES (?)", repeat((now,), patients))
    connection.executemany(
        "INSERT INTO delivery (kind, patient_id, lane, state, due, run, unsettled, attempts, stay, document_id,"
        " reason, reason_code, since, created_at, updated_at, payload, destination)"
        " VALUES (?, ?, '', 'queued', ?, 0, 0, 0, '', '', '', '', ?, ?, ?, ?, ?)",
        (
            (kind, patient, now, now, now, now, json.dumps({"letter": LETTER}), destination)
            for patient in range(first, first + patients)
        ),
    )
    heads.rebuild(connection, "stop")


def resident() -> int:
    """Bytes of memory this process holds now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


async def run(path: Path, waiting: int, others: int) -> dict[str, float]:
    journal = Journal.open(JournalConfig(path))
    journal.transact(lambda tx: fill(tx, 8, "warm", "identity"))
    gate, started = threading.Event(), [0]
    quick = itertools.count(1)
    all_quick = threading.Event()

    def stalled(job: Job) -> Outcome:
        started[0] += 1
        gate.wait(600)
        return Done()

    def prompt(job: Job) -> Outcome:
        if next(quick) == others:
            all_quick.set()
        return Done()

    def done(kind: str) -> int:
        rows = journal.query("SELECT count(*) AS n FROM delivery WHERE kind = ? AND state = 'done'", (kind,))
        return int(rows[0]["n"])

    handlers = {"stalled": stalled, "quick": prompt, "warm": lambda job: Done()}
    engine = Engine(journal, router=no_router, handlers=handlers, config=EngineConfig(poll=0.1, drain_seconds=5.0))
    await engine.start()
    await eventually(lambda: done("warm") == 8)
    journal.transact(lambda tx: fill(tx, waiting, "stalled", "dmp"))
    engine.wake()
    await eventually(lambda: started[0] > 0)
    before = resident()
    journal.transact(lambda tx: fill(tx, others, "quick", "identity"))
    engine.wake()
    began = time.monotonic()
    # Asking the table itself again and again would cost more than the work.
    await asyncio.to_thread(all_quick.wait, 120)
    seconds = time.monotonic() - began
    await eventually(lambda: engine.running == started[0])
    result = {"growth": resident() - before, "others": done("quick"), "seconds": seconds, "started": started[0]}
    gate.set()
    await engine.stop()
    journal.close()
    return result


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))
