"""The three lives, exhaustively: every (state, event) is allowed or an error, every row's state is its last line's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connector.journal.documents import (
    BEGINS,
    DOCUMENT,
    FOLLOWS,
    DocumentEvent,
    DocumentState,
    Submission,
    can_be_resubmitted,
)
from connector.journal.engine.steps import Finished, finish, recover
from connector.journal.job import Dead, Done, Hold, Outcome, Refuse, Retry, Unknown
from connector.journal.lifecycle import DELIVERY, Event, Lifecycle, LifecycleError, State
from connector.journal.messages import MESSAGE, ROUTED, MessageEvent, MessageState, route, state_of
from connector.journal.model import JournalConfig, StoredMessage
from connector.journal.operator import Act, act, allowed
from connector.journal.routing import route_batch
from connector.journal.store import Journal
from connector.journal.timeline import timeline
from connector.journal.tx import Tx
from tests.journal.support import FULL_PROOF, Clock, message, patient
from tests.journal.test_lifecycle import NO_LIMIT

Life = tuple[Lifecycle[Any, Any], tuple[str, ...], tuple[str, ...]]
LIVES: list[Life] = [
    (MESSAGE, get_args(MessageState), get_args(MessageEvent)),
    (DELIVERY, get_args(State), get_args(Event)),
    (DOCUMENT, get_args(DocumentState), get_args(DocumentEvent)),
]
lives = pytest.mark.parametrize("life", LIVES, ids=lambda life: life[0].name)


# -- the tables ----------------------------------------------------------------------------------------------------


@lives
def test_every_pair_is_a_move_or_an_error(life: Life) -> None:
    cycle, states, events = life
    for state, event in product(states, events):
        if (state, event) in cycle.table:
            assert cycle.after(state, event) == cycle.table[state, event]
        else:
            with pytest.raises(LifecycleError) as caught:
                cycle.after(state, event, number=7)
            assert caught.value.context == {"found": state, "event": event, "number": 7}


@lives
def test_a_table_speaks_of_its_states_and_events_only_and_of_all_of_them(life: Life) -> None:
    cycle, states, events = life
    assert {state for state, _ in cycle.table} | set(cycle.table.values()) | cycle.initial | cycle.final == set(states)
    assert {event for _, event in cycle.table} == set(events) == set(cycle.texts)


@lives
def test_every_state_can_be_reached_and_all_but_the_final_ones_left(life: Life) -> None:
    cycle, states, _ = life
    reached = set(cycle.initial)
    while new := {to for (start, _), to in cycle.table.items() if start in reached} - reached:
        reached |= new
    assert reached == set(states)
    assert {start for (start, _), to in cycle.table.items() if to != start} == set(states) - cycle.final


_BY_A_WORKER = {"send", "succeed", "retry", "unknown", "refuse", "die"}
_BY_NOBODY = {"start", "release", "requeue", "settle"}


@dataclass(frozen=True)
class Pair:
    """A delivery and its document at one moment; `run` when a worker is on it."""

    delivery: State
    run: bool
    unsettled: bool
    document: DocumentState


def _doubts(pair: Pair, event: Event) -> set[bool]:
    """What `unsettled` may be after the event: what the engine and a person's word make of it."""
    match event:
        case "send" | "unknown":
            return {True}
        case "succeed" | "settle":
            return {False}
        case "start" | "release" | "requeue":
            return {pair.unsettled}
        case "recover":
            return {pair.unsettled or pair.delivery == "sending"}
        case _:
            return {False, True}


def _together() -> Iterator[tuple[Pair, Event, bool]]:
    """Every pair that moves can lead to, with each move out of it and the doubt after that move."""
    todo = [Pair(state, False, False, begins) for state, begins in BEGINS.items()]
    seen = set(todo)
    while todo:
        pair = todo.pop()
        for (state, event), end in DELIVERY.table.items():
            refused = (event in _BY_A_WORKER and not pair.run) or (event in _BY_NOBODY and pair.run)
            if state != pair.delivery or refused:
                continue
            for doubt in _doubts(pair, event):
                yield pair, event, doubt
                meaning = FOLLOWS.get((event, doubt))
                moved = pair.document if meaning is None else DOCUMENT.after(pair.document, meaning)
                new = Pair(end, event in ("start", "send"), doubt, moved)
                if new not in seen:
                    seen.add(new)
                    todo.append(new)


