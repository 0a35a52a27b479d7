"""The engine that suits a store: embedded on a file, scale-out on a server."""

from __future__ import annotations

from typing import Any, Protocol

from connector.journal.engine.config import EngineConfig
from connector.journal.engine.destinations import Destinations
from connector.journal.engine.embedded import Engine
from connector.journal.store import Journal


class WorkEngine(Protocol):
    """What both engines offer; see `Engine`."""

    @property
    def destinations(self) -> Destinations: ...
    @property
    def trouble(self) -> str: ...
    @property
    def running(self) -> int: ...
    @property
    def silent_for(self) -> float: ...

    async def start(self) -> None: ...
    async def stop(self, drain_seconds: float | None = None) -> None: ...
    def wake(self) -> None: ...
    def configure(self, config: EngineConfig) -> None: ...


def engine_for(journal: Journal, **settings: Any) -> WorkEngine:
    """An engine, not yet started, on this journal; `settings` are those of `Engine`."""
    if journal.config.url.dialect == "sqlite":
        return Engine(journal, **settings)
    # psycopg and procrastinate come with the 'postgresql' extra only
    from connector.journal.engine.scaleout import ScaleOutEngine

    return ScaleOutEngine(journal, **settings)
