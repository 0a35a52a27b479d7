"""A made-up history for retention and forecast: days of traffic, some of it never finished."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connector.journal import inbox
from connector.journal.lifecycle import State
from connector.journal.model import Incoming, key_of, stamp
from connector.journal.retention.config import RetentionConfig, Rules
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.support import IPP, Clock

DOCUMENT = "document"
FINAL = ("done",)
UNFINISHED = ("queued", "retry", "sending", "held", "refused", "dead")


def rules(**settings: Any) -> Rules:
    """Quick steps, no pauses."""
    return Rules(RetentionConfig(**({"pause": 0.0, "step_rows": 7} | settings)), (DOCUMENT,))


@dataclass(frozen=True, slots=True)
class Fact:
    """What the test knows of one message without asking the journal."""

    message_id: int
    key: str
    route: str
    received_at: datetime
    raw: bytes
    deliveries: tuple[tuple[int, str, datetime], ...]
    refused: bool = False
    failed: bool = False

    @property
    def unfinished(self) -> bool:
        return self.failed or any(state not in FINAL for _, state, _ in self.deliveries)


@dataclass(slots=True)
class History:
    """Writes traffic into a journal, moving `clock` on; `facts` is the reference the journal is compared with."""

    journal: Journal
    clock: Clock
    chance: random.Random
    facts: list[Fact] = field(default_factory=list)
    document_size: int = 6000
    message_size: int = 400
    written: int = 0

    def day(self, messages: int, unfinished: float = 0.2) -> None:
        """One day of traffic, evenly spread."""
        for _ in range(messages):
            self.one(unfinished)
            self.clock.push(hours=24 / messages)

    def bulk_day(self, messages: int) -> None:
        """One day of finished traffic in one transaction, for histories of thousands of messages."""
        self.journal.transact(partial(self._bulk, messages=messages, first=self.written))
        self.written += messages
        self.clock.push(days=1)

    def _bulk(self, tx: Tx, *, messages: int, first: int) -> None:
        for number in range(first, first + messages):
            document = self.chance.random() < 0.15
            size = self.document_size if document else self.message_size
            incoming = Incoming(
                raw=self.chance.randbytes(int(size * self.chance.uniform(0.5, 1.5))),
                peer="192.0.2.1:4000",
                key=key_of(f"{number}", "SGL", "CHU-X", f"{number * 0x9E3779B97F4A7C15 % 2**64:064x}"),
                type="ADT",
                event="A01",
                control_id=f"{number}",
                sender="SGL|CHU-X",
                received_at=tx.now + timedelta(days=(number - first) / messages),
                verdict="accepted",
                ack=b"MSA|AA|" + b"." * 170,
                route=DOCUMENT if document else "adt-act",
            )
            message_id = inbox.store(tx.connection, [inbox.to_row(incoming)])[0].message_id
            self._route(tx, message_id=message_id, states=("done",), failed=False)

    def one(self, unfinished: float = 0.2, states: tuple[str, ...] | None = None) -> Fact:
        """One message with its deliveries, in states drawn or given."""
        number, chance = len(self.facts) + 1, self.chance
        route = DOCUMENT if chance.random() < 0.3 else "adt-act"
        refused = states is None and chance.random() < 0.1
        size = self.document_size if route == DOCUMENT else self.message_size
        incoming = Incoming(
            raw=f"MSH|{number}|".encode() + bytes(chance.randrange(32, 127) for _ in range(size)),
            peer="192.0.2.1:4000",
            key=key_of(f"control-{number}", "SGL", "CHU-X"),
            type="MDM" if route == DOCUMENT else "ADT",
            event="T02" if route == DOCUMENT else "A01",
            control_id=f"control-{number}",
            sender="SGL|CHU-X",
            received_at=self.clock(),
            verdict="refused" if refused else "accepted",
            ack=f"MSA|AA|{number}".encode() + b"." * 150,
            route=route,
        )
        message_id = self.journal.accept_sync(incoming).message_id
        if states is None:
            count = 0 if refused else chance.choice((0, 1, 1, 1, 2))
            states = tuple(chance.choice(UNFINISHED) if chance.random() < unfinished else "done" for _ in range(count))
        failed = not refused and not states and chance.random() < unfinished / 2
        deliveries = self.journal.transact(partial(self._route, message_id=message_id, states=states, failed=failed))
        fact = Fact(message_id, incoming.key, route, incoming.received_at, incoming.raw, deliveries, refused, failed)
        self.facts.append(fact)
        return fact

    def _route(
        self, tx: Tx, *, message_id: int, states: tuple[str, ...], failed: bool
    ) -> tuple[tuple[int, str, datetime], ...]:
        patient = tx.resolve_patient([(IPP, str(message_id % 11))])
        made = []
        for state in states:
            delivery = tx.deliver("send", patient, {}, message_id=message_id, document_id=f"2.25.{message_id}")
            tx.execute(
                "INSERT INTO attempt (delivery_id, number, started_at, outcome, reason) VALUES (?, 1, ?, ?, '')",
                (delivery, stamp(tx.now), state),
            )
            set_state(tx, delivery, state)
            made.append((delivery, state, tx.now))
        if failed:
            tx.execute(
                "INSERT INTO routing_failure (message_id, at, reason) VALUES (?, ?, 'x')", (message_id, stamp(tx.now))
            )
        tx.execute("UPDATE message SET routed = ? WHERE id = ?", (2 if failed else 1, message_id))
        tx.note("reçu", "Message appliqué", message_id=message_id, patient_id=patient)
        tx.note("libéré", "Une ligne du patient seul", patient_id=patient)
        return tuple(made)


def set_state(tx: Tx, delivery: int, state: State | str) -> None:
    """Puts a delivery where a long life would have led it."""
    unsettled = 1 if state == "sending" else 0
    tx.execute(
        "UPDATE delivery SET state = ?, unsettled = ?, updated_at = ? WHERE id = ?",
        (state, unsettled, stamp(tx.now), delivery),
    )


def start(journal: Journal, clock: Clock, seed: int) -> History:
    return History(journal, clock, random.Random(seed))


def days(count: float) -> timedelta:
    return timedelta(days=count)
