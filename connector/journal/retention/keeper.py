"""Rounds of small steps: by the daemon all day long at a low rate, or by a person at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from connector.journal.db.failures import where
from connector.journal.retention.config import Rules
from connector.journal.retention.steps import Step, advance, look_again
from connector.journal.retention.walks import Walk, walks
from connector.journal.store import Journal
from connector.journal.tx import Tx

_log = structlog.get_logger(__name__)

_HOURLY: Final = 3600.0
_SHARE: Final = 4
"""After a step of t seconds, at least this many t of rest: retention takes a fifth of the writer at the most."""


@dataclass(slots=True)
class Tally:
    """What a round did so far: rows removed by walk, bytes of content freed, transactions."""

    removed: dict[str, int] = field(default_factory=dict)
    freed: int = 0
    steps: int = 0

    def add(self, walk: str, step: Step) -> None:
        self.removed[walk] = self.removed.get(walk, 0) + step.removed
        self.freed += step.freed
        self.steps += 1


Extra = Callable[[threading.Event], int]
"""Work of a room above (files on disk), at most once an hour in the daemon: gives how many things it removed."""


class Keeper:
    """Lets go of what is old. `round` may run in several processes at once: they take turns, step by step."""

    def __init__(self, journal: Journal, rules: Rules, extras: dict[str, Extra] | None = None) -> None:
        self._journal = journal
        self._rules = rules
        self._extras = extras or {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = ""
        self._extras_at = -_HOURLY

    # -- in the daemon -------------------------------------------------------------------------------------

    def start(self) -> None:
        """A round every `every` seconds in a thread of its own, until `stop`; nothing when `every` is 0."""
        if self._rules.config.every:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends after the step in progress. Safe to repeat."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stopping.wait(self._rules.config.every):
            try:
                tally = self.round(circle=False)
            except Exception as error:  # noqa: BLE001 - retention outlives every failure, and says it once
                if self._trouble != type(error).__name__:
                    self._trouble = type(error).__name__
                    _log.error("retention paused", error=self._trouble, where=where(error))
                continue
            self._trouble = ""
            if any(tally.removed.values()):
                _log.info("retention", freed=tally.freed, **tally.removed)

    # -- one round -----------------------------------------------------------------------------------------

    def round(self, progress: Callable[[Tally], None] = lambda _: None, *, circle: bool = True) -> Tally:
        """Goes through every walk until nothing old is left; what was kept earlier is looked at again,
        all of it with `circle`, else one step. Raises JournalError.
        """
        tally = Tally()
        for walk in walks(self._rules):
            more = True
            while more and not self._stopping.is_set():
                more = self._step(partial(advance, walk=walk, rules=self._rules), walk, tally, progress)
            more = True
            while more and not self._stopping.is_set():
                more = self._step(partial(look_again, walk=walk, rules=self._rules), walk, tally, progress) and circle
        if circle or time.monotonic() - self._extras_at >= _HOURLY:
            self._extras_at = time.monotonic()
            for name, extra in self._extras.items():
                tally.add(name, Step(removed=extra(self._stopping)))
                progress(tally)
        return tally

    def _step(self, action: Callable[[Tx], Step], walk: Walk, tally: Tally, progress: Callable[[Tally], None]) -> bool:
        if not self._rules.config.days(walk.part):
            return False
        step, spent = self._journal.transact(partial(_timed, action=action))
        tally.add(walk.name, step)
        progress(tally)
        if step.more:
            self._stopping.wait(max(self._rules.config.pause, _SHARE * spent))
        return step.more


def _timed(tx: Tx, *, action: Callable[[Tx], Step]) -> tuple[Step, float]:
    """The step, and the seconds it held the writer for: waiting for its turn is not counted."""
    began = time.monotonic()
    return action(tx), time.monotonic() - began