def test_no_move_of_a_delivery_is_impossible_for_its_document() -> None:
    moves = list(_together())
    assert {event for _, event, _ in moves} == set(get_args(Event))
    used = {FOLLOWS[event, doubt] for _, event, doubt in moves if (event, doubt) in FOLLOWS}
    assert used == set(get_args(DocumentEvent)) - {"resubmit"}


def test_the_document_tells_the_end_of_its_delivery() -> None:
    pairs = {(pair.delivery, pair.document) for pair, _, _ in _together()}
    assert {pair for pair in pairs if pair[0] in ("refused", "dead", "held")} == {
        ("refused", "refused"),
        ("dead", "given-up"),
        ("held", "waiting"),
        ("held", "in-doubt"),
    }


def test_what_was_given_back_may_come_again_and_nothing_else() -> None:
    assert {state for state in get_args(DocumentState) if can_be_resubmitted(state)} == {"refused", "given-up"}


def test_every_message_state_is_a_row() -> None:
    rows = {
        state: {"verdict": "refused" if state == "refused" else "accepted", "routed": n} for state, n in ROUTED.items()
    }
    assert {state: state_of(row) for state, row in rows.items()} == {state: state for state in ROUTED}  # type: ignore[arg-type]
    assert set(ROUTED) == set(get_args(MessageState))


def test_a_message_moves_as_its_table_says(journal: Journal) -> None:
    for state, event in product(get_args(MessageState), get_args(MessageEvent)):
        verdict = "refused" if state == "refused" else "accepted"
        stored = journal.accept_sync(message(f"{state}-{event}", verdict=verdict)).message_id
        journal.transact(
            partial(Tx.execute, sql="UPDATE message SET routed = ? WHERE id = ?", params=(ROUTED[state], stored))
        )
        apply = partial(_apply, message_id=stored, event=event)
        if (state, event) not in MESSAGE.table:
            with pytest.raises(LifecycleError):
                journal.transact(apply)
        else:
            journal.transact(apply)
        (row,) = journal.query("SELECT verdict, routed FROM message WHERE id = ?", (stored,))
        assert state_of(row) == MESSAGE.table.get((state, event), state)


def _apply(tx: Tx, message_id: int, event: MessageEvent) -> None:
    row = tx.execute("SELECT id, verdict, routed FROM message WHERE id = ?", (message_id,)).fetchone()
    if event == "route":
        route(tx.connection, row)
    else:
        tx.move_message(message_id, event)


def test_a_message_that_is_not_there(journal: Journal) -> None:
    with pytest.raises(LifecycleError) as caught:
        journal.transact(lambda tx: tx.move_message(7, "routing-failed"))
    assert caught.value.context["found"] == "absent"


# -- a hospital's day ----------------------------------------------------------------------------------------------

OUTCOMES: list[Outcome] = [
    Done("fait"),
    Retry("panne"),
    Unknown("coupure"),
    Hold("attente", "ins"),
    Refuse("code", "E"),
    Dead("perdu", "E"),
]


