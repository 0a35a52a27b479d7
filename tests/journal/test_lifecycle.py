"""The table itself: what it must never allow; and heads against a brute-force reading of the queue."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.journal.engine.backoff import Backoff
from connector.journal.engine.steps import Finished, finish, recover, start_due
from connector.journal.job import Dead, Done, Hold, Outcome, Refuse, Retry, Unknown
from connector.journal.lifecycle import DELIVERY, Event, LifecycleError, State
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.support import FULL_PROOF, Clock, deliver, events, patient, state

EVENTS: tuple[Event, ...] = get_args(Event)


def test_only_people_bring_back_what_ended() -> None:
    for ended in ("refused", "dead"):
        assert {event for state_, event in DELIVERY.table if state_ == ended} == {"requeue", "settle"}


def test_an_interrupted_sending_never_forgets_that_it_was_sending() -> None:
    assert DELIVERY.after("sending", "recover") == "sending"
    assert DELIVERY.after("sending", "start") == "sending"
    assert DELIVERY.after("sending", "unknown") == "sending"


def test_the_text_of_a_line() -> None:
    assert DELIVERY.text("refuse", "", "") == "Refusé"
    assert DELIVERY.text("refuse", "", "code inconnu") == "Refusé : code inconnu"
    assert DELIVERY.text("refuse", "Autre texte", "code inconnu") == "Autre texte"


@pytest.fixture(scope="module")
def shared_journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return Journal.open(JournalConfig(tmp_path_factory.mktemp("life") / "journal.db"))


def _apply(tx: Tx, delivery_id: int, event: Event) -> None:
    tx.move(tx.delivery(delivery_id), event)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_a_random_life_follows_the_table_and_leaves_one_line_per_move(
    shared_journal: Journal, life: list[Event]
) -> None:
    journal, owner = shared_journal, patient(shared_journal, "life")
    delivery_id = deliver(journal, owner)
    expected: State = "queued"
    lines = ["create"]
    for event in life:
        apply = partial(_apply, delivery_id=delivery_id, event=event)
        if (expected, event) in DELIVERY.table:
            journal.transact(apply)
            expected = DELIVERY.table[expected, event]
            lines.append(event)
        else:
            with pytest.raises(LifecycleError) as caught:
                journal.transact(apply)
            assert caught.value.context == {"found": expected, "event": event, "delivery_id": delivery_id}
        assert (state(journal, delivery_id), events(journal, delivery_id)) == (expected, lines)


OUTCOMES: list[Outcome] = [
    Done("fait"),
    Retry("panne"),
    Unknown("coupure"),
    Hold("attente", "ins"),
    Refuse("code", "E"),
    Dead("perdu", "E"),
]
NO_LIMIT = Backoff(max_attempts=0, max_age=None)


class Queue(RuleBasedStateMachine):
    """Random traffic on four patients; after each step `head` equals what reading the whole queue says."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.journal = Journal.open(JournalConfig(Path(self.folder.name) / "journal.db"), self.clock)
        self.patients = [patient(self.journal, n) for n in range(4)]
        self.in_hand: dict[int, int] = {}

    def teardown(self) -> None:
        self.journal.close()
        self.folder.cleanup()

    owners = st.integers(0, 3)

    @rule(owner=owners, held=st.booleans(), lane=st.sampled_from(["", "", "zam"]))
    def add(self, owner: int, held: bool, lane: str) -> None:
        deliver(self.journal, self.patients[owner], state="held" if held else "queued", lane=lane)

    @rule(room=st.integers(1, 8))
    def start(self, room: int) -> None:
        for delivery in self.journal.transact(lambda tx: start_due(tx, lambda name: room)):
            assert delivery.id not in self.in_hand
            self.in_hand[delivery.id] = delivery.run

    @precondition(lambda self: bool(self.in_hand))
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def bring_back(self, data: st.DataObject, outcome: Outcome) -> None:
        delivery_id = data.draw(st.sampled_from(sorted(self.in_hand)))
        done = Finished(delivery_id, self.in_hand.pop(delivery_id), outcome)
        self.journal.transact(lambda tx: finish(tx, done, lambda kind: NO_LIMIT, 0.5))

    @rule(owner=owners)
    def hold(self, owner: int) -> None:
        self.journal.transact(lambda tx: tx.hold(self.patients[owner], [], "x", "attente"))

    @rule(owner=owners)
    def release(self, owner: int) -> None:
        self.journal.transact(lambda tx: tx.release(self.patients[owner]))

    @rule(kept=owners, gone=owners)
    def merge(self, kept: int, gone: int) -> None:
        self.journal.transact(lambda tx: tx.merge_patients(self.patients[kept], self.patients[gone]))

    @rule()
    def replay_all(self) -> None:
        for row in self.journal.query("SELECT id FROM delivery WHERE state IN ('dead','refused')"):
            self.journal.transact(partial(Tx.requeue, delivery_id=row["id"], reason="rejeu"))

    @rule()
    def let_time_pass(self) -> None:
        self.clock.push(hours=1)

    @rule()
    def crash(self) -> None:
        self.in_hand.clear()
        self.journal.transact(lambda tx: recover(tx, lambda kind: NO_LIMIT, "stop"))

    @invariant()
    def heads_are_true(self) -> None:
        lanes: dict[tuple[int, str], list] = {}
        active = "state IN ('queued','running','sending','retry','dead') OR run <> 0"
        for row in self.journal.query(f"SELECT * FROM delivery WHERE {active} ORDER BY id"):
            lanes.setdefault((row["patient_id"], row["lane"]), []).append(row)
        expected = {
            lane: rows[0]["id"]
            for lane, rows in lanes.items()
            if not any(row["run"] for row in rows) and rows[0]["state"] in ("queued", "retry", "sending")
        }
        heads = self.journal.query("SELECT * FROM head")
        assert {(row["patient_id"], row["lane"]): row["delivery_id"] for row in heads} == expected

    @invariant()
    def what_runs_is_in_hand(self) -> None:
        rows = self.journal.query("SELECT id, run FROM delivery WHERE run <> 0")
        assert {row["id"]: row["run"] for row in rows} == self.in_hand


Queue.TestCase.settings = settings(
    max_examples=3000 if FULL_PROOF else 80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestQueue = pytest.mark.proof(Queue.TestCase)
