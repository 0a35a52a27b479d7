"""What retention costs those who send: acknowledgement times while an old history is let go of, and without that.

`python -m benchmarks.retention [--messages N] [--rate N] [--seconds N] [--json]`

Rounds with and without alternate on the same journal, as a disk drifts. CONNECTOR_BENCH_DIR chooses the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from connector.journal import Incoming, Journal, JournalConfig, Tx, inbox, key_of
from connector.journal.retention.config import RetentionConfig, Rules
from connector.journal.retention.keeper import Keeper, Tally

DOCUMENT_SHARE, DOCUMENT_BYTES, MESSAGE_BYTES = 0.05, 200_000, 1300
_BATCH = 200


def _incoming(number: int, received_at: datetime, chance: random.Random) -> Incoming:
    document = chance.random() < DOCUMENT_SHARE
    return Incoming(
        raw=chance.randbytes(DOCUMENT_BYTES if document else MESSAGE_BYTES),
        peer="192.0.2.1:4000",
        key=key_of(f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"),
        type="ADT",
        event="A01",
        control_id=str(number),
        sender="SGL|CHU-X",
        received_at=received_at,
        verdict="accepted",
        ack=b"MSH|^~\\&|" + b"a" * 170,
        route="document" if document else "adt-act",
    )


def fill(journal: Journal, messages: int, chance: random.Random) -> None:
    """Finished traffic of a year ago, each message with its delivery, attempt and lines."""
    long_ago = datetime.now(UTC) - timedelta(days=365)

    def write(tx: Tx, first: int) -> None:
        for number in range(first, min(first + _BATCH, messages)):
            stored = inbox.store(tx.connection, [inbox.to_row(_incoming(number, long_ago, chance))])[0]
            patient = tx.resolve_patient([("benchmark", str(number % 200))])
            delivery = tx.deliver("nothing", patient, {}, message_id=stored.message_id)
            moment = long_ago.isoformat(timespec="microseconds")
            tx.execute(
                "INSERT INTO attempt (delivery_id, number, started_at, outcome, reason) VALUES (?, 1, ?, 'done', '')",
                (delivery, moment),
            )
            tx.execute(
                "UPDATE delivery SET state = 'done', created_at = ?, updated_at = ? WHERE id = ?",
                (moment, moment, delivery),
            )
            tx.execute("UPDATE message SET routed = 1 WHERE id = ?", (stored.message_id,))

    for first in range(0, messages, _BATCH):
        journal.transact(partial(write, first=first))
    journal.transact(lambda tx: tx.execute("DELETE FROM head").rowcount)


async def _accept(journal: Journal, first: int, rate: float, seconds: float, chance: random.Random) -> list[float]:
    """Seconds from sending to durable, at a fixed rate whatever the answers take."""
    waits: list[float] = []

    async def one(number: int, due: float) -> None:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        await journal.accept(_incoming(number, datetime.now(UTC), chance))
        # From the moment it was due: a late start counts as waiting.
        waits.append(time.perf_counter() - due)

    began = time.perf_counter() + 0.1
    await asyncio.gather(*(one(first + n, began + n / rate) for n in range(int(rate * seconds))))
    return waits


def _percentile(waits: list[float], share: float) -> float:
    return sorted(waits)[int(len(waits) * share)] * 1000


def run(messages: int = 20_000, rate: float = 200.0, seconds: float = 4.0, rounds: int = 3) -> dict[str, float]:
    """Milliseconds of acknowledgements with and without retention at work, and how fast it works meanwhile."""
    chance, number = random.Random(3), messages
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name:
        journal = Journal.open(JournalConfig(Path(name) / "journal.db"))
        try:
            fill(journal, messages, chance)
            rules = Rules(RetentionConfig(content_days=90, attachment_days=30, trace_days=180), ("document",))
            waits: dict[bool, list[float]] = {False: [], True: []}
            tallies: list[Tally] = []
            working = 0.0
            for turn in range(2 * rounds):
                purging = bool(turn % 2)
                keeper = Keeper(journal, rules)
                worker = threading.Thread(target=lambda one=keeper: tallies.append(one.round()))
                began = time.perf_counter()
                if purging:
                    worker.start()
                waits[purging] += asyncio.run(_accept(journal, number, rate, seconds, chance))
                number += int(rate * seconds)
                if purging:
                    keeper.stop()
                    worker.join()
                    working += time.perf_counter() - began
        finally:
            journal.close()
    removed = sum(sum(tally.removed.values()) for tally in tallies)
    without, beside = _percentile(waits[False], 0.99), _percentile(waits[True], 0.99)
    return {
        "accepted per second": rate,
        "p50 ms, retention idle": _percentile(waits[False], 0.5),
        "p99 ms, retention idle": without,
        "p50 ms, retention at work": _percentile(waits[True], 0.5),
        "p99 ms, retention at work": beside,
        "p99 ms added": beside - without,
        "longest ms, retention at work": max(waits[True]) * 1000,
        "rows removed per second": removed / working,
        "MB of content freed per second": sum(tally.freed for tally in tallies) / working / 1e6,
        "median p50 ratio": statistics.median(waits[True]) / statistics.median(waits[False]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.retention", description="Acknowledgements while retention works, and without."
    )
    parser.add_argument("--messages", type=int, default=20_000, help="messages of the old history")
    parser.add_argument("--rate", type=float, default=200.0, help="messages accepted per second meanwhile")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each of six rounds")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    given = parser.parse_args()
    figures = run(given.messages, given.rate, given.seconds)
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for figure, value in figures.items():
        print(f"{figure:34} {value:10.2f}")


if __name__ == "__main__":
    main()
