"""The processes that share a PostgreSQL store, one row of `node` each, and the beats by which they stay alive.

Nobody's clock is compared with another's: a node is dead when its row has not changed for a whole lease, counted by
the boot clock of the process that looks at it (`Roll`); its own fence closed before that (`lease`).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Final

import structlog

from connector.journal.db.connection import Connection
from connector.journal.db.failures import is_database_error
from connector.journal.db.opening import open_writer
from connector.journal.engine.lease import MARGIN, Lease
from connector.journal.model import JournalConfig, JournalError

_log = structlog.get_logger(__name__)

_STAMP: Final = "to_char(({}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
_NOW: Final = _STAMP.format("clock_timestamp()")
_UNTIL: Final = _STAMP.format("clock_timestamp() + make_interval(secs => ?)")
_BEAT: Final = (
    "INSERT INTO node (name, role, host, pid, version, started_at, beat_at, lease_until)"
    f" VALUES (?, ?, ?, ?, ?, {_NOW}, {_NOW}, {_UNTIL})"
    " ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, lease_until = excluded.lease_until"
)
_FORGET: Final = "DELETE FROM node WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Node:
    """One process, from its start to its end; the name is never used again."""

    role: str
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    version: str = field(default_factory=lambda: version("dmp-connector"))
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def name(self) -> str:
        return f"{self.host}-{self.pid}-{self.token}"


class Heartbeat:
    """Renews the lease of this process from a thread of its own, on a connection of its own.

    `lease` and `every` are seconds: how long a beat is good for, and how often the heart beats.
    """

    def __init__(
        self, node: Node, held: Lease, connect: Callable[[], Connection], *, lease: float, every: float
    ) -> None:
        self.node = node
        self.trouble = ""
        self._held = held
        self._connect = connect
        self._lease = lease
        self._every = every
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_forever, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Returns after the first beat. Raises JournalError when the store does not take it."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Gives the lease up and takes this process off the roll: the others need not wait for its end."""
        self._held.lose()
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            if self._connection is not None:
                self._connection.execute(_FORGET, (self.node.name,))
        except Exception as error:  # noqa: BLE001 - the store is gone: the others see that the beats have ended
            _log.warning("node left without saying so", error=type(error).__name__)
        finally:
            self._drop()

    def _beat_forever(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                self._beat()
            except JournalError as error:
                self.trouble = type(error).__name__
                _log.error("heartbeat not taken", cause=error.context.get("cause", ""))
            else:
                self.trouble = ""

    def _beat(self) -> None:
        began, node = self._held.now(), self.node
        try:
            if self._connection is None:
                self._connection = self._connect()
            row = (node.name, node.role, node.host, node.pid, node.version, self._lease)
            self._connection.execute(_BEAT, row)
        except Exception as error:
            self._drop()
            if isinstance(error, JournalError) or not is_database_error(error):
                raise
            raise JournalError("the store did not take a heartbeat", cause=type(error).__name__) from error
        self._held.renewed(began, self._lease - MARGIN)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def heartbeat(config: JournalConfig, role: str, held: Lease, *, lease: float, every: float) -> Heartbeat:
    """The heart of this process, not yet beating, on a PostgreSQL store; a listener needs nothing else of an engine."""
    return Heartbeat(Node(role), held, partial(open_writer, config), lease=lease, every=every)


class Roll:
    """What one process has seen of the others' beats. Pure: the instants are given, by one boot clock.

    A look that comes late (this process was stopped, the store was away) says nothing of the others: all begins anew.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._looked = float("-inf")
        self._seen: dict[str, tuple[str, float]] = {}

    def look(self, beats: Mapping[str, str], now: float) -> frozenset[str]:
        """Names of the nodes whose row has not changed for a whole lease; `beats` is the last beat of each."""
        if now - self._looked > self._lease / 2:
            self._seen.clear()
        self._looked = now
        self._seen = {name: self._since(name, beat, now) for name, beat in beats.items()}
        return frozenset(name for name, (_, since) in self._seen.items() if now - since >= self._lease)

    def _since(self, name: str, beat: str, now: float) -> tuple[str, float]:
        known = self._seen.get(name)
        return known if known is not None and known[0] == beat else (beat, now)


def orphans(owners: Iterable[str], beats: Mapping[str, str], dead: frozenset[str]) -> frozenset[str]:
    """Which owners of attempts in progress are no more: dead on the roll, or no longer on it."""
    return frozenset(owner for owner in owners if owner in dead or owner not in beats)
