"""A life as one table: (state, event) → state (design rule 6), and the life of a delivery.

    queued ─start▶ running ─send▶ sending ─succeed▶ done
       ▲              │              │
       └── recover ───┘              └─unknown▶ sending (ask before resending, design rule 7)

`held`, `refused`, `done` never block the patient; `dead` does when JournalConfig.dead_letter is 'stop'.
The lives of a message (messages.py) and of a document (documents.py) are values of the same shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from connector.base.errors import ConnectorError

S = TypeVar("S", bound=str)
E = TypeVar("E", bound=str)


class LifecycleError(ConnectorError):
    """An event that cannot happen in that state; `context` has `found` (state), `event`, and whose life it is."""

    def __init__(self, state: str, event: str, **context: Any) -> None:
        super().__init__(f"event '{event}' is impossible in state '{state}'", found=state, event=event, **context)


class InHand(LifecycleError):
    """A worker is on the delivery: nobody else moves it until its attempt ends."""


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[S, E]):
    """Every move a thing can make in its life; what is not in the table is an error.

    texts    French text of each move on the timeline, when the caller gives none
    initial  states a life may begin in
    final    states no event leads out of
    """

    name: str
    table: Mapping[tuple[S, E], S]
    texts: Mapping[E, str]
    initial: frozenset[S]
    final: frozenset[S]

    def after(self, state: S, event: E, **context: Any) -> S:
        """State after `event`. Raises LifecycleError, with `context`, when the table has no such row."""
        try:
            return self.table[state, event]
        except KeyError:
            raise LifecycleError(state, event, **context) from None

    def text(self, event: E, text: str = "", reason: str = "") -> str:
        """Timeline text of a move: the caller's, else the default one followed by the reason."""
        if text:
            return text
        return f"{self.texts[event]} : {reason}" if reason else self.texts[event]


State = Literal["queued", "running", "sending", "retry", "held", "done", "refused", "dead"]
Event = Literal[
    "start",
    "send",
    "succeed",
    "retry",
    "unknown",
    "hold",
    "refuse",
    "die",
    "release",
    "requeue",
    "recover",
    "settle",
]

_TABLE: Final[dict[tuple[State, Event], State]] = {
    ("queued", "start"): "running",
    ("retry", "start"): "running",
    # A resumed delivery stays in sending while it asks what became of the first attempt.
    ("sending", "start"): "sending",
    ("running", "send"): "sending",
    ("sending", "send"): "sending",
    ("running", "succeed"): "done",
    ("sending", "succeed"): "done",
    ("running", "retry"): "retry",
    ("sending", "retry"): "retry",
    # A handler unsure of the outcome without having said `send` is believed, not punished.
    ("running", "unknown"): "sending",
    ("sending", "unknown"): "sending",
    ("queued", "hold"): "held",
    ("retry", "hold"): "held",
    ("running", "hold"): "held",
    ("sending", "hold"): "held",
    ("running", "refuse"): "refused",
    ("sending", "refuse"): "refused",
    ("running", "die"): "dead",
    ("sending", "die"): "dead",
    ("held", "release"): "queued",
    ("held", "requeue"): "queued",
    ("refused", "requeue"): "queued",
    ("dead", "requeue"): "queued",
    # Not waiting for the back-off any longer; what is in doubt is still asked about first.
    ("retry", "requeue"): "queued",
    ("sending", "requeue"): "sending",
    ("running", "recover"): "queued",
    ("sending", "recover"): "sending",
    ("sending", "settle"): "done",
    ("held", "settle"): "done",
    ("refused", "settle"): "done",
    ("dead", "settle"): "done",
}

_TEXTS: Final[dict[Event, str]] = {
    "start": "Traitement commencé",
    "send": "Envoi en cours",
    "succeed": "Terminé",
    "retry": "Nouvel essai prévu",
    "unknown": "Issue inconnue, vérification avant tout nouvel envoi",
    "hold": "Mis en attente",
    "refuse": "Refusé",
    "die": "Abandonné, intervention nécessaire",
    "release": "Attente levée",
    "requeue": "Rejoué à la demande",
    "recover": "Repris au démarrage du connecteur",
    "settle": "Réglé par un opérateur",
}

DELIVERY: Final[Lifecycle[State, Event]] = Lifecycle(
    "delivery", _TABLE, _TEXTS, initial=frozenset({"queued", "held", "refused"}), final=frozenset({"done"})
)
CREATED: Final = "Travail créé"
STARTABLE: Final[frozenset[State]] = frozenset({"queued", "retry", "sending"})
ACTIVE: Final = "state IN ('queued','running','sending','retry','dead')"
"""States a patient's order depends on; heads.py leaves `dead` out when dead letters pass.

Must stay textually equal in index and queries: SQLite matches partial indexes by their text.
"""
