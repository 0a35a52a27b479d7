"""Which delivery a call was made for: the engine says so around each handler, the recorder reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from connector.base.calls import CallRecord
from connector.journal.audit.entry import AuditEntry
from connector.journal.audit.key import AuditKey

if TYPE_CHECKING:
    from connector.journal.tx import Tx


_delivery: ContextVar[int | None] = ContextVar("audit_delivery", default=None)


@contextmanager
def attempting(delivery_id: int) -> Iterator[None]:
    """Within the block, in this thread, calls are recorded as made for this delivery."""
    token = _delivery.set(delivery_id)
    try:
        yield
    finally:
        _delivery.reset(token)


class Poster(Protocol):
    """What the recorder asks of the journal."""

    def post(self, fn: Callable[[Tx], None]) -> None: ...


class Recorder:
    """The `on_call` of every client: one audit line per call, handed to the writer without waiting for the disk.

    The writer takes things in order, and keeps what a full disk refuses for its next try: the lines of an attempt are
    in order, and durable no later than its outcome.
    `structure` is named where the call itself says none (HL7v2, userinfo).
    """

    def __init__(self, journal: Poster, key: AuditKey, *, structure: str = "") -> None:
        self._journal = journal
        self._key = key
        self._structure = structure

    def __call__(self, record: CallRecord) -> None:
        entry = self._entry(record, _delivery.get())
        self._journal.post(lambda tx: tx.audit(entry))

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
