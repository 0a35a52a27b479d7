"""What happened, counted from the lines each commit wrote: the timeline and the metrics cannot disagree."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from connector.base.calls import CallRecord
from connector.journal.model import Committed, LineWritten
from connector.watch.labels import Labels

MOST_CODES: Final = 200
MOST_DESTINATIONS: Final = 100
MOST_KINDS: Final = 20
MOST_RUNNING: Final = 10_000
"""Starts remembered until their end: far above any number of workers."""

_SHORT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_CALL: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 200.0)
_LONG: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_BATCH: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)

F = TypeVar("F", Counter, Histogram)

_IN_HAND: Final = ("running", "sending")
_WITH_REASON: Final = frozenset({"refused", "held", "dead", "retry"})


class Counters:
    """`on_commit` subscribes to the journal, `on_call` to the clients, `accepted` to the listener. Thread-safe.

    Labels that come from outside are bounded; children are kept, so that a line costs a few dictionary look-ups.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._codes = Labels(MOST_CODES)
        self._destinations = Labels(MOST_DESTINATIONS)
        self._kinds = Labels(MOST_KINDS)
        self._started: dict[int, datetime] = {}
        self._children: dict[tuple[Any, tuple[str, ...]], Any] = {}
        self._moves = Counter(
            "connector_moves", "Moves of deliveries", ["kind", "event", "before", "after"], registry=registry
        )
        self._reasons = Counter(
            "connector_reasons", "Deliveries refused, held, dead or put off, by code", ["state", "code"],
            registry=registry,
        )  # fmt: skip
        self._wait = Histogram(
            "connector_queue_wait_seconds", "From creation or replay to the first start", ["destination"],
            buckets=_LONG, registry=registry,
        )  # fmt: skip
        self._handler = Histogram(
            "connector_handler_seconds", "One attempt, from start to outcome", ["kind"], buckets=_CALL,
            registry=registry,
        )  # fmt: skip
        self._whole = Histogram(
            "connector_end_to_end_seconds", "From creation or replay to done", ["kind"], buckets=_LONG,
            registry=registry,
        )  # fmt: skip
        self._accept = Histogram(
            "connector_accept_seconds", "From a whole message to its durable acknowledgement", ["code"],
            buckets=_SHORT, registry=registry,
        )  # fmt: skip
        self._call = Histogram(
            "connector_call_seconds", "Outgoing calls", ["transaction", "outcome"], buckets=_CALL, registry=registry
        )
        self._batch = Histogram(
            "connector_writer_batch", "Items of one commit of the journal", buckets=_BATCH, registry=registry
        )

    def on_commit(self, committed: Committed) -> None:
        """The journal's listener, on its writer thread."""
        if committed.size:
            self._batch.observe(committed.size)
        for line in committed.lines:
            self._count(line)

    def on_call(self, record: CallRecord) -> None:
        """A client's `on_call`: transactions and outcomes are ours, so they need no bound."""
        self._call.labels(record.transaction, record.outcome).observe(record.seconds)

    def accepted(self, ack: bytes | None, seconds: float) -> None:
        """One message answered with `ack`, None for what gets no answer."""
        self._accept.labels(_code_of(ack)).observe(seconds)

    def _child(self, family: F, *labels: str) -> F:
        """`family.labels(*labels)`, kept: finding it again by name costs more than counting."""
        child: F | None = self._children.get((family, labels))
        if child is None:
            child = self._children[family, labels] = family.labels(*labels)
        return child

    def _count(self, line: LineWritten) -> None:
        kind = self._kinds(line.kind)
        self._child(self._moves, kind, line.event, line.state_from, line.state_to).inc()
        if line.state_to in _WITH_REASON and line.state_to != line.state_from:
            self._reasons.labels(line.state_to, self._codes(line.reason_code)).inc()
        if line.event == "start":
            if line.state_from == "queued":
                self._child(self._wait, self._destinations(line.destination)).observe(_seconds(line.since, line.at))
            if len(self._started) < MOST_RUNNING:
                self._started[line.delivery_id] = line.at
        elif line.state_to not in _IN_HAND or line.event in ("unknown", "recover"):
            started = self._started.pop(line.delivery_id, None)
            if started is not None:
                self._child(self._handler, kind).observe(_seconds(started, line.at))
        if line.event == "succeed":
            self._child(self._whole, kind).observe(_seconds(line.since, line.at))


def _code_of(ack: bytes | None) -> str:
    """MSA-1 of an acknowledgement of ours, "none" where there is none."""
    code = (ack or b"").partition(b"\rMSA")[2][1:3].decode("ascii", "replace")
    return code if code in ("AA", "AE", "AR") else "none"


def _seconds(start: datetime, end: datetime) -> float:
    # a clock set back in between has no negative durations
    return max(0.0, (end - start).total_seconds())
