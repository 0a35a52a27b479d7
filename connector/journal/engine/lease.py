"""How long this process may work for its deliveries: a lease by the boot clock, and the fence of one attempt.

A process that did not renew its lease in time (stopped, starved, cut off from the database) may have been replaced
already. Its attempts are then lost for good, even when it renews again: a lease that lapsed begins a new epoch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from connector.base.guard import FenceLost

MARGIN: Final = 1.0
"""Seconds at the end of a lease during which nothing is sent any more, and nobody else takes over yet."""

BootClock = Callable[[], float]
"""Seconds that only grow, also while the machine sleeps and whatever is done to the date."""


def boot_clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """What this process holds. Safe across threads.

    renewed(began, seconds)  the store took a beat begun at `began`: valid until `began + seconds`, never by the
                             moment the answer came, which says nothing when this process was stopped meanwhile
    """

    def __init__(self, clock: BootClock = boot_clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._epoch = 0
        self._until = 0.0
        self._since = 0.0

    def now(self) -> float:
        return self._clock()

    def renewed(self, began: float, seconds: float) -> None:
        with self._lock:
            if began >= self._until:
                self._epoch += 1
                self._since = began
            self._until = max(self._until, began + seconds)

    def lose(self) -> None:
        """Gives the lease up: whatever still runs under it sends nothing more."""
        with self._lock:
            self._epoch += 1
            self._until = 0.0

    @property
    def held(self) -> bool:
        return self._clock() < self._until

    @property
    def held_for(self) -> float:
        """Seconds without a gap, 0 when it is not held."""
        return self._clock() - self._since if self.held else 0.0

    def fence(self) -> Fence:
        """The fence of an attempt that starts now."""
        return Fence(self, self._epoch)

    def covers(self, epoch: int) -> bool:
        # In this order: a renewal after a lapse changes the epoch before it moves the end, and the clock comes last.
        until = self._until
        return epoch == self._epoch and self._clock() < until


class Fence:
    """Whether one attempt may still act outside. Local and cheap: asked right before each piece that leaves."""

    __slots__ = ("_epoch", "_lease")

    def __init__(self, lease: Lease | None, epoch: int = 0) -> None:
        self._lease = lease
        self._epoch = epoch

    @property
    def valid(self) -> bool:
        return self._lease is None or self._lease.covers(self._epoch)

    def check(self) -> None:
        """Raises FenceLost once another worker may have taken the delivery over."""
        if not self.valid:
            raise FenceLost("this process did not renew its lease in time: the delivery may belong to another one")


UNFENCED: Final = Fence(None)
"""Of an attempt nobody else can take over: the embedded engine holds a lock on its file."""
