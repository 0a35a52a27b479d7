"""Signs of life: the event loop turns, the engine's loops turn, the journal's writer answers.

A connector of which one of them is stuck must not look alive: the watchdog then has it started again, and the journal
gives back what it was doing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from connector.base.logs import logger
from connector.journal import Journal, JournalError

EVERY: Final = 10.0
"""Seconds between two looks when no watchdog asks for more."""

PATIENCE: Final = 60.0
"""Seconds a part may stay silent when no watchdog says."""


class Pulse:
    """Looks several times within `patience` and calls `beat` each time everything is alive.

    `parts` give the seconds since each of them last turned. What only fails (full disk, database away) is alive:
    starting again would not mend it.
    """

    def __init__(
        self,
        journal: Journal,
        parts: Mapping[str, Callable[[], float]],
        beat: Callable[[], object],
        *,
        patience: float = PATIENCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._parts = dict(parts)
        self._beat = beat
        self._patience = patience
        self._every = min(EVERY, patience / 4)
        self._monotonic = monotonic
        self._log = logger("pulse")
        self._seen = monotonic()
        self.stuck: tuple[str, ...] = ()

    @property
    def silent_for(self) -> float:
        """Seconds since everything was last seen alive. May be asked from any thread."""
        return self._monotonic() - self._seen

    @property
    def complaint(self) -> str:
        """Why this process should be started again, in French; "" while it lives."""
        if self.silent_for <= self._patience:
            return ""
        return f"bloqué depuis {self.silent_for:.0f} s : {', '.join(self.stuck) or 'boucle principale'}"

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            stuck = await self._look()
            if stuck and stuck != self.stuck:
                self._log.error("part stuck", parts=", ".join(stuck))
            self.stuck = stuck
            if not stuck:
                self._seen = self._monotonic()
                self._beat()
            await asyncio.sleep(self._every)

    async def _look(self) -> tuple[str, ...]:
        stuck = [name for name, silent_for in self._parts.items() if silent_for() > self._patience / 2]
        if not await self._writer_answers():
            stuck.append("journal writer")
        return tuple(stuck)

    async def _writer_answers(self) -> bool:
        try:
            async with asyncio.timeout(self._patience / 2):
                await self._journal.transact_async(lambda tx: None)
        except TimeoutError:
            return False
        except JournalError:
            # it answered, and said what fails
            return True
        return True
