"""What a handler receives (Job) and what it may answer (Outcome)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from connector.base.guard import FenceLost
from connector.journal.deliveries import Delivery
from connector.journal.engine.lease import UNFENCED, Fence
from connector.journal.lifecycle import LifecycleError
from connector.journal.retention.reading import message_content
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
    its external effect: ask before sending again. `sent` tells that this attempt called `sending`, and that its own
    outcome settles what became of it.
    """

    def __init__(self, journal: Journal, delivery: Delivery, fence: Fence = UNFENCED) -> None:
        self._journal = journal
        self._run = delivery.run
        self.fence = fence
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
        """Bytes of the message the delivery came from, b"" when it came from none. Raises ContentPurged."""
        return message_content(self._journal, self.message_id)

    def note(self, event: str, text: str, **data: Any) -> None:
        """One line on the document's timeline, durable no later than this attempt's outcome; `text` is French."""

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

        # No fsync of its own: done in order, it is durable no later than the outcome of this attempt.
        self._journal.post(write)

    def sending(self, data: dict[str, Any]) -> None:
        """Durable before the external effect: `data` joins the payload, a crash from here on makes `resumed`.

        Raises FenceLost when this attempt was superseded (the engine was restarted meanwhile, another process took
        over): the handler stops there without sending anything.
        """
        self.payload |= data
        self._while_ours(partial(_send, delivery_id=self.delivery_id, run=self._run, payload=dict(self.payload)))
        self.sent = True

    def confirm(self) -> None:
        """Right before an effect that needs no `sending`, as it may be repeated: is this attempt still the one?

        Raises FenceLost when it is not.
        """
        rows = self._journal.query("SELECT run FROM delivery WHERE id = ?", (self.delivery_id,))
        if not rows or rows[0]["run"] != self._run:
            raise FenceLost("a later attempt replaced this one", delivery_id=self.delivery_id, expected=self._run)
        self.fence.check()

    def doubt(self, data: dict[str, Any]) -> None:
        """Durable: the effect may exist or come yet, so the next attempt is `resumed` whatever outcome ends this one.

        `data` joins the payload. Raises FenceLost when this attempt was superseded.
        """
        self.payload |= data
        self._while_ours(partial(_doubt, delivery_id=self.delivery_id, run=self._run, payload=dict(self.payload)))
        self.sent = False

    def _while_ours(self, fn: Then) -> None:
        """A transaction that only the current attempt may make; then the fence, which only time can close."""
        try:
            self._journal.transact(fn)
        except _Superseded as error:
            raise FenceLost("a later attempt replaced this one", **error.context) from None
        self.fence.check()


class _Superseded(LifecycleError):
    """A later attempt owns the delivery."""


Handler = Callable[[Job], Outcome]


def _send(tx: Tx, *, delivery_id: int, run: int, payload: dict[str, Any]) -> None:
    tx.move(_own(tx, delivery_id, run), "send", run=run, payload=payload, unsettled=True)


def _doubt(tx: Tx, *, delivery_id: int, run: int, payload: dict[str, Any]) -> None:
    _own(tx, delivery_id, run)
    text = json.dumps(payload, ensure_ascii=False)
    tx.execute("UPDATE delivery SET unsettled = 1, payload = ? WHERE id = ?", (text, delivery_id))


def _own(tx: Tx, delivery_id: int, run: int) -> Delivery:
    delivery = tx.delivery(delivery_id)
    if delivery.run != run:
        raise _Superseded(
            delivery.state, "send", delivery_id=delivery_id, found_run=delivery.run, expected_run=run
        )  # fmt: skip
    return delivery
