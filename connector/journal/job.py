"""What a handler receives (Job) and what it may answer (Outcome)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from connector.journal.deliveries import Delivery
from connector.journal.lifecycle import LifecycleError
from connector.journal.store import Journal
from connector.journal.tx import Tx

Then = Callable[[Tx], None]
"""Work done in the same transaction as the move."""


@dataclass(frozen=True, slots=True)
class Done:
    """The delivery succeeded."""

    text: str = ""
    then: Then | None = None
    unreachable: bool | None = False


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed for sure and may succeed later; `after` replaces the engine's back-off."""

    reason: str
    after: timedelta | None = None
    code: str = ""
    then: Then | None = None
    unreachable: bool | None = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The external effect may have happened: stays in `sending`, comes back with `Job.resumed` (design rule 7)."""

    reason: str
    then: Then | None = None
    unreachable: bool | None = False


@dataclass(frozen=True, slots=True)
class Hold:
    """It must wait for something the connector does not decide; `Tx.release` by this code lets it go."""

    reason: str
    reason_code: str
    then: Then | None = None
    unreachable: bool | None = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refused for good: the content must be mended, later deliveries of the patient go on."""

    reason: str
    code: str
    then: Then | None = None
    unreachable: bool | None = False


@dataclass(frozen=True, slots=True)
class Dead:
    """Given up: a person must look; blocks the patient when dead letters stop."""

    reason: str
    code: str
    then: Then | None = None
    unreachable: bool | None = False


Outcome = Done | Retry | Unknown | Hold | Refuse | Dead
"""Every outcome says what it learned of its destination, for the circuit breaker: `unreachable` True when the
destination did not answer, False when it did, None when it was never asked (or the delivery does without it)."""


class Job:
    """One attempt at one delivery, in a worker thread.

    `attempt` counts from 1 since creation or replay. `resumed` is True when an earlier attempt may have had
    its external effect: ask before sending again. `sent` tells that this attempt called `sending`.
    """

    def __init__(self, journal: Journal, delivery: Delivery) -> None:
        self._journal = journal
        self._run = delivery.run
        self.delivery_id = delivery.id
        self.kind = delivery.kind
        self.patient_id = delivery.patient_id
        self.message_id = delivery.message_id
        self.stay = delivery.stay
        self.document_id = delivery.document_id
        self.payload = dict(delivery.payload)
        self.attempt = delivery.attempts
        self.resumed = delivery.unsettled
        self.sent = False

    @property
    def run(self) -> int:
        """Id of this attempt; a later attempt at the same delivery makes this one powerless."""
        return self._run

    def raw(self) -> bytes:
        """Bytes of the message the delivery came from, b"" when it came from none."""
        rows = self._journal.query("SELECT raw FROM message WHERE id = ?", (self.message_id,))
        return bytes(rows[0]["raw"]) if rows else b""

    def note(self, event: str, text: str, **data: Any) -> None:
        """One durable line on the document's timeline; `text` is French."""

        def write(tx: Tx) -> None:
            tx.note(
                event,
                text,
                patient_id=self.patient_id,
                stay=self.stay,
                document_id=self.document_id,
                message_id=self.message_id,
                delivery_id=self.delivery_id,
                data=data,
            )

        self._journal.transact(write)

    def sending(self, data: dict[str, Any]) -> None:
        """Durable before the external effect: `data` joins the payload, a crash from here on makes `resumed`.

        Raises LifecycleError when this attempt was superseded (the engine was restarted meanwhile):
        the handler must then stop without sending anything.
        """
        self.payload |= data
        self._journal.transact(partial(_send, delivery_id=self.delivery_id, run=self._run, payload=dict(self.payload)))
        self.sent = True


Handler = Callable[[Job], Outcome]


def _send(tx: Tx, *, delivery_id: int, run: int, payload: dict[str, Any]) -> None:
    delivery = tx.delivery(delivery_id)
    if delivery.run != run:
        raise LifecycleError(delivery.state, "send", delivery_id=delivery_id, found_run=delivery.run, expected_run=run)
    tx.move(delivery, "send", run=run, payload=payload, unsettled=True)
