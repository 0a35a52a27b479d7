"""Destinations on the real engine: slow, dead or limited, one takes nothing from the others, and order stays."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from connector.journal.engine.backoff import Backoff
from connector.journal.engine.destinations import DestinationConfig
from connector.journal.job import Done, Hold, Job, Outcome, Retry, Unknown
from connector.journal.store import Journal
from tests.journal.support import FULL_PROOF, Script, active, deliver, eventually, patient, state, working

SOON = timedelta(milliseconds=10)
NEVER = timedelta(hours=1)


class FarEnd:
    """A destination that may be dead; it counts the calls that reached it."""

    def __init__(self) -> None:
        self.dead = True
        self.calls: list[float] = []

    def __call__(self, job: Job) -> Outcome:
        self.calls.append(time.monotonic())
        return Retry("injoignable", after=SOON, unreachable=True) if self.dead else Done()


# -- slow ----------------------------------------------------------------------------------------------------------


async def test_a_destination_that_hangs_occupies_its_own_workers_only(journal: Journal) -> None:
    stuck = [deliver(journal, patient(journal, n), kind="hang", destination="dmp") for n in range(30)]
    free = [deliver(journal, patient(journal, n), destination="identity") for n in range(100, 160)]
    gate, inside = threading.Event(), list[int]()

    def hang(job: Job) -> Outcome:
        inside.append(job.delivery_id)
        gate.wait(20)
        return Done()

    async with working(journal, {"hang": hang, "send": Script()}, workers=3):
        await eventually(lambda: all(state(journal, d) == "done" for d in free))
        assert (len(inside), sum(state(journal, d) == "queued" for d in stuck)) == (3, 27)
        gate.set()
        await eventually(lambda: all(state(journal, d) == "done" for d in stuck))


async def test_senders_that_hang_leave_room_for_the_dmp(journal: Journal) -> None:
    for n in range(40):
        deliver(journal, patient(journal, n), kind="hang", lane="zam", destination=f"zam:GAM{n}|CHU-X")
    free = [deliver(journal, patient(journal, n), destination="dmp") for n in range(20)]
    gate, inside = threading.Event(), list[int]()

    def hang(job: Job) -> Outcome:
        inside.append(job.delivery_id)
        gate.wait(20)
        return Done()

    async with working(journal, {"hang": hang, "send": Script()}, workers=2):
        await eventually(lambda: all(state(journal, d) == "done" for d in free))
        assert len(inside) == 8
        gate.set()
        await eventually(lambda: not active(journal))


@pytest.mark.proof
def test_what_waits_for_a_stalled_destination_waits_on_disk(tmp_path: Path) -> None:
    waiting, others = (100_000, 2000) if FULL_PROOF else (10_000, 300)
    command = [sys.executable, "-m", "tests.journal.stalled_program", str(tmp_path / "j.db"), str(waiting), str(others)]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=600).stdout)
    print(f"{waiting} waiting for a stalled destination: {result}")
    assert (result["others"], result["started"]) == (others, 8)
    # The bodies are 2 kB each: the reduced number of them would take 20 MB as bytes alone.
    assert result["growth"] < 16 * 2**20
    assert others / result["seconds"] > 50


# -- dead ----------------------------------------------------------------------------------------------------------


async def test_a_dead_destination_gets_probes_only_and_costs_no_attempt(journal: Journal) -> None:
    dead = [deliver(journal, patient(journal, n), kind="call", destination="dmp") for n in range(40)]
    free = [deliver(journal, patient(journal, n), destination="identity") for n in range(100, 140)]
    far_end = FarEnd()
    settings = {"dmp": DestinationConfig(workers=2, failures=3, cooldown=0.2, longest=0.4)}
    began = time.monotonic()
    async with working(journal, {"call": far_end, "send": Script()}, destinations=settings) as engine:
        await eventually(lambda: engine.destinations.state("dmp") == "open")
        # Three that failed, and what was on its way; then one at 0.2, 0.6, 1.0 and 1.4 s.
        opened, first = time.monotonic(), len(far_end.calls)
        assert first <= 4 + (opened - began) / 0.2
        await eventually(lambda: all(state(journal, d) == "done" for d in free))
        await eventually(lambda: time.monotonic() - opened > 1.5)
        # a call that was on its way when the breaker opened is none of its probes
        probes = [at for at in far_end.calls[first:] if at > opened + 0.12]
        assert 2 <= len(probes) <= 4
        assert all(after - before > 0.19 for before, after in itertools.pairwise(probes))
        (spent,) = journal.query("SELECT sum(attempts) AS n FROM delivery WHERE destination = 'dmp'")
        assert spent["n"] == len(far_end.calls)
        assert engine.destinations.states()["dmp"].failures >= 3
        assert engine.trouble == ""
        untouched = [d for d in dead if journal.delivery(d).attempts == 0]
        assert {state(journal, d) for d in untouched} == {"queued"}
        far_end.dead = False
        await eventually(lambda: all(state(journal, d) == "done" for d in dead))
        assert engine.destinations.state("dmp") == "closed"


async def test_a_probe_that_never_asks_decides_nothing(journal: Journal) -> None:
    owners = [patient(journal, n) for n in range(3)]
    first, second, third = (deliver(journal, owner, destination="dmp") for owner in owners)
    script = Script({first: [Retry("injoignable", after=NEVER, unreachable=True)]})
    script.answers[second] = [Hold("INS non qualifiée", "ins", unreachable=None)]
    script.answers[third] = [Retry("injoignable", after=NEVER, unreachable=True)]
    settings = {"dmp": DestinationConfig(workers=1, failures=1, cooldown=0.1, longest=60)}
    async with working(journal, {"send": script}, destinations=settings) as engine:
        await eventually(lambda: state(journal, third) == "retry")
        assert state(journal, second) == "held"
        # Opened by the first, left half-open by the second, doubled by the third.
        assert 0.1 < engine.destinations.seconds("dmp") <= 0.2


async def test_a_handler_that_breaks_says_nothing_of_its_destination(journal: Journal) -> None:
    ids = [deliver(journal, patient(journal, n), destination="dmp") for n in range(5)]

    def broken(job: Job) -> Outcome:
        if job.attempt == 1:
            raise KeyError("bug")
        return Done()

    settings = {"dmp": DestinationConfig(failures=1, cooldown=60)}
    async with working(journal, {"send": broken}, destinations=settings) as engine:
        await eventually(lambda: all(state(journal, d) == "done" for d in ids))
        assert engine.destinations.state("dmp") == "closed"


# -- limited -------------------------------------------------------------------------------------------------------


async def test_the_rate_of_a_destination_is_kept(journal: Journal) -> None:
    limited = [deliver(journal, patient(journal, n), kind="call", destination="dmp") for n in range(30)]
    free = [deliver(journal, patient(journal, n), destination="identity") for n in range(100, 130)]
    far_end = FarEnd()
    far_end.dead = False
    began = time.monotonic()
    async with working(
        journal, {"call": far_end, "send": Script()}, destinations={"dmp": DestinationConfig(rate=40, burst=5)}
    ):
        await eventually(lambda: all(state(journal, d) == "done" for d in free))
        await eventually(lambda: all(state(journal, d) == "done" for d in limited))
    calls = sorted(far_end.calls)
    for count, at in enumerate(calls, start=1):
        assert count <= 5 + 40 * (at - began) + 1
    # 25 after the burst, at 40 a second; the limit must not turn into a crawl either.
    assert 0.5 < calls[-1] - calls[0] < 3


# -- order ---------------------------------------------------------------------------------------------------------


async def test_order_per_patient_holds_across_destinations_and_breakers(journal: Journal) -> None:
    chance = random.Random(11)
    owners = [patient(journal, n) for n in range(8)]
    expected: dict[int, list[int]] = {owner: [] for owner in owners}
    answers: dict[int, list[Outcome]] = {}
    for _ in range(120):
        owner = chance.choice(owners)
        delivery_id = deliver(journal, owner, destination=chance.choice(["identity", "dmp", "zam:A|B", ""]))
        expected[owner].append(delivery_id)
        troubles: list[Outcome] = [
            Retry("injoignable", after=SOON, unreachable=True),
            Unknown("coupure", unreachable=True),
            Retry("occupé", after=SOON),
        ]
        answers[delivery_id] = chance.sample(troubles, chance.choice([0, 0, 1, 2]))
    script = Script(answers)
    config = DestinationConfig(workers=2, failures=2, cooldown=0.02, longest=0.05)
    backoff = Backoff(first=SOON, longest=SOON, jitter=0.0)
    async with working(journal, {"send": script}, destinations={"*": config}, backoff=backoff):
        await eventually(lambda: not active(journal), 30)
    for owner in owners:
        assert list(dict.fromkeys(script.order(owner))) == expected[owner]
        assert script.order(owner) == sorted(script.order(owner))
