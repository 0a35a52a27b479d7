"""A process that works on a journal until something kills it.

    python -m tests.journal.crash_program STORE EFFECTS point POINT   dies by itself at POINT
    python -m tests.journal.crash_program STORE EFFECTS kills N SEED  is killed N times at random moments

The effect is a line in the EFFECTS file, appended in one write: it survives the process as a document sent would.
Each life is a fork of the same parent, so that twenty lives cost one interpreter start.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from connector.journal.engine.config import EngineConfig
from connector.journal.engine.opening import engine_for
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import JournalConfig, StoredMessage
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.support import IPP

LEASE: dict[str, Any] = {"lease": 2.0, "beat": 0.3}
"""Short, so that what a killed process held on PostgreSQL is taken over soon."""

LIVES = {"sqlite": (0.005, 0.08), "postgresql": (0.3, 0.8)}
"""Seconds each process lives: a scale-out engine takes longer to start, and to be missed."""

POINTS = ("routing", "running", "sending", "sent", "then")
"""Before the router's commit, before `sending`, after it, after the effect, inside the outcome's transaction."""


class Work:
    """Router and handler; `point` is where this process kills itself, "" for nowhere."""

    def __init__(self, effects: Path, point: str = "") -> None:
        self.effects = effects
        self.point = point
        self.pause = 0.0
        self.resumed: list[int] = []

    def die_at(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def route(self, tx: Tx, stored: StoredMessage) -> None:
        tx.deliver("send", tx.resolve_patient([(IPP, str(stored.id % 5))]), {}, message_id=stored.id)
        self.die_at("routing")

    def handle(self, job: Job) -> Outcome:
        self.die_at("running")
        time.sleep(self.pause)
        if job.resumed:
            self.resumed.append(job.delivery_id)
        if job.resumed and self.was_sent(job.delivery_id):
            return Done("retrouvé")
        job.sending({"unique_id": str(job.delivery_id)})
        self.die_at("sending")
        self.send(job)
        self.die_at("sent")
        return Done("envoyé", then=lambda tx: self.die_at("then"))

    def was_sent(self, delivery_id: int) -> bool:
        return delivery_id in (sent for _, sent in self.sent())

    def send(self, job: Job) -> None:
        descriptor = os.open(self.effects, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{job.patient_id} {job.delivery_id}\n".encode())
        os.close(descriptor)

    def sent(self) -> list[tuple[int, int]]:
        """(patient, delivery) of every effect, in order."""
        if not self.effects.exists():
            return []
        return [(int(p), int(d)) for p, d in (line.split() for line in self.effects.read_text().splitlines())]


async def live(store: str, work: Work) -> None:
    """Works for ever: only a kill ends this process."""
    journal = Journal.open(JournalConfig(store))
    config = EngineConfig(workers=4, **LEASE)
    engine = engine_for(journal, router=work.route, handlers={"send": work.handle}, config=config)
    await engine.start()
    await asyncio.Event().wait()


def fork(store: str, work: Work) -> int:
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(live(store, work))
        finally:
            os._exit(1)
    return child


def await_effect(work: Work) -> None:
    before, end = len(work.sent()), time.monotonic() + 10.0
    while len(work.sent()) == before and time.monotonic() < end:
        time.sleep(0.002)


def main(store: str, effects: Path, mode: str, *rest: str) -> None:
    if mode == "point":
        _, status = os.waitpid(fork(store, Work(effects, rest[0])), 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        return
    work = Work(effects)
    # Four workers at 5 ms each: twenty lives cannot finish the work, so every kill falls in the middle of it.
    work.pause = 0.005
    chance = random.Random(int(rest[1]))
    for number in range(int(rest[0])):
        child = fork(store, work)
        if number == 0 or (number % 4 == 0 and store.startswith("sqlite")):
            # on a busy machine a life may end before its first effect: these do not (on PostgreSQL a later one has
            # first to miss the one before)
            await_effect(work)
        time.sleep(chance.uniform(*LIVES[store.partition(":")[0]]))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], *sys.argv[4:])
