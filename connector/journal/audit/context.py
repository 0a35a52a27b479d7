"""Which delivery a call was made for: the engine says so around each handler, the recorder reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from connector.base.calls import CallRecord
from connector.journal.audit.entry import AuditEntry
from connector.journal.audit.key import AuditKey

if TYPE_CHECKING:
    from connector.journal.tx import Tx


@dataclass(slots=True)
class Attempt:
    """The audit lines of one attempt, as handed to the writer, in the order of the calls."""

    delivery_id: int
    posted: list[tuple[AuditEntry, Future[None]]] = field(default_factory=list)

    def lost(self) -> list[AuditEntry]:
        """The lines that could not be written (a full disk): they go into the transaction of the outcome."""
        return [entry for entry, written in self.posted if written.done() and written.exception() is not None]


_attempt: ContextVar[Attempt | None] = ContextVar("audit_attempt", default=None)


@contextmanager
def attempting(delivery_id: int) -> Iterator[Attempt]:
    """Within the block, in this thread, calls are recorded as made for this delivery."""
    attempt = Attempt(delivery_id)
    token = _attempt.set(attempt)
    try:
        yield attempt
    finally:
        _attempt.reset(token)


class Poster(Protocol):
    """What the recorder asks of the journal."""

    def post(self, fn: Callable[[Tx], None]) -> Future[None]: ...


class Recorder:
    """The `on_call` of every client: one audit line per call, handed to the writer without waiting for the disk.

    The writer takes things in order, so the line is durable no later than the outcome of the attempt.
    `structure` is named where the call itself says none (HL7v2, userinfo).
    """

    def __init__(self, journal: Poster, key: AuditKey, *, structure: str = "") -> None:
        self._journal = journal
        self._key = key
        self._structure = structure

    def __call__(self, record: CallRecord) -> None:
        attempt = _attempt.get()
        entry = self._entry(record, attempt.delivery_id if attempt is not None else None)
        written = self._journal.post(lambda tx: tx.audit(entry))
        if attempt is not None:
            attempt.posted.append((entry, written))

    def _entry(self, record: CallRecord, delivery_id: int | None) -> AuditEntry:
        return AuditEntry(
            at=record.at,
            kind="call",
            transaction=record.transaction,
            purpose=record.purpose,
            name_id=record.name_id,
            structure=record.structure or self._structure,
            ins_hash=self._key.hash_ins(record.ins) if record.ins else "",
            message_id=record.message_id,
            relates_to=record.relates_to,
            unique_ids=record.unique_ids,
            set_id=record.set_id,
            destination=record.destination,
            outcome=record.outcome,
            code=record.code,
            delivery_id=delivery_id,
        )
