"""Shared by the journal's tests: a message, a clock one can push, an engine that runs for a while."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.journal.engine.backoff import Backoff
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.opening import WorkEngine, engine_for
from connector.journal.job import Done, Handler, Job, Outcome
from connector.journal.model import Incoming, StoredMessage, key_of
from connector.journal.store import Journal
from connector.journal.tx import Tx

FULL_PROOF = os.environ.get("CONNECTOR_PROOF") == "full"
"""`make proof` repeats the random proofs many times more than `make test`."""
NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
IPP = "1.2.250.1.999.1"
INS = "1.2.250.1.213.1.4.10"
FAST = Backoff(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=20), jitter=0.0)


class Clock:
    """Stands still until pushed."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def push(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def message(number: int | str, **changes: Any) -> Incoming:
    """An accepted ADT whose key, control id and acknowledgement follow `number`."""
    fields: dict[str, Any] = {
        "raw": f"MSH|message {number}".encode(),
        "peer": "192.0.2.1:4000",
        "key": key_of(f"control-{number}", "SGL", "CHU-X"),
        "type": "ADT",
        "event": "A01",
        "control_id": f"control-{number}",
        "sender": "SGL|CHU-X",
        "received_at": NOW,
        "verdict": "accepted",
        "ack": f"MSA|AA|{number}".encode(),
        "route": "adt-act",
    }
    return Incoming(**(fields | changes))


def patient(journal: Journal, number: int | str) -> int:
    """The patient of IPP `number`, created when needed."""
    return journal.transact(lambda tx: tx.resolve_patient([(IPP, str(number))]))


def deliver(journal: Journal, patient_id: int, kind: str = "send", **options: Any) -> int:
    return journal.transact(lambda tx: tx.deliver(kind, patient_id, options.pop("payload", {}), **options))


def state(journal: Journal, delivery_id: int) -> str:
    return journal.delivery(delivery_id).state


def events(journal: Journal, delivery_id: int) -> list[str]:
    """Names of the lines of one delivery, in order."""
    rows = journal.query("SELECT event FROM timeline WHERE delivery_id = ? ORDER BY id", (delivery_id,))
    return [row["event"] for row in rows]


def no_router(tx: Tx, stored: StoredMessage) -> None:
    """For tests that create their deliveries themselves."""


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Returns as soon as `condition()` holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def working(
    journal: Journal,
    handlers: Mapping[str, Handler],
    router: Callable[[Tx, StoredMessage], None] = no_router,
    **settings: Any,
) -> AsyncIterator[WorkEngine]:
    """An engine on `journal`, stopped on the way out."""
    config = replace(EngineConfig(backoff=FAST, poll=0.2, drain_seconds=5.0), **settings)
    engine = engine_for(journal, router=router, handlers=handlers, config=config)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def drained(journal: Journal, handlers: Mapping[str, Handler], **settings: Any) -> None:
    """Runs an engine until nothing is queued, running, sending or waiting for a retry."""
    async with working(journal, handlers, **settings):
        await eventually(lambda: not active(journal))


def active(journal: Journal) -> int:
    query = (
        "SELECT (SELECT count(*) FROM delivery WHERE state IN ('queued','running','sending','retry'))"
        " + (SELECT count(*) FROM message WHERE routed = 0) AS n"
    )
    return int(journal.query(query)[0]["n"])


class Script:
    """A handler that answers what it was told to, and remembers what it was given.

    `answers[delivery_id]` is a list of outcomes, one per attempt; Done when it is used up.
    """

    def __init__(self, answers: Mapping[int, list[Outcome]] | None = None) -> None:
        self.answers = {key: list(value) for key, value in (answers or {}).items()}
        self.seen: list[tuple[int, int]] = []
        self.jobs: list[Job] = []

    def __call__(self, job: Job) -> Outcome:
        self.seen.append((job.patient_id, job.delivery_id))
        self.jobs.append(job)
        waiting = self.answers.get(job.delivery_id)
        return waiting.pop(0) if waiting else Done("fait")

    def order(self, patient_id: int) -> list[int]:
        return [delivery_id for owner, delivery_id in self.seen if owner == patient_id]
