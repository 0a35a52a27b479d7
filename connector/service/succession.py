"""The parts in service, one state of the settings after the other: a delivery in progress finishes with its own.

The engine keeps the same router and the same handlers for ever; what stands behind them changes between two calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from connector.assembly import Work
from connector.journal import Handler, Job, Outcome, StoredMessage, Tx

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Generation:
    work: Work
    calls: int = 0
    retired: bool = False

    @property
    def over(self) -> bool:
        return self.retired and not self.calls


class Succession:
    """Safe between threads. `replace` counts for every call that begins after it."""

    def __init__(self, work: Work) -> None:
        self._lock = threading.Lock()
        self._present = _Generation(work)
        self.handlers: Mapping[str, Handler] = {kind: self._handler(kind) for kind in work.handlers}

    @property
    def work(self) -> Work:
        """The parts of the calls that begin now."""
        return self._present.work

    def router(self, tx: Tx, message: StoredMessage) -> None:
        """The present router."""
        self._present.work.router(tx, message)

    def replace(self, work: Work) -> None:
        """`work` takes over; the connections of the former parts are closed after the last call that uses them."""
        if work.handlers.keys() != self.handlers.keys():
            raise ValueError("other kinds of delivery need another engine")
        with self._lock:
            former, self._present = self._present, _Generation(work)
            former.retired = True
            over = former.over
        if over:
            _close(former)

    def close(self) -> None:
        """Closes the present connections, whoever still uses them."""
        self._present.work.close()

    def _handler(self, kind: str) -> Handler:
        def handle(job: Job) -> Outcome:
            with self._using() as work:
                return work.handlers[kind](job)

        return handle

    @contextmanager
    def _using(self) -> Iterator[Work]:
        with self._lock:
            generation = self._present
            generation.calls += 1
        try:
            yield generation.work
        finally:
            with self._lock:
                generation.calls -= 1
                over = generation.over
            if over:
                _close(generation)


def _close(generation: _Generation) -> None:
    generation.work.close()
    _log.info("former parts closed")
