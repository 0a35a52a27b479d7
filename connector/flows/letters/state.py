"""What became of a document, for whoever handed it in: its state in the journal, why, and its chain of versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from connector.flows.letters.asked_for import AskedFor, asked_for
from connector.flows.predecessor import WITHDRAWN
from connector.flows.snapshot import Snapshot
from connector.journal import JournalReader
from connector.journal.db.connection import Row
from connector.patients.versions import Version, chain_of

LetterStatus = Literal[
    "received", "waiting", "sending", "in-doubt", "published", "refused", "given-up", "settled",
    "replaced", "deleted", "withdrawn", "elsewhere", "rehearsed",
]  # fmt: skip

WORDS: Final[dict[LetterStatus, str]] = {
    "received": "reçu, en file",
    "waiting": "en attente",
    "sending": "en cours d'envoi",
    "in-doubt": "peut-être arrivé, vérification en cours",
    "published": "dans le DMP",
    "refused": "refusé",
    "given-up": "abandonné, intervention nécessaire",
    "settled": "réglé à la main",
    "replaced": "remplacé dans le DMP par une version plus récente",
    "deleted": "supprimé du DMP",
    "withdrawn": "annulé par sa suppression, jamais parti",
    "elsewhere": "jamais remis à ce connecteur",
    "rehearsed": "mode ombre : serait parti",
}
_IN_CHAIN: Final[dict[LetterStatus, str]] = {
    **WORDS,
    "published": "en vigueur dans le DMP",
    "replaced": "remplacé",
    "deleted": "supprimé",
    "rehearsed": "mode ombre",
}
_OF_DELIVERY: Final[dict[str, LetterStatus]] = {
    "done": "rehearsed",
    "held": "waiting",
    "refused": "refused",
    "dead": "given-up",
}
_EXPLAINED: Final[frozenset[LetterStatus]] = frozenset({"waiting", "refused", "given-up", "in-doubt"})
_DELETION: Final[dict[str, str]] = {
    "queued": "demandée, en file",
    "running": "demandée, en cours",
    "sending": "demandée, envoyée, à vérifier",
    "retry": "demandée, nouvel essai prévu",
    "held": "demandée, en attente",
    "refused": "refusée",
    "dead": "abandonnée, intervention nécessaire",
    "done": "faite",
}
_UNROUTED: Final = (
    "SELECT m.routed, m.received_at FROM letter l JOIN message m ON m.id = l.message_id"
    " WHERE l.unique_id = ? AND m.routed <> 1"
)
_NOT_TREATED: Final = "message accepté mais non traité : à reprendre (connector worklist)"


@dataclass(frozen=True, slots=True)
class Link:
    """One version of the chain, or of what was asked to become one. French texts, without identity.

    replaced_by  the version that took its place in the DMP; one that still waits says so by its own `replaces`
    deletion     what became of the deletion that was asked for, "" when none was
    """

    unique_id: str
    number: int
    state: LetterStatus
    text: str
    reason: str
    replaces: str
    replaced_by: str
    deletion: str


@dataclass(frozen=True, slots=True)
class LetterState:
    """`text`, `reason` and `deletion_text` are French, without identity; `updated` is ISO, UTC.

    deletion   state of the delivery that asks for the deletion, "" when none was asked for
    """

    unique_id: str
    status: LetterStatus
    text: str
    reason: str
    code: str
    updated: str
    deletion: str
    deletion_text: str
    chain: tuple[Link, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def letter_state(journal: JournalReader, unique_id: str) -> LetterState | None:
    """The state of a document, None when nobody handed it to this connector. Raises JournalError."""
    asked = asked_for(journal, unique_id)
    versions = _versions(Snapshot(journal), unique_id, asked)
    own, deletion = _rows(asked.get(unique_id))
    if own is None and deletion is None and unique_id not in versions:
        return _unrouted(journal, unique_id)
    link = _link(unique_id, versions.get(unique_id), asked.get(unique_id))
    row = own if own is not None else deletion
    return LetterState(
        unique_id,
        link.state,
        WORDS[link.state],
        link.reason,
        str(own["reason_code"]) if own is not None and link.state in _EXPLAINED - {"in-doubt"} else "",
        str(row["updated_at"]) if row is not None else "",
        str(deletion["state"]) if deletion is not None else "",
        link.deletion,
        _chain(unique_id, versions, asked),
    )


def _versions(sql: Snapshot, unique_id: str, asked: Mapping[str, AskedFor]) -> dict[str, Version]:
    """What the DMP took of the documents that hang together with this one."""
    found: dict[str, Version] = {}
    for name in _together(unique_id, asked):
        found |= {one.unique_id: one for one in chain_of(sql, name)}
    return found


def _together(unique_id: str, asked: Mapping[str, AskedFor]) -> set[str]:
    """uniqueIds one chain joins, by who replaces whom and by setId, as they were asked for."""
    found, waiting = {unique_id}, [unique_id]
    while waiting:
        name = waiting.pop()
        one = asked.get(name, AskedFor(name))
        near = {one.replaces} if one.replaces else set()
        near |= {other.unique_id for other in asked.values() if other.replaces == name or _same_set(one, other)}
        waiting += near - found
        found |= near
    return found


def _same_set(one: AskedFor, other: AskedFor) -> bool:
    return one.set_id != "" and one.set_id == other.set_id


def _chain(unique_id: str, versions: Mapping[str, Version], asked: Mapping[str, AskedFor]) -> tuple[Link, ...]:
    """Every version known, the oldest number first; in the order they came where numbers say nothing."""
    names = set(versions)
    for name in {unique_id, *versions}:
        names |= _together(name, asked)
    came = {name: place for place, name in enumerate(asked)}
    known = [name for name in names if name in versions or name in asked]
    links = [_link(name, versions.get(name), asked.get(name)) for name in known]
    return tuple(sorted(links, key=lambda one: (one.number, came.get(one.unique_id, -1), one.unique_id)))


def _link(unique_id: str, version: Version | None, asked: AskedFor | None) -> Link:
    own, deletion = _rows(asked)
    status = _status(version, own, deletion)
    return Link(
        unique_id,
        (version.number if version else 0) or (asked.number if asked else 0),
        status,
        _IN_CHAIN[status],
        str(own["reason"]) if own is not None and status in _EXPLAINED else "",
        (version.replaces if version else "") or (asked.replaces if asked else ""),
        version.replaced_by if version else "",
        _deletion(deletion),
    )


def _rows(asked: AskedFor | None) -> tuple[Row | None, Row | None]:
    return (asked.own, asked.deletion) if asked is not None else (None, None)


def _status(version: Version | None, own: Row | None, deletion: Row | None) -> LetterStatus:
    """What the DMP took goes before what was asked; a rehearsal has no document of its own."""
    if version is not None and version.state != "rehearsed":
        return version.state
    if own is None:
        return "deleted" if deletion is not None and deletion["document"] == "published" else "elsewhere"
    if own["document"] == "settled" and own["reason"] == WITHDRAWN:
        return "withdrawn"
    if own["document"]:
        status: LetterStatus = own["document"]
        return status
    return _OF_DELIVERY.get(own["state"], "received")


def _deletion(row: Row | None) -> str:
    if row is None:
        return ""
    if row["state"] == "done" and row["document"] == "settled":
        return "réglée à la main"
    told = _DELETION[row["state"]]
    return f"{told} : {row['reason']}" if row["state"] in ("held", "refused", "dead") and row["reason"] else told


def _unrouted(journal: JournalReader, unique_id: str) -> LetterState | None:
    """A letter accepted a moment ago, or whose message could not be treated."""
    rows = journal.query(_UNROUTED, (unique_id,))
    if not rows:
        return None
    status: LetterStatus = "received" if rows[0]["routed"] == 0 else "given-up"
    reason = "" if status == "received" else _NOT_TREATED
    link = Link(unique_id, 0, status, _IN_CHAIN[status], reason, "", "", "")
    return LetterState(unique_id, status, WORDS[status], reason, "", str(rows[0]["received_at"]), "", "", (link,))
