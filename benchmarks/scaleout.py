"""A backlog on PostgreSQL drained by one worker process, then by two: the ratio, and every patient's order verified.

Twice: with a handler that does nothing (what the engine itself costs) and with one that waits 20 ms, as for a far end.
`python -m benchmarks.scaleout [--deliveries 20000]`; the server is a throw-away one on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from connector.journal.engine.config import EngineConfig
from connector.journal.engine.scaleout import ScaleOutEngine
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import JournalConfig, StoredMessage, unstamp
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.postgres import Postgres

DELIVERIES = 20_000
PATIENTS = 1_000
FAR_END = 0.02
"""Seconds a far end takes to answer."""
_FILLED_PER_SECOND = 200
_BATCH = 500
_ROOT = Path(__file__).resolve().parent.parent


def drain(postgres: Postgres, deliveries: int, workers: int, pause: float) -> float:
    """Deliveries per second of `workers` processes, from the instant the backlog is due to the last one done.

    Raises AssertionError when a delivery was done twice, or a patient's were done out of order.
    """
    database = postgres.create_database()
    folder = tempfile.TemporaryDirectory()
    config = JournalConfig(postgres.url(database), audit_key=Path(folder.name) / "audit.key")
    journal = Journal.open(config)
    processes: list[subprocess.Popen[str]] = []
    try:
        due = datetime.now(UTC) + timedelta(seconds=5 + deliveries / _FILLED_PER_SECOND)
        _fill(journal, deliveries, due)
        processes = [_process(config, pause) for _ in range(workers)]
        _warm(journal, workers)
        assert datetime.now(UTC) < due, "the backlog was due before it was there"
        while journal.query("SELECT 1 FROM delivery WHERE state <> 'done' LIMIT 1"):
            time.sleep(0.2)
        return deliveries / (_verified(journal, workers) - due).total_seconds()
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        journal.close()
        folder.cleanup()
        postgres.drop_database(database)


def _fill(journal: Journal, deliveries: int, due: datetime) -> None:
    def batch(tx: Tx, first: int) -> None:
        for n in range(first, min(first + _BATCH, deliveries)):
            tx.deliver("wait", tx.resolve_patient([("benchmark", str(n % PATIENTS))]), {}, due=due, destination="dmp")

    for first in range(0, deliveries, _BATCH):
        journal.transact(lambda tx, first=first: batch(tx, first))  # type: ignore[misc]


def _warm(journal: Journal, workers: int) -> None:
    """Every process has worked, so its connections and threads are there."""
    began = time.monotonic()
    while len(journal.query("SELECT DISTINCT node FROM attempt")) < workers:
        assert time.monotonic() - began < 30, "a process does nothing"
        for n in range(50):
            journal.transact(
                lambda tx, n=n: tx.deliver("wait", tx.resolve_patient([("warm", str(n))]), {}, destination="dmp")  # type: ignore[misc]
            )
        time.sleep(0.5)


def _verified(journal: Journal, workers: int) -> datetime:
    """The end of the last attempt; each delivery once, each patient's in order, one after the other."""
    rows = journal.query(
        "SELECT d.patient_id, d.id, a.node, a.started_at, a.ended_at FROM attempt a"
        " JOIN delivery d ON d.id = a.delivery_id ORDER BY d.patient_id, a.id"
    )
    assert len(rows) == len({row["id"] for row in rows}), "a delivery was done twice"
    assert len({row["node"] for row in rows}) == workers, "not every process took part"
    for before, after in pairwise(rows):
        if before["patient_id"] == after["patient_id"]:
            in_order = before["id"] < after["id"] and before["ended_at"] <= after["started_at"]
            assert in_order, "a patient's deliveries were done out of order"
    return max(unstamp(row["ended_at"]) for row in rows)


def run(deliveries: int = DELIVERIES) -> dict[str, float]:
    """Rates per second and their ratios."""
    figures: dict[str, float] = {}
    postgres = Postgres()
    try:
        for name, pause in (("instant", 0.0), ("far end", FAR_END)):
            one, two = (drain(postgres, deliveries, workers, pause) for workers in (1, 2))
            figures |= {f"{name}, one": one, f"{name}, two": two, f"{name}, two / one": two / one}
    finally:
        postgres.close()
    return figures


# -- one worker process --------------------------------------------------------------------------------------


def _process(config: JournalConfig, pause: float) -> subprocess.Popen[str]:
    arguments = ["--worker", str(config.store), str(config.audit_key), str(pause)]
    program = [sys.executable, "-m", "benchmarks.scaleout", *arguments]
    return subprocess.Popen(program, cwd=_ROOT, stdout=subprocess.DEVNULL, text=True)


async def _live(config: JournalConfig, pause: float) -> None:
    def handler(job: Job) -> Outcome:
        if pause:
            time.sleep(pause)
        return Done()

    def router(tx: Tx, stored: StoredMessage) -> None:
        raise AssertionError("no message in this benchmark")

    engine = ScaleOutEngine(Journal.open(config), router=router, handlers={"wait": handler}, config=EngineConfig())
    await engine.start()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaleout", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    parser.add_argument("--worker", nargs=3, metavar=("STORE", "KEY", "PAUSE"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.worker:
        store, key, pause = told.worker
        asyncio.run(_live(JournalConfig(store, audit_key=Path(key)), float(pause)))
        return
    for name, figure in run(told.deliveries).items():
        print(f"{name:22} {figure:9.2f}" + ("" if "/" in name else " per second"))


if __name__ == "__main__":
    main()
