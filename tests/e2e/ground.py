"""The ground of the proofs: simulator, hospital and load in this process, the connector in its own, and the counts.

The simulator accepts a document as often as it is sent (`duplicate_check=False`): only the connector keeps the record
clean.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.hl7.er7 import Message
from connector.journal import JournalConfig, JournalReader
from connector.journal.audit.key import create_key
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.e2e.harness import Hospital, toml_of
from tests.e2e.load import make_identities
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml
from tests.e2e.stories import Letter, act

FULL = os.environ.get("CONNECTOR_PROOF") == "full"
"""`make proof`: full numbers and a new seed each time, with the same code."""

NEVER_OPEN = {"failures": 0}
"""A breaker that never opens: the faults of a proof follow each other as no far end's do."""

_AT_REST = {"done", "held", "refused", "dead"}


class Ground:
    """`store` is the address of a PostgreSQL database, "" a SQLite file in `folder`; `sections` go over `toml_of`.

    `roles` are those of the processes, one each; `mutation` names a defect that all are given on purpose
    (tests.e2e.mutant).
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        patients: int,
        store: str = "",
        roles: Sequence[str] = ("all",),
        mutation: str = "",
        pki: Path | None = None,
        **sections: dict[str, Any],
    ) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        self.folder = folder
        config = SimConfig(folder=folder / "simulator", pki_folder=pki, duplicate_check=False)
        self.simulator = Simulator(config).start()
        self.hospital = Hospital()
        self.identities = make_identities(patients, self.chance)
        for identity in self.identities:
            self.simulator.world.put_patient(identity.in_world())
        self.port = fixed_port(self.chance)
        address = store or str(folder / "journal.sqlite")
        create_key(folder / "audit.key")
        sections = {
            "journal": {"store": address},
            "audit": {"key_file": str(folder / "audit.key")},
            "listener": {"port": self.port},
            "api": {"port": 0},
            "consultation": {"trigger": "off"},
            **sections,
        }
        table = toml_of(self.simulator, self.hospital.port, folder, **sections)
        self.settings = folder / "connector.toml"
        write_toml(table, self.settings)
        self.processes = [
            ConnectorProcess(self.settings, self.port, role=role, name=f"-{number}-{role}", mutation=mutation)
            for number, role in enumerate(roles)
        ]
        self.store = address
        self.journal = JournalReader(JournalConfig(address))
        self.acceptances = Acceptances(self.simulator.config.folder / "world" / "acceptances.jsonl")

    def start(self) -> None:
        """Every process that is not there is started; returns once all work."""
        for process in self.processes:
            if not process.alive:
                process.start()
        for process in self.processes:
            process.wait_ready()

    def stop(self) -> list[int]:
        """SIGTERM to every process; their exit codes."""
        return [process.stop() for process in self.processes]

    def close(self) -> None:
        for process in self.processes:
            process.end()
        self.journal.close()
        self.hospital.close()
        self.simulator.stop()

    def acceptance_order(self) -> list[str]:
        """Each acceptance the simulator recorded, in its order, under the lock of its registry (`stories.act`)."""
        return self.acceptances.order()

    def calls(self, transaction: str) -> list[dict[str, Any]]:
        text = (self.folder / "simulator" / "calls.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if line.get("transaction") == transaction]

    def renew_reader(self) -> None:
        """After the database was away."""
        self.journal.close()
        self.journal = JournalReader(self.journal.config)

    def count(self, sql: str) -> int:
        return int(self.journal.query(sql)[0][0])

    def states(self) -> Counter[str]:
        rows = self.journal.query("SELECT state, count(*) AS n FROM delivery GROUP BY state")
        return Counter({row["state"]: row["n"] for row in rows})

    def left(self) -> list[tuple[str, str, str, str]]:
        """What is not done: kind, state, code and reason of each delivery, for the message of a check that fails."""
        rows = self.journal.query("SELECT kind, state, reason_code, reason FROM delivery WHERE state <> 'done'")
        return [(row["kind"], row["state"], row["reason_code"], row["reason"]) for row in rows]

    def settled(self) -> bool:
        """No work left, neither messages to route nor deliveries to do."""
        return self.count("SELECT count(*) FROM message WHERE routed = 0") == 0 and set(self.states()) <= {"done"}

    def wait_settled(self, seconds: float) -> None:
        """Returns early once nothing is left to do; what is left is for the checks to tell."""
        end = time.monotonic() + seconds
        while not self.settled() and time.monotonic() < end:
            time.sleep(0.1)

    def wait_at_rest(self, seconds: float) -> None:
        """Returns once nothing moves any more, whatever it came to: a connector that is wrong refuses and holds."""
        end = time.monotonic() + seconds
        while self.count("SELECT count(*) FROM message WHERE routed = 0") or set(self.states()) - _AT_REST:
            assert time.monotonic() < end, self.left()
            time.sleep(0.1)


class Acceptances:
    """The simulator's record of what it accepted, followed as it grows. Safe across threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._read = 0
        self._order: list[str] = []
        self._known: set[str] = set()

    def order(self) -> list[str]:
        with self._lock:
            self._follow()
            return list(self._order)

    def known(self) -> Set[str]:
        """Everything accepted so far, each once."""
        with self._lock:
            self._follow()
            return self._known

    def _follow(self) -> None:
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in map(json.loads, whole.splitlines()):
            found = act(line["unique_id"], line["operation"])
            self._order.append(found)
            self._known.add(found)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the letters, judged from the simulator's own record."""

    accepted: int
    lost: list[str]
    doubled: list[str]
    unexpected: list[str]
    disordered: list[int]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.unexpected or self.disordered)

    def __str__(self) -> str:
        return (
            f"accepted by the DMP: {self.accepted}, lost {len(self.lost)}, doubled {len(self.doubled)},"
            f" never sent {len(self.unexpected)}, patients out of order {len(self.disordered)}"
        )


def count_acceptances(letters: Sequence[Letter], order: Sequence[str]) -> Counts:
    """`letters` in the order each patient's sender sent them; `order` as the simulator accepted."""
    counts = Counter(order)
    patient_of = {letter.act: letter.patient for letter in letters}
    sent: dict[int, list[str]] = {}
    first: dict[int, list[str]] = {}
    for letter in letters:
        sent.setdefault(letter.patient, []).append(letter.act)
    for accepted in dict.fromkeys(order):
        first.setdefault(patient_of.get(accepted, -1), []).append(accepted)
    return Counts(
        accepted=len(order),
        lost=[letter.control_id for letter in letters if letter.act not in counts],
        doubled=[letter.control_id for letter in letters if counts[letter.act] > 1],
        unexpected=[accepted for accepted in counts if accepted not in patient_of],
        disordered=[
            patient
            for patient, acts in sent.items()
            if first.get(patient, []) != [accepted for accepted in acts if accepted in counts]
        ],
    )


def check_zam(letters: Sequence[Letter], hospital: Hospital) -> None:
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
