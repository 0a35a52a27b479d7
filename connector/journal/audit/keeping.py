"""What the trail needs all day long: its head in the log once a day, lines past their time removed, ITI-20 fed."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from functools import partial
from typing import Final

import structlog

from connector.base.clock import Clock, utc_now
from connector.base.errors import where
from connector.journal.audit.atna.follower import Follower, PatientOf, resume, suspend
from connector.journal.audit.chain import FOLLOWER, head_of, purge
from connector.journal.audit.config import AuditConfig
from connector.journal.audit.entry import AuditEntry
from connector.journal.model import JournalError
from connector.journal.store import Journal

_HOURLY: Final = 3600.0
_REST: Final = 0.05
"""Seconds between two steps of a purge: the writer has other things to do."""
_INS: Final = (
    "SELECT identifier.domain, identifier.value FROM delivery JOIN identifier"
    " ON identifier.patient_id = delivery.patient_id WHERE delivery.id = ?"
)
_log = structlog.get_logger(__name__)


class AuditService:
    """Started by the daemon, stopped before its journal closes; each part has a thread, none is ever waited for."""

    def __init__(
        self, journal: Journal, config: AuditConfig, *, clock: Clock = utc_now, every: float = _HOURLY
    ) -> None:
        self._journal = journal
        self._config = config
        self._clock = clock
        self._every = every
        self._told: date | None = None
        self._declared = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-keeper", daemon=True)
        self._follower = Follower(journal, config.atna, patient_of(journal)) if config.atna.host else None

    def start(self) -> None:
        self._thread.start()
        if self._follower is not None:
            self._follower.start()

    def stop(self) -> None:
        """Returns when both threads have ended."""
        self._stopping.set()
        if self._follower is not None:
            self._follower.stop()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.declare()
                self.tell_head()
                self.let_go()
            except JournalError as error:
                _log.error("audit not kept", error=type(error).__name__, where=where(error))
            self._stopping.wait(self._every)

    def declare(self) -> None:
        """Once: says that ITI-20 is fed from now on, so that its lateness shows, or that it is not any more.

        What the repository has received is remembered either way.
        """
        if not self._declared:
            self._journal.transact(resume if self._follower is not None else suspend)
            self._declared = True

    def tell_head(self) -> None:
        """Once a day and at start: a head outside the database is what proves that no last line was cut off."""
        today = self._clock().date()
        if today != self._told:
            _log.info("audit head", head=str(head_of(self._journal)))
            self._told = today

    def let_go(self) -> int:
        """Removes what is older than `keep_days`, in small steps, never what ITI-20 has yet to send; gives how many."""
        before, removed = self._clock() - timedelta(days=self._config.keep_days), 0
        while not self._stopping.is_set():
            step = self._journal.transact(partial(purge, before=before, upto=self._sent()))
            removed += step
            if not step:
                break
            self._stopping.wait(_REST)
        return removed

    def _sent(self) -> int | None:
        if self._follower is None:
            return None
        rows = self._journal.query("SELECT position FROM follower WHERE name = ?", (FOLLOWER,))
        return int(rows[0]["position"]) if rows else 0


def patient_of(journal: Journal) -> PatientOf:
    """The CX of a line's patient, as long as the journal knows it: the identifier whose keyed hash is the line's."""

    def find(entry: AuditEntry) -> str:
        if not entry.ins_hash or entry.delivery_id is None:
            return ""
        for row in journal.query(_INS, (entry.delivery_id,)):
            if journal.audit_key.hash_ins(row["value"]) == entry.ins_hash:
                return f"{row['value']}^^^&{row['domain']}&ISO^NH"
        return ""

    return find
