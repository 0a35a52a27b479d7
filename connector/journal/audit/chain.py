"""The hash chain: each line is sealed with the key, over the line itself and the seal before it.

    mac(n) = HMAC-SHA256(key, mac(n-1) + line(n))        mac(0) = 64 zeros, or the anchor's after a purge

Who has the database but not the key cannot change, remove, move or add a line without `verify` naming its number.
What no chain proves by itself: that the last lines were not cut off. A head noted elsewhere does (the daily log line,
`verify --head`, the repository that ITI-20 feeds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from connector.base.errors import SettingsError
from connector.journal.audit.entry import AuditEntry, to_line
from connector.journal.audit.key import AuditKey, create_key, default_key_file, load_key
from connector.journal.model import JournalConfig, stamp

if TYPE_CHECKING:
    from connector.journal.db.connection import Connection
    from connector.journal.tx import Tx

_LOCK: Final = -0x6175646974
"""The advisory lock that puts the appends of several processes in one order; those of patients are above 0."""
_KEY: Final = "audit-key"
FOLLOWER: Final = "atna"
"""Row of `follower` with the last line that ITI-20 has delivered."""
SUSPENDED: Final = "atna-position"
"""Row of `meta` with the same, while ITI-20 is switched off."""
_INSERT: Final = "INSERT INTO audit (id, at, line, mac) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Head:
    """The last line and its seal; number 0 before the first one. As text `<number>:<mac>`."""

    number: int
    mac: str

    def __str__(self) -> str:
        return f"{self.number}:{self.mac}"


START: Final = Head(0, "0" * 64)


class Reader(Protocol):
    """What reading the trail asks of a journal, opened for reading or for writing."""

    def query(self, sql: str, params: Sequence[Any] = ..., /) -> list[Any]: ...


class Chain:
    """Appends; one per process, used by the journal's writer inside its transactions."""

    def __init__(self, config: JournalConfig) -> None:
        self._config = config
        self._key: AuditKey | None = None

    @property
    def has_file(self) -> bool:
        """Whether anything says where the key is."""
        return self._config.audit_key is not None or self._config.url.path is not None

    @property
    def key(self) -> AuditKey:
        """The key, once open. Raises SettingsError when no file is named."""
        if self._key is None:
            raise SettingsError(
                "audit.key_file: not opened", name="audit.key_file", found=str(key_file_of(self._config))
            )
        return self._key

    def open(self, connection: Connection) -> AuditKey:
        """The key, created when this trail has not begun yet; in the transaction in progress, safe to repeat.

        Raises SettingsError: key unusable, lost, or not the one this trail was begun with.
        """
        if self._key is None:
            path = key_file_of(self._config)
            known = _known_key(connection)
            if known is None:
                create_key(path)
            key = load_key(path) if known is None else load_key(path, _wanted(known))
            if known is None:
                sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
                connection.execute(sql, (_KEY, key.fingerprint))
                known = _known_key(connection)
            check_key(key, path, known or "")
            self._key = key
        return self._key

    def append(self, connection: Connection, entries: Sequence[AuditEntry], now: datetime) -> None:
        """Adds the lines in the order given, in the transaction in progress; to be called last before its commit.

        On PostgreSQL the lock is held until that commit: nothing else may be locked after it.
        """
        if not entries:
            return
        key = self.open(connection)
        if connection.dialect == "postgresql":
            connection.execute("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        head = read_head(connection)
        for entry in entries:
            number = head.number + 1
            line = to_line(number, entry)
            head = Head(number, key.mac(head.mac, line))
            connection.execute(_INSERT, (number, stamp(entry.at), line, head.mac))


def key_file_of(config: JournalConfig) -> Path:
    """Where the key of this journal is. Raises SettingsError when nothing says it."""
    if config.audit_key is not None:
        return config.audit_key
    if config.url.path is None:
        raise SettingsError(
            "missing setting audit.key_file",
            name="audit.key_file",
            found="nothing",
            allowed="a file that every machine of this connector has, when the store is PostgreSQL",
        )
    return default_key_file(config.url.path)


def key_of_journal(journal: Reader, config: JournalConfig) -> AuditKey:
    """The key, for reading only: never created. Raises SettingsError as `Chain.open`."""
    path = key_file_of(config)
    rows = journal.query("SELECT value FROM meta WHERE name = ?", (_KEY,))
    if not rows:
        return load_key(path)
    known = str(rows[0]["value"])
    key = load_key(path, _wanted(known))
    check_key(key, path, known)
    return key


def check_key(key: AuditKey, path: Path, known: str) -> None:
    if known != key.fingerprint:
        raise SettingsError(
            "audit.key_file: this key did not begin the audit trail of this journal",
            name="audit.key_file",
            found=f"{path} (fingerprint {key.fingerprint})",
            allowed=_wanted(known),
        )


def _wanted(known: str) -> str:
    return f"the key of fingerprint {known}: copy it from the first machine, or from its backup"


def _known_key(connection: Connection) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_KEY,)).fetchone()
    return None if row is None else str(row["value"])


_HEAD: Final = "SELECT id, mac FROM audit ORDER BY id DESC LIMIT 1"
_ANCHOR: Final = "SELECT id, mac FROM audit_anchor ORDER BY id DESC LIMIT 1"


def read_head(connection: Connection) -> Head:
    """The last line, else the anchor of the last purge, else the start."""
    row = connection.execute(_HEAD).fetchone() or connection.execute(_ANCHOR).fetchone()
    return START if row is None else Head(row["id"], row["mac"])


def head_of(journal: Reader) -> Head:
    """The same, as committed."""
    rows = journal.query(_HEAD) or journal.query(_ANCHOR)
    return Head(rows[0]["id"], rows[0]["mac"]) if rows else START


def anchor_of(journal: Reader) -> Head:
    """Where the lines still there begin: the last one removed by a purge, or the start."""
    rows = journal.query(_ANCHOR)
    return Head(rows[0]["id"], rows[0]["mac"]) if rows else START


def purge(tx: Tx, before: datetime, *, upto: int | None = None, step: int = 1000) -> int:
    """Removes the oldest lines written before `before`, at most `step` of them; gives how many.

    Only a beginning of the chain goes. The seal of the last line removed stays as the anchor, and a new line of the
    chain vouches for it: an anchor that nobody wrote with the key is found by `verify`. `upto` is the last line that
    may go (what the ITI-20 repository has received).
    """
    rows = tx.execute("SELECT id, at, mac FROM audit ORDER BY id LIMIT ?", (step,)).fetchall()
    limit = stamp(before)
    gone = list(takewhile(lambda row: row["at"] < limit and (upto is None or row["id"] <= upto), rows))
    if not gone:
        return 0
    last = Head(gone[-1]["id"], gone[-1]["mac"])
    tx.execute("DELETE FROM audit WHERE id <= ?", (last.number,))
    tx.execute(
        "INSERT INTO audit_anchor (id, mac, purged_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (last.number, last.mac, stamp(tx.now)),
    )
    tx.execute("DELETE FROM audit_anchor WHERE id < ?", (last.number,))
    reason = f"lignes {gone[0]['id']} à {last.number} effacées, plus anciennes que la durée de conservation"
    tx.audit(AuditEntry(at=tx.now, kind="purge", transaction="audit.purge", relates_to=str(last), reason=reason))
    return len(gone)
