"""Notices on their way: kept until their channel takes them, each claimed by one process at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.journal import Journal, Tx
from connector.journal.model import stamp, unstamp
from connector.watch.channels import Channel, NotTaken
from connector.watch.model import Notice

FIRST: Final = timedelta(seconds=15)
LONGEST: Final = timedelta(minutes=15)
LEASE: Final = timedelta(minutes=5)
"""How long one attempt may take before another process may try: above any time limit of a channel."""

# The oldest of each channel and cause: an end is never told before its beginning.
_NEXT: Final = (
    "SELECT id, key, channel, attempts, created_at, due, notice FROM alert_notice WHERE id IN"
    " (SELECT min(id) FROM alert_notice GROUP BY channel, cause) AND due <= ? ORDER BY id LIMIT 50"
)
_PUT: Final = (
    "INSERT INTO alert_notice (key, cause, channel, created_at, due, attempts, notice) VALUES (?, ?, ?, ?, ?, 0, ?)"
)
_CLAIM: Final = "UPDATE alert_notice SET due = ?, attempts = attempts + 1 WHERE id = ? AND due = ?"
_TAKEN: Final = "DELETE FROM alert_notice WHERE id = ?"
_AGAIN: Final = "UPDATE alert_notice SET due = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One notice for one channel. `attempts` made before this one."""

    id: int
    key: str
    channel: str
    attempts: int
    created_at: datetime
    due: str
    notice: Notice


def put(tx: Tx, notice: Notice, channels: Collection[str], key: str) -> None:
    """Leaves `notice` for each channel, in the transaction that decided to tell it."""
    for channel in channels:
        tx.execute(_PUT, (key, notice.cause, channel, stamp(notice.at), stamp(notice.at), _to_text(notice)))


def waiting(journal: Journal, now: datetime) -> list[Parcel]:
    """What may be tried now, oldest first."""
    return [_from_row(row) for row in journal.query(_NEXT, (stamp(now),))]


def send(journal: Journal, parcel: Parcel, channel: Channel | None, now: datetime, give_up: timedelta) -> str:
    """Claims, delivers, settles. Gives "" when another process has it, else "taken", "again" or "dropped".

    A process killed between the delivery and its record delivers once more after LEASE, under the same key.
    """
    claimed = journal.transact(lambda tx: tx.execute(_CLAIM, (stamp(now + LEASE), parcel.id, parcel.due)).rowcount == 1)
    if not claimed:
        return ""
    if channel is None:
        _settle(journal, _TAKEN, (parcel.id,))
        return "dropped"
    try:
        channel.deliver(parcel.notice, parcel.key)
    except NotTaken:
        if now - parcel.created_at >= give_up:
            _settle(journal, _TAKEN, (parcel.id,))
            return "dropped"
        _settle(journal, _AGAIN, (stamp(now + _delay(parcel.attempts)), parcel.id))
        return "again"
    _settle(journal, _TAKEN, (parcel.id,))
    return "taken"


def _settle(journal: Journal, sql: str, params: Sequence[Any]) -> None:
    journal.transact(lambda tx: tx.execute(sql, params) and None)


def _delay(attempts: int) -> timedelta:
    return min(timedelta(seconds=FIRST.total_seconds() * 2.0 ** min(attempts, 20)), LONGEST)


def _to_text(notice: Notice) -> str:
    fields = asdict(notice) | {"since": stamp(notice.since), "at": stamp(notice.at)}
    return json.dumps(fields, ensure_ascii=False)


def _from_row(row: Any) -> Parcel:
    fields = json.loads(row["notice"])
    notice = Notice(**(fields | {"since": unstamp(fields["since"]), "at": unstamp(fields["at"])}))
    return Parcel(
        row["id"], row["key"], row["channel"], row["attempts"], unstamp(row["created_at"]), row["due"], notice
    )
