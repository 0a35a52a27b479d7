"""Values that enter and leave the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from connector.base.errors import ConnectorError
from connector.base.finding import Finding

Verdict = Literal["accepted", "refused"]
DeadLetter = Literal["stop", "pass"]


class JournalError(ConnectorError):
    """The journal could not do what was asked (full disk, broken file, closed, second engine).

    Nothing of the failed transaction was kept: the caller may answer AR and the sender may resend.
    """


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where the journal lives and how it keeps order.

    path          SQLite file, created with mode 0600; its folder must exist
    dead_letter   'stop': a dead delivery blocks the later ones of its patient until it is replayed or settled
                  'pass': the patient goes on
    busy_timeout  seconds to wait for another process (command line) holding the write lock
    """

    path: Path
    dead_letter: DeadLetter = "stop"
    busy_timeout: float = 10.0


@dataclass(frozen=True, slots=True, repr=False)
class Incoming:
    """A message as the listener hands it over, verdict and acknowledgement already decided.

    `key` is the idempotence key (`key_of` MSH-10, MSH-3, MSH-4, MSH-7 and the content hash, hl7v2-interface §2.6):
    a second accepted message of the same key is a duplicate. `received_at` is aware.
    """

    raw: bytes
    peer: str
    key: str
    type: str
    event: str
    control_id: str
    sender: str
    received_at: datetime
    verdict: Verdict
    ack: bytes
    findings: tuple[Finding, ...] = ()
    route: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """What is durable now. For a duplicate, `message_id` and `ack` are those of the first message."""

    message_id: int
    duplicate: bool
    ack: bytes


@dataclass(frozen=True, slots=True, repr=False)
class StoredMessage:
    """An accepted message read back for the router. `received_at` is aware, UTC."""

    id: int
    raw: bytes
    peer: str
    key: str
    type: str
    event: str
    control_id: str
    sender: str
    received_at: datetime
    route: str
    findings: tuple[Finding, ...] = ()


def key_of(control_id: str, *others: str) -> str:
    """Idempotence key of a message. It starts with MSH-10, so that one index serves duplicates and searches."""
    return "|".join((control_id, *others, ""))


def stamp(moment: datetime) -> str:
    """Fixed-width UTC text, so that text order is time order. Raises JournalError on a naive datetime."""
    if moment.tzinfo is None:
        raise JournalError("naive datetime given to the journal", field="datetime", expected="aware datetime")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def unstamp(text: str) -> datetime:
    """Aware datetime, UTC, of a text written by `stamp`."""
    return datetime.fromisoformat(text)
