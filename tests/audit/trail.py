"""A trail one can tamper with: the tables of the audit alone, in memory, read as a journal is."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from connector.journal.audit import AuditEntry, AuditKey, Chain, Fault, Verdict, verify
from connector.journal.db.sqlite import SqliteConnection
from connector.journal.model import JournalConfig

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
INS = "279035121518989"
STRUCTURE = "1120456789"
_TABLES = """
CREATE TABLE audit (id INTEGER PRIMARY KEY, at TEXT NOT NULL, line TEXT NOT NULL, mac TEXT NOT NULL);
CREATE TABLE audit_anchor (id INTEGER PRIMARY KEY, mac TEXT NOT NULL, purged_at TEXT NOT NULL);
CREATE TABLE follower (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

TEXTS = st.text(max_size=20)
ENTRIES = st.builds(
    AuditEntry,
    at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),
    kind=st.sampled_from(["call", "operator", "interrupted"]),
    transaction=TEXTS,
    purpose=TEXTS,
    name_id=TEXTS,
    structure=TEXTS,
    ins_hash=TEXTS,
    message_id=TEXTS,
    relates_to=TEXTS,
    unique_ids=st.lists(TEXTS, max_size=3).map(tuple),
    set_id=TEXTS,
    destination=TEXTS,
    outcome=st.sampled_from(["", "success", "partial", "refused", "failed", "unknown"]),
    code=TEXTS,
    delivery_id=st.none() | st.integers(min_value=0, max_value=2**63 - 1),
    operator=TEXTS,
    reason=TEXTS,
)


def call(number: int = 1, **changes: Any) -> AuditEntry:
    """A feeding that went well."""
    facts: dict[str, Any] = {
        "at": NOW + timedelta(seconds=number),
        "kind": "call",
        "transaction": "TD2.1",
        "purpose": "normal",
        "name_id": "1120456789/connector",
        "structure": STRUCTURE,
        "ins_hash": "ab" * 32,
        "message_id": f"urn:uuid:{number}",
        "relates_to": f"urn:uuid:{number}",
        "unique_ids": (f"1.2.250.1.999.{number}",),
        "set_id": f"2.25.{number}",
        "destination": "https://dmp.example/repository",
        "outcome": "success",
        "delivery_id": number,
    }
    return AuditEntry(**(facts | changes))


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


class Trail:
    """`connection` may be changed at will, as somebody would who has the database but not the key."""

    def __init__(self, key_file: Path) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, factory=SqliteConnection)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(_TABLES)
        self.chain = Chain(JournalConfig(key_file.with_suffix(".sqlite"), audit_key=key_file))
        self.key: AuditKey = self.chain.open(self.connection)

    def query(self, sql: str, params: Sequence[Any] = (), /) -> list[Any]:
        return self.connection.execute(sql, params).fetchall()

    def append(self, *entries: AuditEntry) -> None:
        self.chain.append(self.connection, entries, NOW)

    def fill(self, lines: int) -> None:
        self.append(*(call(number) for number in range(1, lines + 1)))

    def tamper(self, sql: str, params: Sequence[Any] = ()) -> None:
        self.connection.execute(sql, params)

    def verify(self, noted: str = "") -> Verdict:
        return verify(self, self.key, noted=noted)

    def fault(self, noted: str = "") -> Fault:
        found = self.verify(noted).fault
        assert found is not None
        return found
