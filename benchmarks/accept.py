"""How fast the journal makes messages durable, and the engine works them off, beside this disk's own fsync rate.

Absolute figures belong to one machine; the ratio to the fsync floor is what two runs may be compared by.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from connector.journal.engine.config import EngineConfig
from connector.journal.engine.embedded import Engine
from connector.journal.job import Done
from connector.journal.model import Incoming, JournalConfig, StoredMessage
from connector.journal.store import Journal
from connector.journal.tx import Tx

RAW = b"MSH|^~\\&|" + b"x" * 1291
"""As long as an ADT of PAM-FR: 1.3 kB."""
PATIENTS = 200


def fsync_floor(path: Path, seconds: float = 1.0) -> float:
    """Appends of 4 KiB each followed by fsync, per second, on the disk of folder `path`."""
    file = path / "floor"
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    block, count, began = b"\0" * 4096, 0, time.perf_counter()
    try:
        while time.perf_counter() - began < seconds:
            os.write(descriptor, block)
            os.fsync(descriptor)
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        file.unlink()


def _incoming(number: int) -> Incoming:
    # A multiplicative hash spreads the keys over the index as content hashes do.
    key = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"
    ack = b"MSH|^~\\&|" + b"a" * 170
    now = datetime.now(UTC)
    return Incoming(RAW, "192.0.2.1:4000", key, "ADT", "A01", str(number), "SGL|CHU-X", now, "accepted", ack)


def accept_rate(path: Path, concurrency: int, seconds: float = 2.0) -> float:
    """Durable `accept` per second with `concurrency` coroutines waiting, on a fresh journal in folder `path`."""
    journal = Journal.open(JournalConfig(path / f"accept-{concurrency}.db"))
    try:
        return asyncio.run(_accept(journal, concurrency, seconds))
    finally:
        journal.close()


async def _accept(journal: Journal, concurrency: int, seconds: float) -> float:
    numbers = _count()
    began = time.perf_counter()

    async def send() -> int:
        sent = 0
        while time.perf_counter() - began < seconds:
            stored = await journal.accept(_incoming(next(numbers)))
            if stored.duplicate:
                raise AssertionError("the benchmark must store new messages only")
            sent += 1
        return sent

    total = sum(await asyncio.gather(*(send() for _ in range(concurrency))))
    return total / (time.perf_counter() - began)


def _count() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def engine_rate(path: Path, deliveries: int = 5000) -> float:
    """Messages routed and delivered per second by a handler that does nothing, `PATIENTS` patients."""
    journal = Journal.open(JournalConfig(path / "engine.db"))
    try:
        return asyncio.run(_work_off(journal, deliveries))
    finally:
        journal.close()


def _route(tx: Tx, stored: StoredMessage) -> None:
    patient = tx.resolve_patient([("benchmark", str(stored.id % PATIENTS))])
    tx.deliver("nothing", patient, {}, message_id=stored.id, document_id=f"2.25.{stored.id}")


async def _work_off(journal: Journal, deliveries: int) -> float:
    await asyncio.gather(*(journal.accept(_incoming(number)) for number in range(1, deliveries + 1)))
    engine = Engine(journal, router=_route, handlers={"nothing": lambda job: Done()}, config=EngineConfig())
    began = time.perf_counter()
    await engine.start()
    done = "SELECT count(*) AS n FROM delivery WHERE state = 'done'"
    while journal.query(done)[0]["n"] < deliveries:
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - began
    await engine.stop()
    return deliveries / seconds


def run(rounds: int = 3) -> dict[str, float]:
    """Median rates per second, and the median ratio of each to the fsync floor of its own round.

    CONNECTOR_BENCH_DIR chooses the disk; the system's temporary folder otherwise (beware: it may be in memory).
    """
    floors: list[float] = []
    rates: dict[str, list[float]] = {"accept, 50 waiting": [], "accept, 1 waiting": [], "engine": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name:
            path = Path(name)
            # The floor is taken before and after: a virtual disk drifts, their mean is fairer.
            before = fsync_floor(path)
            rates["accept, 50 waiting"].append(accept_rate(path, 50))
            rates["accept, 1 waiting"].append(accept_rate(path, 1))
            rates["engine"].append(engine_rate(path))
            floors.append((before + fsync_floor(path)) / 2)
    figures = {"floor per second": statistics.median(floors)}
    for title, found in rates.items():
        figures[f"{title} per second"] = statistics.median(found)
        figures[f"{title} / floor"] = statistics.median(rate / floor for rate, floor in zip(found, floors, strict=True))
    return figures


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:32} {value:10.2f}")
