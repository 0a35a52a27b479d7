"""kill -9 and SIGSTOP of the real processes under load, again and again: nothing lost, nothing twice, order kept.

The traffic mixes letters, their replacements and their deletions; the full proof also does new letters alone.

Embedded (SQLite): one process. PostgreSQL: a listener and two workers, each struck at random; what a struck worker
held is taken over by the other, and a stopped one that wakes up after its work was taken over must not send.

What the connector rests on: it asks the registry before it sends again, and believes "absent" only once
`publication.unknown_grace` has passed since the first question after the stroke. The programmed delay is longer than a
restart, so that a request is accepted after that question, and shorter than the grace; the longest ITI-41 of the run is
measured and checked.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, get_args

import pytest

from connector.base.clock import utc_now
from connector.simulator.faults import FaultRule
from tests.e2e.chains import Watch, count_chains
from tests.e2e.ground import FULL, NEVER_OPEN, Counts, Ground, check_zam, count_acceptances
from tests.e2e.load import Load, drawn_seed
from tests.e2e.process import ConnectorProcess
from tests.e2e.stories import Mix

PATIENTS: Final = 10
GRACE: Final = 2.5
LONG: Final = 1.2
SHORT: Final = 0.25
LEASE: Final = 4.0 if FULL else 2.5
BEAT: Final = 1.0 if FULL else 0.5
TAKEN_OVER: Final = 10.0
SETTLED: Final = 90.0 if FULL else 30.0
"""Seconds: grace, delays of the server, lease and beat of a process, takeover allowed, patience at the end."""

STROKES: Final = {
    "sqlite": {"kill": 60 if FULL else 8, "stop": 20 if FULL else 3},
    "postgresql": {"kill": 80 if FULL else 6, "stop": 40 if FULL else 3},
}
MIXES: Final[tuple[Mix, ...]] = ("versions", "creations") if FULL else ("versions",)
ROLES: Final = {"sqlite": ("all",), "postgresql": ("listener", "worker", "worker")}

FAULTS: Final = (
    FaultRule("cut-after", "ITI-41", times=2),
    FaultRule("delay", "ITI-41", times=4, seconds=LONG),
    FaultRule("cut-before", "ITI-41", times=2),
    FaultRule("cut-then-accept", "ITI-41", times=2, seconds=SHORT),
    FaultRule("cut-during", "ITI-41", times=1),
    FaultRule("delay", "ITI-41", times=4, seconds=LONG),
    FaultRule("cut-after", "ITI-41", times=1, seconds=SHORT),
    FaultRule("cut-before", "ITI-18", times=2),
    FaultRule("delay", "ITI-18", times=2, seconds=SHORT),
    FaultRule("cut-before", "TD0.2", times=1),
)
DELETION_FAULTS: Final = (
    FaultRule("delay", "ITI-57", times=2, seconds=LONG),
    FaultRule("cut-after", "ITI-57", times=2),
    FaultRule("cut-before", "ITI-57", times=2),
    FaultRule("cut-then-accept", "ITI-57", times=1, seconds=SHORT),
)

Means = Literal["kill", "stop"]


@dataclass(slots=True)
class Stroke:
    """One process struck once: `found` says in the middle of what, `held` are the attempts it had in its hands.

    PostgreSQL: `takeover` seconds from the stroke until the last of them was in other hands, `waited` of them with one
    worker up all the while (where strokes follow each other fast, no worker may outlive the lease of the others).
    """

    means: Means
    process: str
    at: datetime
    found: str
    held: tuple[int, ...] = ()
    takeover: float | None = None
    waited: float = 0.0


@dataclass(slots=True)
class Strokes:
    """All of them, in order; `ups` are the spans in which each worker ran, None for one that runs still."""

    all: list[Stroke] = field(default_factory=list)
    ups: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=dict)

    def up(self, process: ConnectorProcess) -> None:
        if process.role == "worker":
            self.ups.setdefault(process.name, []).append((utc_now(), None))

    def down(self, process: ConnectorProcess) -> None:
        if process.role == "worker":
            began, _ = self.ups[process.name].pop()
            self.ups[process.name].append((began, utc_now()))

    def up_since(self, moment: datetime) -> datetime:
        """Since when the worker that was up longest at `moment` had been."""
        spans = [span for process in self.ups.values() for span in process]
        return min((began for began, ended in spans if began <= moment and not (ended and ended <= moment)))

    def __str__(self) -> str:
        lines = [
            f"  {number} × {means} of {process}, {found}"
            for (means, process, found), number in sorted(
                Counter((one.means, one.process, one.found) for one in self.all).items()
            )
        ]
        takeovers = sorted(one.takeover for one in self.all if one.takeover is not None)
        if takeovers:
            middle = takeovers[len(takeovers) // 2]
            lines.append(f"  {len(takeovers)} takeovers, median {middle:.1f} s, longest {takeovers[-1]:.1f} s;")
            lines.append(f"  with one worker up all the while: longest {max(one.waited for one in self.all):.1f} s")
        return "\n".join(lines)


Make = Callable[[str], Ground]


@pytest.fixture
def make(tmp_path: Path, pki_folder: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """The ground on a "sqlite" or a "postgresql" store."""
    made: list[Ground] = []

    def build(kind: str) -> Ground:
        seed = drawn_seed()
        print(f"\nseed {seed} (CONNECTOR_SEED={seed} draws the same identities, faults and moments)")
        ground = Ground(
            tmp_path,
            seed,
            patients=PATIENTS,
            pki=pki_folder,
            store=request.getfixturevalue("postgres_database") if kind == "postgresql" else "",
            roles=ROLES[kind],
            engine={
                "backoff": {"first": 0.05, "longest": 0.2},
                "poll": 0.2,
                "lease": LEASE,
                "beat": BEAT,
                "destinations": {"dmp": NEVER_OPEN, "zam": NEVER_OPEN, "identity": NEVER_OPEN},
            },
            publication={"unknown_grace": GRACE},
        )
        made.append(ground)
        return ground

    yield build
    for ground in made:
        ground.close()


@pytest.mark.proof
@pytest.mark.timeout(7200 if FULL else 120)
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("kind", STROKES)
def test_struck_under_load_nothing_is_lost_and_nothing_doubled(make: Make, kind: str, mix: Mix) -> None:
    ground = make(kind)
    load = Load(ground.port, ground.identities, ground.acceptances.known, seed=ground.seed, mix=mix)
    began = time.monotonic()
    ground.start()
    load.start()
    with Watch(ground.store, ground.acceptances.known) as watch:
        strokes = strike_again_and_again(ground, kind)
        finish(ground, load)
    if kind == "postgresql":
        for stroke in strokes.all:
            time_takeover(ground, strokes, stroke)
    counts = count_acceptances(load.letters, ground.acceptance_order())
    print(f"{kind}: {len(strokes.all)} strokes in {time.monotonic() - began:.0f} s\n{strokes}")
    print_counts(ground, load, counts)
    chains = count_chains(load.letters, ground.simulator.registry, ground.journal)
    print(f"{dict(Counter(letter.action for letter in load.letters))}; {chains}")

    assert [reason for sent in load.sent for reason in sent.refused] == []
    check_journal(ground, load)
    assert counts.clean, counts
    assert chains.clean, chains
    assert (watch.ahead, watch.looks > 10) == (set(), True)
    check_zam(load.letters, ground.hospital)
    longest = max(call["milliseconds"] for call in ground.calls("ITI-41")) / 1000
    assert longest < GRACE, f"premise broken: an ITI-41 took {longest:.2f} s, the grace is {GRACE} s"
    fired = {call["fault"] for call in ground.calls("ITI-41")}
    assert "delay" in fired
    if mix == "versions":
        assert {letter.action for letter in load.letters} == {"create", "replace", "delete"}
        assert {call["fault"] for call in ground.calls("ITI-57")} - {""}
    assert fired & {"cut-after", "cut-before", "cut-then-accept"}
    assert ground.journal.query("SELECT 1 FROM duplicate LIMIT 1"), "no message came twice: nothing proven"
    sending = sum(one.found == "sending" for one in strokes.all)
    assert sending >= len(strokes.all) // 5, "too few strokes fell while a document was being sent: nothing proven"
    assert [one for one in strokes.all if one.waited > TAKEN_OVER] == []


# -- strokes -------------------------------------------------------------------------------------------------------


def strike_again_and_again(ground: Ground, kind: str) -> Strokes:
    strokes, chance = Strokes(), ground.chance
    for process in ground.processes:
        strokes.up(process)
    planned = [means for means in get_args(Means) for _ in range(STROKES[kind][means])]
    chance.shuffle(planned)
    while planned:
        for faults in (FAULTS, DELETION_FAULTS):
            ground.simulator.faults.add(faults[len(planned) % len(faults)])
        ground.hospital.code = "AR" if chance.random() < 0.2 else "AA"
        time.sleep(chance.uniform(0.0, 1.0))
        means, process = planned.pop(), chance.choice(ground.processes)
        strokes.all.append(struck(ground, process, means))
        strokes.down(process)
        if means == "kill":
            revive(process, chance)
            strokes.up(process)
            process.wait_ready()
            continue
        seconds = LEASE + GRACE + chance.uniform(0.5, 1.5) if kind == "postgresql" else chance.uniform(1.0, 4.0)
        thawed = time.monotonic() + seconds
        if process.role == "worker" and "kill" in planned:
            # Another process dies meanwhile.
            planned.remove("kill")
            listener = ground.processes[0]
            strokes.all.append(struck(ground, listener, "kill"))
            revive(listener, chance)
            listener.wait_ready()
        time.sleep(max(0.0, thawed - time.monotonic()))
        process.thaw()
        strokes.up(process)
        assert process.alive
    return strokes


def struck(ground: Ground, process: ConnectorProcess, means: Means) -> Stroke:
    """Sends the signal; what the process held is read afterwards, while nobody can have taken it over yet."""
    # The roll has the processes of a PostgreSQL store; an embedded one stands alone, its attempts name nobody.
    rows = ground.journal.query("SELECT name FROM node WHERE pid = ? ORDER BY started_at DESC", (process.pid,))
    node = rows[0]["name"] if rows else ""
    if means == "kill":
        process.kill()
    else:
        process.freeze()
    at = utc_now()
    held = ground.journal.query(
        "SELECT attempt.id, delivery.state FROM attempt JOIN delivery ON delivery.run = attempt.id"
        " WHERE attempt.ended_at IS NULL AND attempt.node = ?",
        (node,),
    )
    states = {row["state"] for row in held}
    found = next((state for state in ("sending", "running") if state in states), "idle")
    name = {"listener": "the listener", "worker": "a worker"}.get(process.role, "the connector")
    return Stroke(means, name, at, found, tuple(row["id"] for row in held))


def revive(process: ConnectorProcess, chance: random.Random) -> None:
    """Starts it again; sometimes it dies again in the middle of that: loading, recovering, not yet listening."""
    time.sleep(chance.uniform(0.0, 0.5))
    process.start()
    if chance.random() < 0.15:
        time.sleep(chance.uniform(0.0, 0.6))
        process.kill()
        process.start()


def time_takeover(ground: Ground, strokes: Strokes, stroke: Stroke) -> None:
    """From the stroke until the last attempt it left was ended by another process."""
    query = "SELECT ended_at FROM attempt WHERE id = ?"
    ends = [datetime.fromisoformat(ground.journal.query(query, (held,))[0]["ended_at"]) for held in stroke.held]
    if ends:
        last = max(ends)
        stroke.takeover = (last - stroke.at).total_seconds()
        stroke.waited = (last - max(stroke.at, strokes.up_since(last))).total_seconds()


def finish(ground: Ground, load: Load) -> None:
    """Faults over, every process stays up until nothing is left to do."""
    ground.simulator.faults.clear()
    ground.hospital.code = "AA"
    ground.start()
    load.finish(SETTLED)
    ground.wait_settled(SETTLED)
    assert set(ground.stop()) == {0}


# -- counts --------------------------------------------------------------------------------------------------------


def check_journal(ground: Ground, load: Load) -> None:
    """Every message acknowledged AA is there byte for byte, once; nothing else is; all work is done."""
    stored = Counter(bytes(row["raw"]) for row in ground.journal.query("SELECT raw FROM message"))
    acknowledged = [raw for sent in load.sent for raw in sent.acknowledged]
    assert len(set(acknowledged)) == len(acknowledged)
    missing = [raw for raw in acknowledged if raw not in stored]
    assert len(missing) == 0, f"{len(missing)} messages acknowledged AA are not in the journal"
    assert max(stored.values()) == 1, "a message sent again is in the journal twice"
    assert len(stored) == len(acknowledged)
    assert ground.left() == []
    assert ground.journal.query("SELECT * FROM routing_failure") == []


_NOTED = "SELECT document_id FROM timeline WHERE event = ? AND text LIKE ?"


def print_counts(ground: Ground, load: Load, counts: Counts) -> None:
    sent, letters = load.sent, load.letters
    waited = {row[0] for row in ground.journal.query(_NOTED, ("unknown", "%peut encore y travailler%"))}
    resent = {row[0] for row in ground.journal.query(_NOTED, ("vérifié", "Absent%"))}
    found = ground.journal.query(_NOTED, ("vérifié", "Le registre a%"))
    faults = Counter(call["fault"] for name in ("ITI-41", "ITI-57", "ITI-18", "TD0.2") for call in ground.calls(name))
    del faults[""]
    duplicates = ground.count("SELECT count(*) FROM duplicate")
    wanted = sum(letter.wants_zam for letter in letters)
    print(f"{len(letters)} requests and {sum(s.admissions for s in sent)} admissions of {PATIENTS} patients sent,")
    print(f"  {sum(s.resent for s in sent)} times without an answer, {sum(s.deaf for s in sent)} times hung up on it,")
    print(f"  {duplicates} duplicates known by the journal; faults fired: {dict(faults)}")
    print(f"{counts}; registry asked: {len(found)} found, {len(resent)} absent and sent again,")
    print(f"  {len(waited)} absent but still in the server's hands, {len(waited - resent)} of them accepted meanwhile")
    print(f"ZAM: {wanted} wanted, {len(ground.hospital.received)} received, repeats under the same MSH-10")
