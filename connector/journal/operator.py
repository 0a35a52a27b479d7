"""What a person may do to a delivery: retry, hold, release, settle; each with a reason, a line and an audit line."""

from __future__ import annotations

from typing import Final, Literal, assert_never

from connector.journal.audit.operators import operator_act
from connector.journal.deliveries import Delivery
from connector.journal.lifecycle import DELIVERY, Event, State
from connector.journal.tx import Tx

Act = Literal["retry", "hold", "release", "settle"]
HELD_BY_OPERATOR: Final = "operator"
"""Reason code of what a person holds: no message of the hospital releases it."""

_EVENTS: Final[dict[Act, Event]] = {"retry": "requeue", "hold": "hold", "release": "release", "settle": "settle"}


def allowed(act: Act) -> tuple[State, ...]:
    """The states this act is possible in, in the order of the life cycle table."""
    return tuple(state for state, event in DELIVERY.table if event == _EVENTS[act] and state != "running")


def act(tx: Tx, what: Act, delivery_id: int, reason: str, operator: str) -> Delivery:
    """Does it, and gives the delivery as it is now. `reason` is the person's own words, `operator` who it is.

    A retry starts now and counts its attempts anew; what is in doubt is still asked about first. Raises LifecycleError
    when there is no such delivery or its state does not allow it, InHand while a worker is on it.
    """
    moved = _move(tx, what, delivery_id, reason, operator)
    documents = (moved.document_id,) if moved.document_id else ()
    operator_act(tx, what, delivery_id=delivery_id, reason=reason, operator=operator, unique_ids=documents)
    return moved


def reroute(tx: Tx, message_id: int, reason: str, operator: str) -> None:
    """Gives a message whose routing failed to the router once more. Raises JournalError when it did not fail."""
    tx.reroute(message_id, reason)
    operator_act(tx, "reroute", reason=f"message {message_id} : {reason}", operator=operator)


def _move(tx: Tx, what: Act, delivery_id: int, reason: str, operator: str) -> Delivery:
    data = {"operator": operator}
    match what:
        case "retry":
            return tx.requeue(delivery_id, reason, data)
        case "settle":
            return tx.settle(delivery_id, reason, data)
        case "hold":
            delivery = tx.idle(delivery_id, "hold")
            return tx.move(delivery, "hold", reason=reason, reason_code=HELD_BY_OPERATOR, data=data)
        case "release":
            return tx.move(tx.idle(delivery_id, "release"), "release", reason=reason, reason_code="", data=data)
        case _:
            assert_never(what)