class Day(RuleBasedStateMachine):
    """Random traffic; after each step a row's state is where its lines lead, and no line is without its move"""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.journal = Journal.open(JournalConfig(Path(self.folder.name) / "journal.db"), Clock())
        self.patient = patient(self.journal, 1)
        self.count = 0
        self.broken = False
        self.lines_seen = 0

    def teardown(self) -> None:
        self.journal.close()
        self.folder.cleanup()

    # -- messages --

    @rule(refused=st.booleans())
    def accept(self, refused: bool) -> None:
        self.count += 1
        self.journal.accept_sync(message(self.count, verdict="refused" if refused else "accepted"))

    @rule(broken=st.booleans())
    def route(self, broken: bool) -> None:
        self.broken = broken
        self.journal.transact(lambda tx: route_batch(tx, self._router, 10, 1.0))

    def _router(self, tx: Tx, stored: StoredMessage) -> None:
        if self.broken:
            raise LookupError
        if stored.id % 3:
            self._submit(tx, stored.id % 4, "held" if stored.id % 5 == 0 else "queued", stored.id)

    def _submit(self, tx: Tx, number: int, begins: State, message_id: int | None = None) -> None:
        submission = Submission(f"1.2.{number}", "create", "0" * 64)
        known = tx.document(submission)
        if known is None or can_be_resubmitted(known):
            tx.deliver("send", self.patient, {}, document=submission, state=begins, message_id=message_id)

    @rule()
    def reroute(self) -> None:
        for row in self.journal.query("SELECT message_id FROM routing_failure"):
            self.journal.transact(partial(Tx.reroute, message_id=row["message_id"], reason="corrigé"))

    # -- deliveries and their documents --

    @rule(number=st.integers(0, 6), begins=st.sampled_from(["queued", "held", "refused"]))
    def submit(self, number: int, begins: State) -> None:
        self.journal.transact(lambda tx: self._submit(tx, number, begins))

    def _pick(self, data: st.DataObject, where: str) -> int | None:
        ids = [row["id"] for row in self.journal.query(f"SELECT id FROM delivery WHERE {where} ORDER BY id")]
        return data.draw(st.sampled_from(ids)) if ids else None

    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        one = self._pick(data, "state IN ('queued','retry','sending') AND run = 0")
        if one is not None:
            self.count += 1
            self.journal.transact(lambda tx: tx.move(tx.delivery(one), "start", run=self.count))

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        one = self._pick(data, "run <> 0")
        if one is not None:
            self.journal.transact(lambda tx: tx.move(d := tx.delivery(one), "send", run=d.run, unsettled=True))

    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), sent=st.booleans())
    def bring_back(self, data: st.DataObject, outcome: Outcome, sent: bool) -> None:
        one = self._pick(data, "run <> 0")
        if one is not None:
            done = Finished(one, self.journal.delivery(one).run, outcome, sent)
            self.journal.transact(lambda tx: finish(tx, done, lambda kind: NO_LIMIT, 0.5))

    @rule()
    def crash(self) -> None:
        self.journal.transact(lambda tx: recover(tx, lambda kind: NO_LIMIT, "stop"))

    @rule(data=st.data(), what=st.sampled_from(get_args(Act)))
    def a_person_acts(self, data: st.DataObject, what: Act) -> None:
        one = self._pick(data, "1 = 1")
        if one is None:
            return
        before = self.journal.delivery(one)
        if before.state in allowed(what) and not before.run:
            self.journal.transact(lambda tx: act(tx, what, one, "une raison", "testeur"))
        else:
            with pytest.raises(LifecycleError):
                self.journal.transact(lambda tx: act(tx, what, one, "une raison", "testeur"))

    # -- what must always hold --

    @invariant()
    def every_delivery_is_where_its_lines_lead(self) -> None:
        lines = self.journal.query(
            "SELECT * FROM timeline WHERE delivery_id IS NOT NULL AND state_to <> '' ORDER BY id"
        )
        reached: dict[int, str] = {}
        for line in lines:
            assert line["state_from"] == reached.get(line["delivery_id"], "")
            if line["state_from"]:
                assert DELIVERY.table[line["state_from"], line["event"]] == line["state_to"]
            reached[line["delivery_id"]] = line["state_to"]
        assert reached == {row["id"]: row["state"] for row in self.journal.query("SELECT id, state FROM delivery")}

    @invariant()
    def every_document_is_where_its_lines_lead(self) -> None:
        reached: dict[str, str] = {}
        for number in range(7):
            for line in timeline(self.journal, document_id=f"1.2.{number}"):
                change = line.data.get("document")
                if change is None:
                    continue
                assert change["from"] == reached.get(line.document_id, "")
                if change["from"]:
                    assert DOCUMENT.table[change["from"], change["event"]] == change["to"]
                reached[line.document_id] = change["to"]
        rows = self.journal.query("SELECT unique_id, state FROM document")
        assert reached == {row["unique_id"]: row["state"] for row in rows}

    @invariant()
    def every_message_is_where_its_lines_lead(self) -> None:
        rows = self.journal.query("SELECT id, verdict, routed FROM message")
        for row in rows:
            reached = ""
            for line in timeline(self.journal, message_id=row["id"]):
                if line.delivery_id is None and line.state_to:
                    assert line.state_from == reached
                    if reached:
                        assert MESSAGE.after(reached, line.event) == line.state_to  # type: ignore[arg-type]
                    reached = line.state_to
            assert reached == state_of(row)
        failed = {row["id"] for row in rows if state_of(row) == "failed"}
        assert failed == {row["message_id"] for row in self.journal.query("SELECT message_id FROM routing_failure")}


Day.TestCase.settings = settings(
    max_examples=1000 if FULL_PROOF else 25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestDay = pytest.mark.proof(Day.TestCase)
