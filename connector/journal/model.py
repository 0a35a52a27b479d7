"""Values that enter and leave the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from connector.base.finding import Finding
from connector.journal.db.url import StoreUrl
from connector.journal.errors import JournalError as JournalError

Verdict = Literal["accepted", "refused"]
DeadLetter = Literal["stop", "pass"]


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where the journal lives and how it keeps order.

    store         "sqlite:///file" (created with mode 0600, its folder must exist) or "postgresql://user@host/database";
                  a bare path is a SQLite file, a relative one counts from `folder`
    folder        the settings file's own folder; set by the settings, never written in them
    audit_key     key file of the audit trail, set by the settings (audit.key_file); None is beside the SQLite file
    password_env  environment variable with the database's password, "" to leave it to the address or to pgpass
    dead_letter   'stop': a dead delivery blocks the later ones of its patient until it is replayed or settled
                  'pass': the patient goes on
    busy_timeout  seconds to wait for another process (command line) holding SQLite's write lock
    """

    store: str | Path
    dead_letter: DeadLetter = "stop"
    busy_timeout: float = 10.0
    password_env: str = ""
    folder: Path | None = None
    audit_key: Path | None = None

    @property
    def url(self) -> StoreUrl:
        """The parsed address. Raises JournalError."""
        return StoreUrl.parse(self.store, self.folder)

    @property
    def path(self) -> Path:
        """The SQLite file. Raises JournalError when the store is none."""
        path = self.url.path
        if path is None:
            raise JournalError("this store is no file", field="journal.store", found=str(self.url), expected="sqlite")
        return path


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


class LineWritten(NamedTuple):
    """One move of a delivery as its timeline line tells it; `at` and `since` (creation or replay) are aware, UTC."""

    event: str
    state_from: str
    state_to: str
    kind: str
    destination: str
    reason_code: str
    at: datetime
    delivery_id: int
    patient_id: int
    since: datetime


class Committed(NamedTuple):
    """What one commit made durable: were there messages, did deliveries move, which moves, how many items in all."""

    messages: bool
    deliveries: bool
    lines: tuple[LineWritten, ...] = ()
    size: int = 0


def key_of(control_id: str, *others: str) -> str:
    """Idempotence key of a message. It starts with MSH-10, so that one index serves duplicates and searches."""
    return "|".join((control_id, *others, ""))


_stamped: tuple[datetime | None, str] = (None, "")


def stamp(moment: datetime) -> str:
    """Fixed-width UTC text, so that text order is time order. Raises JournalError on a naive datetime."""
    global _stamped
    # A transaction stamps its one instant on every row it writes.
    last, text = _stamped
    if moment is last:
        return text
    if moment.tzinfo is None:
        raise JournalError("naive datetime given to the journal", field="datetime", expected="aware datetime")
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    _stamped = (moment, text)
    return text


def unstamp(text: str) -> datetime:
    """Aware datetime, UTC, of a text written by `stamp`."""
    return datetime.fromisoformat(text)
