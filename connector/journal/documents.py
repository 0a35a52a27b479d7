"""The life of a document, moved by the delivery that carries it: same transaction, same timeline line.

A document is received, waits, leaves, and is published, refused or given up; between leaving and an answer it may
be in doubt (design rule 7). No code moves a document by itself: `FOLLOWS` says what each move of its delivery means for
it, and the delivery's line carries both moves (`data["document"]`): what the timeline says is what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from connector.journal.db.connection import Connection, Row
from connector.journal.lifecycle import Event, Lifecycle, State

DocumentState = Literal[
    "received", "waiting", "sending", "in-doubt", "published", "refused", "given-up", "settled"
]  # fmt: skip
DocumentEvent = Literal["send", "publish", "wait", "doubt", "refuse", "give-up", "resume", "settle", "resubmit"]

_TABLE: Final[dict[tuple[DocumentState, DocumentEvent], DocumentState]] = {
    ("received", "send"): "sending",
    ("received", "publish"): "published",
    ("received", "wait"): "waiting",
    ("received", "doubt"): "in-doubt",
    ("received", "refuse"): "refused",
    ("received", "give-up"): "given-up",
    ("waiting", "send"): "sending",
    ("waiting", "publish"): "published",
    ("waiting", "wait"): "waiting",
    ("waiting", "doubt"): "in-doubt",
    ("waiting", "refuse"): "refused",
    ("waiting", "give-up"): "given-up",
    ("waiting", "resume"): "waiting",
    ("waiting", "settle"): "settled",
    ("sending", "send"): "sending",
    ("sending", "publish"): "published",
    ("sending", "wait"): "waiting",
    ("sending", "doubt"): "in-doubt",
    ("sending", "refuse"): "refused",
    ("sending", "give-up"): "given-up",
    # Asked for and absent: it leaves again, with the same identifiers.
    ("in-doubt", "send"): "sending",
    ("in-doubt", "publish"): "published",
    ("in-doubt", "wait"): "waiting",
    ("in-doubt", "doubt"): "in-doubt",
    ("in-doubt", "refuse"): "refused",
    ("in-doubt", "give-up"): "given-up",
    ("in-doubt", "settle"): "settled",
    ("refused", "resume"): "waiting",
    ("refused", "doubt"): "in-doubt",
    ("refused", "settle"): "settled",
    ("given-up", "resume"): "waiting",
    ("given-up", "doubt"): "in-doubt",
    ("given-up", "settle"): "settled",
    # The sender sent the same document again after we gave it back.
    ("refused", "resubmit"): "waiting",
    ("given-up", "resubmit"): "waiting",
}

_TEXTS: Final[dict[DocumentEvent, str]] = {
    "send": "Document en cours d'envoi",
    "publish": "Document publié",
    "wait": "Document en attente",
    "doubt": "Document peut-être arrivé, à vérifier avant tout nouvel envoi",
    "refuse": "Document refusé",
    "give-up": "Document abandonné, intervention nécessaire",
    "resume": "Document remis en attente",
    "settle": "Document réglé par un opérateur",
    "resubmit": "Document reçu de nouveau",
}

DOCUMENT: Final[Lifecycle[DocumentState, DocumentEvent]] = Lifecycle(
    "document",
    _TABLE,
    _TEXTS,
    initial=frozenset({"received", "waiting", "refused"}),
    final=frozenset({"published", "settled"}),
)

FOLLOWS: Final[dict[tuple[Event, bool], DocumentEvent]] = {
    ("send", True): "send",
    ("succeed", False): "publish",
    ("retry", False): "wait",
    ("retry", True): "doubt",
    ("unknown", True): "doubt",
    ("hold", False): "wait",
    ("hold", True): "doubt",
    ("refuse", False): "refuse",
    ("refuse", True): "refuse",
    ("die", False): "give-up",
    ("die", True): "give-up",
    ("requeue", False): "resume",
    ("requeue", True): "doubt",
    ("recover", True): "doubt",
    ("settle", False): "settle",
}
"""What a move of the delivery means for its document; the flag is the delivery's `unsettled` after the move.

What is not here (start, release, recovery of what had not left) changes nothing for the document.
"""

BEGINS: Final[dict[State, DocumentState]] = {"queued": "received", "held": "waiting", "refused": "refused"}
"""State of a document whose delivery is created in that state."""


@dataclass(frozen=True, slots=True, repr=False)
class Submission:
    """A document handed over for one action. The three together say whether it was handed over before.

    `sha256` is the hex digest of the document's bytes; `sender` is MSH-3|MSH-4.
    """

    unique_id: str
    action: str
    sha256: str
    sender: str = ""


Change = dict[str, str]
"""A move of a document as its line keeps it: event, from, to."""


def attach(connection: Connection, submission: Submission, patient_id: int, delivery_id: int, state: State) -> Change:
    """The document begins its life with this delivery, or begins it again after a refusal.

    Raises LifecycleError when it is already on its way or published: the caller should have seen that.
    """
    keys = (submission.unique_id, submission.action, submission.sha256)
    begins = BEGINS[state]
    row = _find(connection, submission)
    if row is None:
        connection.execute(
            "INSERT INTO document (unique_id, action, sha256, patient_id, delivery_id, sender, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*keys, patient_id, delivery_id, submission.sender, begins),
        )
        return {"event": "receive", "from": "", "to": begins}
    after = DOCUMENT.after(row["state"], "resubmit", document=row["id"])
    connection.execute("UPDATE document SET delivery_id = ?, state = ? WHERE id = ?", (delivery_id, after, row["id"]))
    return {"event": "resubmit", "from": row["state"], "to": after}


def state_of(connection: Connection, submission: Submission) -> DocumentState | None:
    """The state of a document handed over before for the same action, None when it never was."""
    row = _find(connection, submission)
    return None if row is None else row["state"]


def can_be_resubmitted(state: DocumentState) -> bool:
    """Whether the sender may hand the same document over again: it was given back, not kept."""
    return (state, "resubmit") in DOCUMENT.table


def _find(connection: Connection, submission: Submission) -> Row | None:
    keys = (submission.unique_id, submission.action, submission.sha256)
    sql = "SELECT id, state FROM document WHERE unique_id = ? AND action = ? AND sha256 = ?"
    row: Row | None = connection.execute(sql, keys).fetchone()
    return row


def follow(connection: Connection, delivery_id: int, event: Event, unsettled: bool) -> Change | None:
    """Moves the document this delivery carries; None when it carries none or nothing changes for it."""
    meaning = FOLLOWS.get((event, unsettled))
    if meaning is None:
        return None
    row = connection.execute("SELECT id, state FROM document WHERE delivery_id = ?", (delivery_id,)).fetchone()
    if row is None:
        return None
    after = DOCUMENT.after(row["state"], meaning, document=row["id"])
    if after != row["state"]:
        connection.execute("UPDATE document SET state = ? WHERE id = ?", (after, row["id"]))
    return {"event": meaning, "from": row["state"], "to": after}
