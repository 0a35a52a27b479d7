"""The engine's transactions: recover at start, start due heads, record outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

import structlog

from connector.base.guard import FenceLost
from connector.journal import heads
from connector.journal.audit.entry import AuditEntry
from connector.journal.db.failures import is_store_failure, where
from connector.journal.deliveries import Delivery, from_row
from connector.journal.engine.backoff import Backoff
from connector.journal.job import Dead, Done, Hold, Outcome, Refuse, Retry, Unknown
from connector.journal.lifecycle import ACTIVE
from connector.journal.model import DeadLetter, stamp, unstamp
from connector.journal.reader import JournalReader
from connector.journal.tx import Tx

_log = structlog.get_logger(__name__)

Policy = Callable[[str], Backoff]
"""Back-off of a kind of delivery."""

Room = Callable[[str], int]
"""How many deliveries may start now, by destination."""

NAMES: Final = (
    "WITH RECURSIVE name (destination) AS (SELECT min(destination) FROM head UNION ALL"
    " SELECT (SELECT min(head.destination) FROM head WHERE head.destination > name.destination) FROM name"
    " WHERE name.destination IS NOT NULL)"
    " SELECT destination, (SELECT min(due) FROM head WHERE head.destination = name.destination) AS due"
    " FROM name WHERE destination IS NOT NULL"
)
"""Destinations with a head and when the first is due: one look into the index each, whatever waits there."""

_DUE: Final = (
    "SELECT delivery.* FROM head JOIN delivery ON delivery.id = head.delivery_id"
    " WHERE head.destination = ? AND head.due <= ? ORDER BY head.due, head.delivery_id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a worker brought back from one attempt; `sent` when the attempt went through `Job.sending`.

    FenceLost is no outcome: the delivery belongs to another worker by now, or goes back to where it was.
    """

    delivery_id: int
    run: int
    outcome: Outcome | FenceLost
    sent: bool = False


def recover(tx: Tx, policy: Policy, dead_letter: DeadLetter) -> int:
    """What a previous process left in progress may start again; gives how many deliveries.

    `running` had no external effect yet and is queued; `sending` must ask first and may do so at once.
    A delivery that took the process down with it on every attempt ends as a dead letter.
    """
    rows = tx.execute(f"SELECT * FROM delivery WHERE {ACTIVE} AND state IN ('running','sending') ORDER BY id")
    left = [from_row(row) for row in rows.fetchall()]
    for delivery in left:
        recover_one(tx, delivery, policy)
    heads.rebuild(tx.connection, dead_letter)
    return len(left)


def obey_dead_letter(tx: Tx, dead_letter: DeadLetter) -> None:
    """Recomputes the heads behind dead deliveries when the setting has changed, while others may be at work."""
    row = tx.execute("SELECT value FROM meta WHERE name = 'dead-letter'").fetchone()
    if row is not None and row["value"] == dead_letter:
        return
    dead = tx.execute("SELECT DISTINCT patient_id, lane FROM delivery WHERE state = 'dead' ORDER BY patient_id, lane")
    for patient_id, lane in dead.fetchall():
        tx.lock(patient_id)
        heads.refresh(tx.connection, [(patient_id, lane)], dead_letter)
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ('dead-letter', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (dead_letter,),
    )


def recover_one(tx: Tx, delivery: Delivery, policy: Policy) -> None:
    """Takes the delivery out of the hands of a worker that is no more."""
    if delivery.run:
        _end_attempt(tx, delivery.run, "interrupted", "")
        if delivery.state == "sending":
            tx.audit(_interrupted(tx, delivery))
    if delivery.run and policy(delivery.kind).out_of_attempts(delivery):
        reason = f"Arrêt du connecteur pendant chacun des {delivery.attempts} essais"
        tx.move(delivery, "die", run=0, reason=reason, reason_code="interrupted")
    else:
        tx.move(delivery, "recover", run=0, unsettled=delivery.unsettled or delivery.state == "sending")


def _interrupted(tx: Tx, delivery: Delivery) -> AuditEntry:
    """The call that nobody could record: its process died between the start of the sending and its outcome."""
    documents = (delivery.document_id,) if delivery.document_id else ()
    return AuditEntry(
        at=tx.now,
        kind="interrupted",
        transaction=delivery.kind,
        unique_ids=documents,
        destination=delivery.destination,
        outcome="unknown",
        code="interrupted",
        delivery_id=delivery.id,
    )


def waiting(journal: JournalReader) -> list[tuple[str, datetime]]:
    """Each destination that has a head, with the instant (aware, UTC) its first head is due."""
    return [(row["destination"], unstamp(row["due"])) for row in journal.query(NAMES)]


def start_due(tx: Tx, room: Room) -> list[Delivery]:
    """Starts what is due, as far as each destination has room, oldest due first; each comes back with its `run`."""
    now = stamp(tx.now)
    names = [row["destination"] for row in tx.execute(NAMES).fetchall() if row["due"] <= now]
    rooms = [(name, room(name)) for name in names]
    chosen = [row for name, free in rooms if free > 0 for row in tx.execute(_DUE, (name, now, free)).fetchall()]
    return [start(tx, from_row(row)) for row in chosen]


