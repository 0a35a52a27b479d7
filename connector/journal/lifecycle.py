"""The life of a delivery as one table: (state, event) → state (design rule 6).

    queued ─start▶ running ─send▶ sending ─succeed▶ done
       ▲              │              │
       └── recover ───┘              └─unknown▶ sending (ask before resending, design rule 7)

`held`, `refused`, `done` never block the patient; `dead` does when JournalConfig.dead_letter is 'stop'.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from connector.base.errors import ConnectorError

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


class LifecycleError(ConnectorError):
    """An event that cannot happen in that state; `context` has `delivery_id`, `found` (state), `event`."""

    def __init__(self, state: str, event: str, **context: Any) -> None:
        super().__init__(f"event '{event}' is impossible in state '{state}'", found=state, event=event, **context)


TABLE: Final[dict[tuple[State, Event], State]] = {
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
    ("running", "recover"): "queued",
    ("sending", "recover"): "sending",
    ("sending", "settle"): "done",
    ("held", "settle"): "done",
    ("refused", "settle"): "done",
    ("dead", "settle"): "done",
}

TEXTS: Final[dict[Event, str]] = {
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
"""Default French text of each move, when the caller gives none."""

CREATED: Final = "Travail créé"
INITIAL: Final[frozenset[State]] = frozenset({"queued", "held", "refused"})
STARTABLE: Final[frozenset[State]] = frozenset({"queued", "retry", "sending"})


def next_state(state: State, event: Event) -> State:
    """State after `event`. Raises LifecycleError when the table has no such row."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise LifecycleError(state, event) from None


def line_text(event: Event, text: str, reason: str) -> str:
    """Timeline text of a move: the caller's, else the default one followed by the reason."""
    if text:
        return text
    return f"{TEXTS[event]} : {reason}" if reason else TEXTS[event]
