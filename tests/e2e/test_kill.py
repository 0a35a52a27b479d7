"""kill -9 of the real process under load, again and again: nothing lost, nothing twice, order kept (design rule 7).

The simulator would accept a document twice (`duplicate_check=False`): only the connector keeps the record clean.

What the connector rests on: it asks the registry before it sends again, and believes "absent" only once
`publication.unknown_grace` has passed since it made the sending durable. A request still in the simulator's hands when
the connector is killed may be accepted after the registry was asked; the grace covers it as long as no ITI-41 takes
longer than the grace. The programmed delay is longer than a restart, so that this happens, and shorter than the grace;
the longest ITI-41 of the run is measured and checked.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connector.hl7.er7 import Message
from connector.journal import JournalConfig, JournalReader
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.simulator.server import Simulator
from tests.e2e.harness import Hospital, toml_of
from tests.e2e.load import Letter, Load, drawn_seed, make_identities
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml

KILLS = 200 if os.environ.get("CONNECTOR_PROOF") == "full" else 20
PATIENTS = 10
GRACE = 2.0
LONG = 1.2
SHORT = 0.25
SETTLED = 60.0
FAULTS = (
    FaultRule("cut-after", "ITI-41", times=2),
    FaultRule("cut-before", "ITI-41", times=2),
    FaultRule("cut-during", "ITI-41", times=1),
    FaultRule("delay", "ITI-41", times=4, seconds=LONG),
    FaultRule("cut-after", "ITI-41", times=1, seconds=SHORT),
    FaultRule("cut-before", "ITI-18", times=2),
    FaultRule("delay", "ITI-18", times=2, seconds=SHORT),
    FaultRule("cut-before", "TD0.2", times=1),
)


class Ground:
    """Simulator, hospital and load in this process, the connector in its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.simulator = Simulator(SimConfig(folder=folder / "simulator", duplicate_check=False)).start()
        self.hospital = Hospital()
        self.identities = make_identities(PATIENTS, self.chance)
        for identity in self.identities:
            self.simulator.world.put_patient(identity.in_world())
        port = fixed_port(self.chance)
        table = toml_of(
            self.simulator,
            self.hospital.port,
            folder,
            listener={"port": port},
            api={"port": 0},
            engine={"backoff": {"first": 0.05, "longest": 0.2}, "poll": 0.2},
            publication={"unknown_grace": GRACE},
        )
        write_toml(table, folder / "connector.toml")
        self.connector = ConnectorProcess(folder / "connector.toml", port)
        self.journal = JournalReader(JournalConfig(folder / "journal.sqlite"))
        self.load = Load(port, self.identities, self.simulator.world.acceptances, seed=seed)
        self._accepted_file = folder / "simulator" / "world" / "acceptances.jsonl"
        self._calls_file = folder / "simulator" / "calls.jsonl"

    def close(self) -> None:
        self.connector.end()
        self.journal.close()
        self.hospital.close()
        self.simulator.stop()

    def acceptance_order(self) -> list[str]:
        """Each acceptance the simulator recorded, in its order, under the lock of its registry."""
        return [json.loads(line)["unique_id"] for line in self._accepted_file.read_text().splitlines()]

    def calls(self, transaction: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._calls_file.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line.get("transaction") == transaction]

    def states(self) -> Counter[str]:
        return Counter({row["state"]: row["n"] for row in self.journal.query(_STATES)})

    def settled(self) -> bool:
        """No work left, neither messages to route nor deliveries to do."""
        unrouted = self.journal.query("SELECT count(*) AS n FROM message WHERE routed = 0")[0]["n"]
        return unrouted == 0 and set(self.states()) <= {"done"}


_WAITED = "SELECT document_id FROM timeline WHERE event = 'unknown' AND text LIKE '%peut encore y travailler%'"
_RESENT = "SELECT document_id FROM timeline WHERE event = 'vérifié' AND text LIKE 'Absent%'"
_STATES = "SELECT state, count(*) AS n FROM delivery GROUP BY state"


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    seed = drawn_seed()
    print(f"\nseed {seed} (CONNECTOR_SEED={seed} draws the same identities, faults and moments)")
    ground = Ground(tmp_path, seed)
    yield ground
    ground.close()


@dataclass(slots=True)
class Kills:
    """Where the kills fell."""

    starting: int = 0
    sending: int = 0
    running: int = 0
    idle: int = 0
    left: Counter[str] = field(default_factory=Counter)


def kill_again_and_again(ground: Ground) -> Kills:
    fell, chance = Kills(), ground.chance
    for number in range(KILLS):
        ground.simulator.faults.add(FAULTS[number % len(FAULTS)])
        ground.hospital.code = "AR" if chance.random() < 0.2 else "AA"
        ground.connector.start()
        if chance.random() < 0.15:
            # Also in the middle of a start: loading, recovering, not yet listening.
            time.sleep(chance.uniform(0.0, 0.6))
            ground.connector.kill()
            fell.starting += 1
            continue
        ground.connector.wait_ready()
        time.sleep(chance.uniform(0.0, 1.0))
        ground.connector.kill()
        states = ground.states()
        fell.left += states
        kind = next((state for state in ("sending", "running") if states[state]), "idle")
        setattr(fell, kind, getattr(fell, kind) + 1)
    return fell


def finish(ground: Ground) -> None:
    """Faults over, the connector stays up until nothing is left to do."""
    ground.simulator.faults.clear()
    ground.hospital.code = "AA"
    ground.connector.start()
    ground.connector.wait_ready()
    ground.load.finish(SETTLED)
    end = time.monotonic() + SETTLED
    while not ground.settled() and time.monotonic() < end:
        time.sleep(0.1)
    assert ground.connector.stop() == 0


