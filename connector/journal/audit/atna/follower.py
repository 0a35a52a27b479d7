"""Reads the trail behind its own durable position and sends each line to the audit repository, at least once.

Syslog has no answer (RFC 5425 §4): what was written may still be lost with the connection. So a line counts as received
only once its connection has lived on for a while after it, or was closed in order by both ends; what does not count is
sent again. After a failure few lines are under way at once, so that a repository that keeps failing still moves on.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from connector.journal.audit.atna.message import AuditSource, build_message
from connector.journal.audit.atna.repository import Repository, tls_context
from connector.journal.audit.atna.syslog import Origin, frame
from connector.journal.audit.chain import FOLLOWER, SUSPENDED
from connector.journal.audit.config import AtnaConfig
from connector.journal.audit.entry import AuditEntry, DamagedLine
from connector.journal.audit.reading import AuditLine, read_lines
from connector.journal.model import JournalError, stamp, unstamp
from connector.journal.store import Journal
from connector.journal.tx import Tx

_LEASE: Final = "atna-follower"
_LEASE_SECONDS: Final = 15.0
_WIDEST: Final = 1 << 16
_BATCH: Final = 500
_APPLICATION: Final = "dmp-connector"
_log = structlog.get_logger(__name__)

PatientOf = Callable[[AuditEntry], str]
"""CX of the patient of a line, "" when it is not known any more."""


class Follower:
    """A thread of its own: neither the work nor the other followers ever wait for the repository.

    settle   seconds a connection must outlive a line for it to count as received
    poll     seconds between two looks when there is nothing to send
    first    seconds before the first new attempt, doubled up to `retry_longest`
    """

    def __init__(
        self,
        journal: Journal,
        config: AtnaConfig,
        patient_of: PatientOf = lambda entry: "",
        *,
        settle: float = 5.0,
        poll: float = 1.0,
        first: float = 0.5,
    ) -> None:
        self._journal = journal
        self._config = config
        self._context = tls_context(config)
        self._patient_of = patient_of
        self._settle, self._poll, self._first = settle, poll, first
        host = socket.getfqdn()
        self._source = AuditSource(config.source_id, config.site_id, host)
        self._origin = Origin(host, _APPLICATION, str(os.getpid()))
        self._owner = f"{host}/{os.getpid()}/{id(self)}"
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once the connection is closed; what is not sent waits for the next start."""
        self._stop.set()
        self._thread.join()

    # -- the thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._journal.transact(resume)
                if self._journal.transact(self._claim):
                    self._follow()
                else:
                    self._stop.wait(self._poll)
            except (OSError, JournalError) as error:
                if self._failures == 0:
                    _log.warning("audit repository unreachable", cause=type(error).__name__)
                pause = min(self._first * 2 ** min(self._failures, 30), self._config.retry_longest)
                self._failures += 1
                self._stop.wait(pause)

    def _follow(self) -> None:
        with Repository(self._config, self._context) as repository:
            stream = _Stream(self._position(), 1 if self._failures else _WIDEST)
            claimed = time.monotonic()
            while not self._stop.is_set():
                sent = self._send(repository, stream)
                repository.check()
                if stream.settle(time.monotonic() - self._settle):
                    self._received(stream.position)
                if time.monotonic() - claimed > _LEASE_SECONDS / 3:
                    claimed = time.monotonic()
                    if not self._journal.transact(self._claim):
                        return
                if not sent:
                    self._stop.wait(min(self._poll, self._settle) if stream.waiting else self._poll)
            if repository.say_goodbye():
                self._save(stream.sent)

    def _send(self, repository: Repository, stream: _Stream) -> int:
        """Sends what the window has room for, one batch at most; gives how many lines."""
        count = 0
        for line in self._next(stream):
            ins = self._patient_of(line.entry) if self._config.patient == "ins" else ""
            message = build_message(line, self._source, ins)
            repository.send(frame(message, at=line.entry.at, number=line.number, origin=self._origin))
            stream.add(line.number, time.monotonic())
            count += 1
        return count

    def _next(self, stream: _Stream) -> list[AuditLine]:
        room = min(_BATCH, stream.room)
        if room <= 0:
            return []
        try:
            return list(read_lines(self._journal, after=stream.sent, limit=room))
        except DamagedLine as error:
            return self._before(stream, error)

    def _before(self, stream: _Stream, damaged: DamagedLine) -> list[AuditLine]:
        """The lines before a damaged one; the damaged one itself cannot be sent, and is said instead."""
        number = int(damaged.context["found"])
        if number > stream.sent + 1:
            return list(read_lines(self._journal, after=stream.sent, limit=number - stream.sent - 1))
        _log.error("audit line damaged, not sent", line=number)
        stream.add(number, time.monotonic())
        return []

    def _received(self, position: int) -> None:
        self._save(position)
        if self._failures:
            self._failures = 0
            _log.info("audit repository reached")

    # -- what is durable -----------------------------------------------------------------------------------

    def _position(self) -> int:
        rows = self._journal.query("SELECT position FROM follower WHERE name = ?", (FOLLOWER,))
        return int(rows[0]["position"]) if rows else 0

    def _save(self, position: int) -> None:
        sql = (
            "INSERT INTO follower (name, position) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET position = excluded.position"
            " WHERE follower.position < excluded.position"
        )

        def write(tx: Tx) -> None:
            tx.execute(sql, (FOLLOWER, position))

        self._journal.transact(write)

    def _claim(self, tx: Tx) -> bool:
        """One process at a time sends: several would only send everything several times."""
        if tx.connection.dialect == "sqlite":
            return True
        now = tx.now.timestamp()
        tx.execute("INSERT INTO meta (name, value) VALUES (?, '') ON CONFLICT (name) DO NOTHING", (_LEASE,))
        row = tx.execute("SELECT value FROM meta WHERE name = ? FOR UPDATE", (_LEASE,)).fetchone()
        until, _, owner = str(row["value"]).partition(" ")
        if owner not in ("", self._owner) and unstamp(until).timestamp() + _LEASE_SECONDS > now:
            return False
        tx.execute("UPDATE meta SET value = ? WHERE name = ?", (f"{stamp(tx.now)} {self._owner}", _LEASE))
        return True


