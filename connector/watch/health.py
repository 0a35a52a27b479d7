"""Alive (restart me if not) and ready (send me work): short lists of named checks, each with a time limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from connector.base.errors import ConnectorError
from connector.watch.limited import Limited, Silent

Check = Callable[[], str]
"""French reason why not, "" when all is well."""

SECONDS: Final = 2.0
"""What a check may take; an orchestrator's probe waits hardly longer."""
FRESH: Final = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """One reason per check that fails; `good` when none does."""

    reasons: Mapping[str, str]
    checks: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.reasons


class Health:
    """`alive` is about this process alone; `ready` also about what its role needs. Safe between threads.

    A check that hangs is not asked again until it came back: probes cost one thread a check, however often they come.
    """

    def __init__(self, alive: Mapping[str, Check], ready: Mapping[str, Check], seconds: float = SECONDS) -> None:
        self._alive = {name: Limited(check, seconds, FRESH) for name, check in alive.items()}
        self._ready = {name: Limited(check, seconds, FRESH) for name, check in ready.items()}
        self._seconds = seconds

    def alive(self) -> Report:
        return self._ask(self._alive)

    def ready(self) -> Report:
        return self._ask(self._ready)

    def close(self) -> None:
        for check in (*self._alive.values(), *self._ready.values()):
            check.close()

    def _ask(self, checks: Mapping[str, Limited[str]]) -> Report:
        reasons: dict[str, str] = {}
        for name, check in checks.items():
            try:
                reason = check()
            except Silent:
                reason = f"pas de réponse en {self._seconds:g} s"
            except ConnectorError as error:
                reason = type(error).__name__
            if reason:
                reasons[name] = reason
        return Report(reasons, tuple(checks))