def start(tx: Tx, delivery: Delivery, node: str = "") -> Delivery:
    """Starts a head, for the process named `node` where there are several; it comes back with its `run`."""
    number = delivery.attempts + 1
    run = tx.execute(
        "INSERT INTO attempt (delivery_id, number, started_at, outcome, reason, node) VALUES (?, ?, ?, '', '', ?)"
        " RETURNING id",
        (delivery.id, number, stamp(tx.now), node),
    ).fetchone()[0]
    return tx.move(delivery, "start", run=run, attempts=number, data={"attempt": number})


def finish_all(tx: Tx, finished: Sequence[Finished], policy: Policy, random: Callable[[], float]) -> None:
    """Records several outcomes under one savepoint; one by one when one fails, so that it alone is set aside."""
    draws = [random() for _ in finished]
    try:
        with tx.savepoint("outcomes"):
            for done, chance in zip(finished, draws, strict=True):
                _record(tx, done, policy, chance)
    except Exception as error:
        if is_store_failure(error):
            raise
        for done, chance in zip(finished, draws, strict=True):
            finish(tx, done, policy, chance)


def _record(tx: Tx, finished: Finished, policy: Policy, chance: float) -> None:
    delivery = tx.delivery(finished.delivery_id)
    if delivery.run != finished.run:
        # A later attempt replaced this one: it has nothing left to say.
        return
    if isinstance(finished.outcome, FenceLost):
        recover_one(tx, delivery, policy)
    else:
        _apply(tx, delivery, finished, finished.outcome, policy, chance)


def finish(tx: Tx, finished: Finished, policy: Policy, chance: float) -> None:
    """Records one outcome with its `then`; when that fails the delivery goes to a person, nothing is lost."""
    try:
        with tx.savepoint("outcome"):
            _record(tx, finished, policy, chance)
    except Exception as error:
        if is_store_failure(error):
            raise
        _log.error(
            "outcome not recorded",
            delivery_id=finished.delivery_id,
            outcome=type(finished.outcome).__name__,
            error=type(error).__name__,
            where=where(error),
        )
        _bury(tx, finished, error)


def _apply(tx: Tx, delivery: Delivery, finished: Finished, outcome: Outcome, policy: Policy, chance: float) -> None:
    # A failure for sure settles what this attempt sent; the doubt an earlier one left stays until answered.
    doubt = delivery.unsettled and not finished.sent
    _move(tx, delivery, outcome, policy(delivery.kind), chance, doubt)
    reason = outcome.text if isinstance(outcome, Done) else outcome.reason
    _end_attempt(tx, finished.run, type(outcome).__name__.lower(), reason)
    if outcome.then is not None:
        outcome.then(tx)


def _move(tx: Tx, delivery: Delivery, outcome: Outcome, backoff: Backoff, chance: float, doubt: bool) -> None:
    match outcome:
        case Done(text):
            tx.move(delivery, "succeed", run=0, unsettled=False, text=text, reason="", reason_code="")
        case Retry(reason, after, code):
            if backoff.exhausted(delivery, tx.now):
                _give_up(tx, delivery, reason, code, unsettled=doubt)
            else:
                due = tx.now + (after if after is not None else backoff.delay(delivery.attempts, chance))
                tx.move(delivery, "retry", run=0, unsettled=doubt, due=due, reason=reason, reason_code=code)
        case Unknown(reason):
            if backoff.exhausted(delivery, tx.now):
                _give_up(tx, delivery, reason, "", unsettled=True)
            else:
                due = tx.now + backoff.delay(delivery.attempts, chance)
                tx.move(delivery, "unknown", run=0, unsettled=True, due=due, reason=reason, reason_code="")
        case Hold(reason, code):
            tx.move(delivery, "hold", run=0, unsettled=doubt, reason=reason, reason_code=code)
        case Refuse(reason, code):
            tx.move(delivery, "refuse", run=0, unsettled=doubt, reason=reason, reason_code=code)
        case Dead(reason, code):
            tx.move(delivery, "die", run=0, reason=reason, reason_code=code)
        case _:
            assert_never(outcome)


def _give_up(tx: Tx, delivery: Delivery, reason: str, code: str, *, unsettled: bool) -> None:
    text = f"Abandonné après {delivery.attempts} essais : {reason}"
    tx.move(
        delivery, "die", run=0, unsettled=unsettled, text=text, reason=text, reason_code=code or "exhausted"
    )  # fmt: skip


def _bury(tx: Tx, finished: Finished, error: Exception) -> None:
    delivery = tx.delivery(finished.delivery_id)
    reason = f"Résultat non enregistré ({type(error).__name__})"
    tx.move(delivery, "die", run=0, reason=reason, reason_code="outcome-failed", data={"where": where(error)})
    _end_attempt(tx, finished.run, "failed", reason)


def _end_attempt(tx: Tx, run: int, outcome: str, reason: str) -> None:
    tx.execute(
        "UPDATE attempt SET ended_at = ?, outcome = ?, reason = ? WHERE id = ?", (stamp(tx.now), outcome, reason, run)
    )
