"""The life of a message: stored, then routed once; what the router cannot treat fails, and a person sends it back.

The state is in the message's own row, as `verdict` and `routed`. Two moves cost no timeline line of their own, because
that row says them: the reception and the routing, which timeline.py reads from it. The rare moves write their line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from connector.journal.db.connection import Connection, Row
from connector.journal.deliveries import About, Line, LineRow, line_row
from connector.journal.lifecycle import Lifecycle, LifecycleError

MessageState = Literal["stored", "routed", "failed", "refused"]
MessageEvent = Literal["route", "routing-failed", "reroute", "purge"]

MESSAGE: Final[Lifecycle[MessageState, MessageEvent]] = Lifecycle(
    "message",
    {
        ("stored", "route"): "routed",
        ("stored", "routing-failed"): "failed",
        ("failed", "reroute"): "stored",
        # The content goes, the facts of its life stay.
        ("routed", "purge"): "routed",
        ("refused", "purge"): "refused",
    },
    {
        "route": "Message traité",
        "routing-failed": "Message accepté mais non traité",
        "reroute": "Message repris",
        "purge": "Contenu du message effacé, durée de conservation atteinte",
    },
    initial=frozenset({"stored", "refused"}),
    final=frozenset({"routed", "refused"}),
)

ROUTED: Final[Mapping[MessageState, int]] = {"stored": 0, "routed": 1, "refused": 1, "failed": 2}
"""Column `routed` of each state. 0 and 1 take the same room, so that routing a long message rewrites one page of it."""

_STATES: Final[Mapping[tuple[str, int], MessageState]] = {
    ("accepted", 0): "stored",
    ("accepted", 1): "routed",
    ("accepted", 2): "failed",
    ("refused", 1): "refused",
}
_ROUTED: Final = "UPDATE message SET routed = ? WHERE id = ?"


def state_of(row: Row) -> MessageState:
    """State of a message's row, of which `verdict` and `routed` were read."""
    return _STATES[row["verdict"], row["routed"]]


def route(connection: Connection, row: Row) -> None:
    """The router treated it: one UPDATE, and the row is the line. Raises LifecycleError."""
    after = MESSAGE.after(state_of(row), "route", message_id=row["id"])
    connection.execute(_ROUTED, (ROUTED[after], row["id"]))


def move(
    connection: Connection,
    message_id: int,
    event: MessageEvent,
    now: datetime,
    *,
    text: str = "",
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> LineRow:
    """Any other move; gives the line still to be written. Raises LifecycleError, also when there is no such message."""
    row = connection.execute("SELECT verdict, routed FROM message WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        raise LifecycleError("absent", event, message_id=message_id)
    before = state_of(row)
    after = MESSAGE.after(before, event, message_id=message_id)
    connection.execute(_ROUTED, (ROUTED[after], message_id))
    line = Line(event, MESSAGE.text(event, text, reason), before, after)
    return line_row(now, line, About(message_id=message_id), data)
