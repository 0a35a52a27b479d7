"""Who may be called now: workers, rate and circuit breaker of each destination.

A destination is a far end by name ("dmp", "dmp-read", "identity", "zam:GAM|CHU-X"); "" is none, and has neither rate
nor breaker. What stands before a colon is the family: its members share one configuration and a bounded number of
workers. Pure (the clock is given), safe from any thread.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal

from connector.base.errors import SettingsError

BreakerName = Literal["closed", "open", "half-open"]

FAMILY_FACTOR: Final = 4
"""All members of a family together take at most this many times the workers of one."""

_MANY: Final = 1000
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class DestinationConfig:
    """How one destination may be called.

    Raises SettingsError (name, found, allowed) for a number out of range.

    workers    deliveries worked on at once, 0 = engine.workers (four times that for "identity")
    rate       starts per second, 0 = no limit
    burst      starts that may come at once after a silence, at least 1
    failures   consecutive failures that open the circuit breaker, 0 = it never opens
    cooldown   seconds until the first probe; doubled after each probe that fails
    longest    seconds, the ceiling of the cooldown
    """

    workers: int = 0
    rate: float = 0.0
    burst: int = 1
    failures: int = 5
    cooldown: float = 10.0
    longest: float = 300.0

    def __post_init__(self) -> None:
        for item in fields(self):
            number = getattr(self, item.name)
            least = 1 if item.name == "burst" else 0
            if not least <= number < math.inf:
                name = f"engine.destinations.*.{item.name}"
                raise SettingsError(f"{name}: out of range", name=name, found=str(number), allowed=f"{least} or more")


_DEFAULT: Final = DestinationConfig()
_SHARES: Final = {"identity": 4}
"""An identity server is near and quick: more at once makes larger commits, so fewer pages written per message."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What one destination looks like now.

    state     'closed' (all is well), 'open' (nothing starts), 'half-open' (one probe may go, or is on its way)
    since     reading of the clock when it was last opened or closed
    failures  failures in a row
    running   deliveries worked on now
    """

    name: str
    state: BreakerName
    since: float
    failures: int
    running: int


Listener = Callable[[BreakerState], None]
"""Told when a breaker opens, sends a probe or closes; called outside the lock, on the thread that caused it."""


class Destinations:
    """The book of all destinations. Unknown names follow their family's entry, else "*", else the defaults."""

    def __init__(
        self,
        configs: Mapping[str, DestinationConfig] | None = None,
        default_workers: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configs = dict(configs or {})
        self._default_workers = default_workers
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Destination] = {}
        self._families: dict[str, int] = {}
        self._listeners: tuple[Listener, ...] = ()

    # -- asked by the engine -------------------------------------------------------------------------------

    def room(self, name: str) -> int:
        """How many deliveries may start now: free workers, tokens, and what the breaker lets through."""
        with self._lock:
            now = self._clock()
            return min(self._free(name), self._at(name, now).allowed(now))

    def started(self, name: str) -> bool:
        """One delivery leaves; True when it is the probe of a half-open breaker."""
        with self._lock:
            now = self._clock()
            one = self._remember(name, now)
            probe = one.start(now)
            self._families[family(name)] = self._families.get(family(name), 0) + 1
            told = one.seen(now)
        if probe:
            self._tell(told)
        return probe

    def finished(self, name: str, unreachable: bool | None, probe: bool | None = None) -> None:
        """One delivery came back.

        unreachable   True: the destination did not answer; False: it did; None: it was never asked
        probe         what `started` gave; None when the caller does not know
        """
        with self._lock:
            now = self._clock()
            one = self._remember(name, now)
            before = one.state(now)
            one.finish(now, unreachable, probe)
            self._families[family(name)] = max(0, self._families.get(family(name), 0) - 1)
            told = one.seen(now)
        if told.state != before:
            self._tell(told)

    def seconds(self, name: str) -> float:
        """Until it may have room by the passing of time alone; infinite while it waits for a worker to come back."""
        with self._lock:
            now = self._clock()
            if self._free(name) <= 0:
                return math.inf
            return self._at(name, now).seconds(now)

    # -- for those who watch -------------------------------------------------------------------------------

    def state(self, name: str) -> BreakerName:
        """State of one breaker; a destination never called is closed."""
        with self._lock:
            now = self._clock()
            return self._at(name, now).state(now)

    def states(self) -> Mapping[str, BreakerState]:
        """Every destination called so far."""
        with self._lock:
            now = self._clock()
            return {name: one.seen(now) for name, one in sorted(self._known.items())}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` on each change of a breaker until the function given back is called. It must not raise."""
        self._listeners = (*self._listeners, listener)
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Listener) -> None:
        self._listeners = tuple(other for other in self._listeners if other != listener)

    def _tell(self, state: BreakerState) -> None:
        for listener in self._listeners:
            listener(state)

    # -- configuration -------------------------------------------------------------------------------------

    def configure(self, configs: Mapping[str, DestinationConfig], default_workers: int) -> None:
        """New settings, while everything runs; breakers and counts stay as they are."""
        with self._lock:
            self._configs, self._default_workers = dict(configs), default_workers
            for name, one in self._known.items():
                one.config = self.config(name)

    def config(self, name: str) -> DestinationConfig:
        """The entry of this destination, of its family, or the default one."""
        found = self._configs.get(name) or self._configs.get(family(name)) or self._configs.get("*")
        return found or _DEFAULT

    def workers(self, name: str) -> int:
        """Deliveries of this destination worked on at once, at most."""
        return self.config(name).workers or self._default_workers * _SHARES.get(name, 1)

    def threads(self, name: str) -> int:
        """Deliveries of its whole family worked on at once, at most."""
        return self.workers(name) * (1 if family(name) == name else FAMILY_FACTOR)

    # -- under the lock ------------------------------------------------------------------------------------

    def _free(self, name: str) -> int:
        known = self._known.get(name)
        free = self.workers(name) - (known.running if known is not None else 0)
        return max(0, min(free, self.threads(name) - self._families.get(family(name), 0)))

    def _at(self, name: str, now: float) -> _Destination:
        """The destination, or what it would be if it were called: a question remembers nothing."""
        return self._known.get(name) or _Destination(name, self.config(name), now)

    def _remember(self, name: str, now: float) -> _Destination:
        one = self._known.get(name)
        if one is None:
            if len(self._known) >= _MANY:
                # Senders name destinations: what has nothing left to remember is forgotten.
                self._known = {key: value for key, value in self._known.items() if not value.pristine(now)}
            one = self._known[name] = _Destination(name, self.config(name), now)
        return one


def family(name: str) -> str:
    """What stands before the colon: "zam" of "zam:GAM|CHU-X"."""
    return name.partition(":")[0]


@dataclass(slots=True)
class _Destination:
    """One destination; `until` is None while the breaker is closed, else the instant of the next probe."""

    name: str
    config: DestinationConfig
    since: float
    running: int = 0
    failures: int = 0
    until: float | None = None
    probing: bool = False
    cooldown: float = 0.0
    _tokens: float = field(default=math.inf)
    _filled: float = 0.0

    def state(self, now: float) -> BreakerName:
        if self.until is None:
            return "closed"
        return "half-open" if self.probing or now >= self.until else "open"

    def seen(self, now: float) -> BreakerState:
        return BreakerState(self.name, self.state(now), self.since, self.failures, self.running)

    def allowed(self, now: float) -> int:
        tokens = math.floor(min(self.tokens(now) + _ROUNDING, 1 << 30))
        if self.until is None:
            return tokens
        return min(tokens, 1) if now >= self.until and not self.probing else 0

    def seconds(self, now: float) -> float:
        if self.probing:
            return math.inf
        missing = 1 - self.tokens(now)
        wait = missing / self.config.rate if missing > _ROUNDING else 0.0
        return max(wait, (self.until - now) if self.until is not None else 0.0, 0.0)

    def start(self, now: float) -> bool:
        self._tokens, self._filled = self.tokens(now) - 1, now
        self.running += 1
        probe = self.until is not None and now >= self.until and not self.probing
        self.probing = self.probing or probe
        return probe

    def finish(self, now: float, unreachable: bool | None, probe: bool | None) -> None:
        self.running = max(0, self.running - 1)
        was_probe = self.probing and probe is not False
        if was_probe:
            self.probing = False
        if unreachable is None or not self.name:
            return
        if not unreachable:
            # Whoever the answer was for, it is a sign of life.
            self._close(now)
        elif self.until is None:
            self.failures += 1
            if 0 < self.config.failures <= self.failures:
                self._open(now, self.config.cooldown)
                self.since = now
        elif was_probe:
            self.failures += 1
            self._open(now, self.cooldown * 2)

    def _open(self, now: float, cooldown: float) -> None:
        self.cooldown = min(cooldown, self.config.longest)
        self.until = now + self.cooldown

    def _close(self, now: float) -> None:
        self.failures, self.probing = 0, False
        if self.until is not None:
            self.until, self.since = None, now

    def tokens(self, now: float) -> float:
        """Starts the rate allows now; infinite without a rate."""
        if self.config.rate <= 0 or not self.name:
            return math.inf
        burst = float(max(1, self.config.burst))
        if math.isinf(self._tokens):
            return burst
        return min(burst, self._tokens + (now - self._filled) * self.config.rate)

    def pristine(self, now: float) -> bool:
        full = self.config.rate <= 0 or self.tokens(now) >= max(1, self.config.burst)
        return self.running == 0 and self.failures == 0 and self.until is None and full
