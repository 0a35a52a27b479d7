"""What several benchmarks time with."""

from __future__ import annotations

import time
from collections.abc import Callable


def microseconds(call: Callable[[], object], calls: int) -> float:
    """Mean duration of `call` over `calls` calls in a row."""
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls * 1e6
