"""Where the time of one submission goes: wall clock and CPU of each step, taken while the real client works.

A step is a function of the connector that is replaced by itself, timed; what it calls that is a step too is counted
once, there. A function that is no longer where it was stops the benchmark instead of reading as nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from connector.dmp import bundle, client, exchange, metadata
from connector.xds import iti41

READ, GATE, DRAFT, RULES, BUILD = "read", "gate", "draft rules", "D rules", "ebRIM"
DIGEST, XADES, VIHF, WIRE, REST = "digest", "XAdES", "VIHF", "wire", "rest"
STEPS = {
    "read": (READ,),
    "gate": (GATE,),
    "metadata": (DRAFT, RULES, BUILD),
    "signature": (DIGEST, XADES, VIHF),
    "transfer": (WIRE,),
    "rest": (REST,),
}
"""The steps of each share that is reported."""

Place = tuple[object, str, str | Callable[..., str]]
"""A module or a class, its function, and the step; or what makes the step of the function's arguments."""

PLACES: tuple[Place, ...] = (
    (metadata, "check", DRAFT),
    (client, "prepare", BUILD),
    (iti41, "build_request", BUILD),
    (client, "check_submission", RULES),
    (bundle, "manifest_digest", DIGEST),
    (bundle, "sign_submission_set", XADES),
    (exchange, "build_assertion", VIHF),
)
"""What `DmpClient.submit` does before the wire."""


def cpu_of(process: int) -> float:
    """Seconds of CPU a process has used, all its threads (clock_getcpuclockid of Linux)."""
    return time.clock_gettime(~process << 3 | 2)


class Stopwatch:
    """Seconds by step; one thread."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._running: list[tuple[str, float, float]] = []
        self._inner = [(0.0, 0.0)]

    def begin(self, step: str) -> None:
        self._inner.append((0.0, 0.0))
        self._running.append((step, time.perf_counter(), time.process_time()))

    def end(self) -> None:
        """Of the step begun last."""
        step, wall, cpu = self._running.pop()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        inner = self._inner.pop()
        self.wall[step] += wall - inner[0]
        self.cpu[step] += cpu - inner[1]
        around = self._inner[-1]
        self._inner[-1] = (around[0] + wall, around[1] + cpu)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    @contextmanager
    def watching(self, places: Sequence[Place] = PLACES) -> Iterator[None]:
        """Times every one of `places` until the end of the block."""
        with ExitStack() as undo:
            for owner, name, step in places:
                undo.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, self._timed(getattr(owner, name), step))
            yield

    def _timed(self, call: Callable[..., Any], step: str | Callable[..., str]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.step(step if isinstance(step, str) else step(*args, **kwargs)):
                found = call(*args, **kwargs)
                # a generator has done nothing yet
                return list(found) if isinstance(found, Generator) else found

        return timed