def resume(tx: Tx) -> None:
    """The follower has a position from its first start on: 0, or where it was suspended."""
    row = tx.execute("SELECT value FROM meta WHERE name = ?", (SUSPENDED,)).fetchone()
    sql = "INSERT INTO follower (name, position) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
    tx.execute(sql, (FOLLOWER, int(row["value"]) if row is not None else 0))
    tx.execute("DELETE FROM meta WHERE name = ?", (SUSPENDED,))


def suspend(tx: Tx) -> None:
    """Puts the position aside: a follower that the settings switched off is not late."""
    row = tx.execute("SELECT position FROM follower WHERE name = ?", (FOLLOWER,)).fetchone()
    if row is not None:
        sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        tx.execute(sql, (SUSPENDED, str(row["position"])))
        tx.execute("DELETE FROM follower WHERE name = ?", (FOLLOWER,))


class _Stream:
    """The lines under way on one connection: sent, and not yet counted as received."""

    def __init__(self, position: int, window: int) -> None:
        self.position = position
        self.sent = position
        self._window = window
        self._under_way: deque[tuple[int, float]] = deque()

    @property
    def room(self) -> int:
        return self._window - len(self._under_way)

    @property
    def waiting(self) -> bool:
        return bool(self._under_way)

    def add(self, number: int, now: float) -> None:
        self.sent = number
        self._under_way.append((number, now))

    def settle(self, before: float) -> bool:
        """Counts what was sent before that moment as received; True when there was any."""
        settled = False
        while self._under_way and self._under_way[0][1] <= before:
            self.position, settled = self._under_way.popleft()[0], True
        if settled:
            self._window = min(self._window * 2, _WIDEST)
        return settled