@pytest.mark.proof
@pytest.mark.timeout(7200 if KILLS > 20 else 120)
def test_kill_nine_under_load_loses_nothing_and_doubles_nothing(ground: Ground) -> None:
    ground.load.start()
    fell = kill_again_and_again(ground)
    finish(ground)

    letters = ground.load.letters
    order = ground.acceptance_order()
    _print_counts(ground, fell, letters, order)
    assert [reason for sent in ground.load.sent for reason in sent.refused] == []
    _check_journal(ground)
    _check_acceptances(letters, order)
    _check_zam(letters, ground.hospital)
    longest = max(call["milliseconds"] for call in ground.calls("ITI-41")) / 1000
    assert longest < GRACE, f"premise broken: an ITI-41 took {longest:.2f} s, the grace is {GRACE} s"
    fired = {call["fault"] for call in ground.calls("ITI-41")}
    assert fired >= {"cut-after", "cut-before", "delay"}
    assert ground.journal.query("SELECT 1 FROM duplicate LIMIT 1"), "no message came twice: nothing proven"
    assert fell.sending >= KILLS // 5, "too few kills fell while a document was being sent: nothing proven"


def _check_journal(ground: Ground) -> None:
    """Every message acknowledged AA is there byte for byte, once; nothing else is; all work is done."""
    stored = Counter(bytes(row["raw"]) for row in ground.journal.query("SELECT raw FROM message"))
    acknowledged = [raw for sent in ground.load.sent for raw in sent.acknowledged]
    assert len(set(acknowledged)) == len(acknowledged)
    missing = [raw for raw in acknowledged if raw not in stored]
    assert len(missing) == 0, f"{len(missing)} messages acknowledged AA are not in the journal"
    assert max(stored.values()) == 1, "a message sent again is in the journal twice"
    assert len(stored) == len(acknowledged)
    assert set(ground.states()) == {"done"}, ground.states()
    assert ground.journal.query("SELECT * FROM routing_failure") == []


def _check_acceptances(letters: list[Letter], order: list[str]) -> None:
    """Exactly once each, nothing else, and per patient in the order sent."""
    counts = Counter(order)
    sent = {letter.unique_id for letter in letters}
    lost = [letter.control_id for letter in letters if letter.unique_id not in counts]
    doubled = [letter.control_id for letter in letters if counts[letter.unique_id] > 1]
    assert (lost, doubled) == ([], [])
    assert set(counts) == sent
    patient_of = {letter.unique_id: letter.patient for letter in letters}
    for patient in range(PATIENTS):
        expected = [letter.unique_id for letter in letters if letter.patient == patient]
        assert [unique_id for unique_id in order if patient_of[unique_id] == patient] == expected


def _check_zam(letters: list[Letter], hospital: Hospital) -> None:
    """Every wanted one delivered, positive, under one MSH-10 however often it came; no unwanted one."""
    seen: dict[str, set[str]] = {}
    delivered: set[str] = set()
    for zam, code in zip(hospital.received, hospital.answered, strict=True):
        request, own = _request_of(zam), zam.header.control_id
        seen.setdefault(request, set()).add(own)
        if code == "AA":
            delivered.add(request)
    wanted = {letter.control_id for letter in letters if letter.wants_zam}
    assert delivered == wanted
    assert {request: ids for request, ids in seen.items() if len(ids) != 1} == {}
    own_ids = [next(iter(ids)) for ids in seen.values()]
    assert len(set(own_ids)) == len(own_ids), "two documents share an MSH-10"


def _request_of(zam: Message) -> str:
    obx = zam.first("OBX")
    assert obx is not None
    assert obx.get(5) == "Y"
    return obx.get(4)


def _print_counts(ground: Ground, fell: Kills, letters: list[Letter], order: list[str]) -> None:
    load, counts = ground.load.sent, Counter(order)
    notes = Counter(
        row["text"][:24] for row in ground.journal.query("SELECT text FROM timeline WHERE event = 'vérifié'")
    )
    waited = {row["document_id"] for row in ground.journal.query(_WAITED)}
    resent = {row["document_id"] for row in ground.journal.query(_RESENT)}
    accepted_late = len(waited - resent)
    faults = Counter(call["fault"] for name in ("ITI-41", "ITI-18", "TD0.2") for call in ground.calls(name))
    del faults[""]
    wanted = sum(letter.wants_zam for letter in letters)
    duplicates = ground.journal.query("SELECT count(*) AS n FROM duplicate")[0]["n"]
    lost = sum(letter.unique_id not in counts for letter in letters)
    doubled = sum(counts[letter.unique_id] > 1 for letter in letters)
    print(f"{KILLS} kills: {fell.starting} while starting, {fell.sending} with a document being sent, ")
    print(f"  {fell.running} with other work running, {fell.idle} idle; faults fired: {dict(faults)}")
    print(f"{len(letters)} letters and {sum(s.admissions for s in load)} admissions of {PATIENTS} patients sent,")
    print(f"  {sum(s.resent for s in load)} times without an answer, {sum(s.deaf for s in load)} times hung up on it,")
    print(f"  {duplicates} duplicates known by the journal")
    print(f"accepted by the DMP: {len(order)}, lost {lost}, doubled {doubled}; registry asked: {dict(notes)},")
    print(f"  {len(waited)} absent but still in the server's hands, {accepted_late} of them accepted meanwhile")
    print(f"ZAM: {wanted} wanted, {len(ground.hospital.received)} received, repeats under the same MSH-10")
