"""What the store weighs, part by part, and how fast it grows: measured on a sample of its rows, in constant time.

Counting every row of years of traffic would read the whole file. Ids follow arrival, so a few thousand of them drawn
at random say how many rows live and what they weigh, and a search by halves finds where a day begins.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connector.journal.db.connection import Row
from connector.journal.model import stamp, unstamp
from connector.journal.reader import JournalReader
from connector.journal.retention.config import PARTS, Rules

SAMPLE: Final = 4000
WINDOW_DAYS: Final = 28.0
_CHUNK: Final = 500
_PAGE: Final = 4096
_ROW: Final = 300
"""Bytes of a message's row beside its content: key, peer, times, findings."""


@dataclass(frozen=True, slots=True)
class PartSize:
    """Bytes on disk now, and bytes each day adds before anything is let go of."""

    bytes: int
    per_day: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the store weighs. `free` bytes are inside `database`: emptied, used again before the file grows.

    parts          content, attachments, traces, audit
    messages       rows of messages now; `messages_per_day` over the last `window_days`
    kept           rows older than their duration that unfinished work still needs
    """

    database: int
    free: int
    parts: dict[str, PartSize]
    messages: int
    messages_per_day: float
    window_days: float
    kept: int


@dataclass(frozen=True, slots=True)
class _Sampled:
    """Rows drawn from a range of ids, each standing for `weight` rows."""

    rows: Sequence[Row]
    weight: float

    @property
    def count(self) -> float:
        return len(self.rows) * self.weight


def measure(journal: JournalReader, rules: Rules, now: datetime, seed: int = 0) -> Sizes:
    """Sizes at `now` (aware); the same `seed` draws the same rows. Raises JournalError."""
    gauge = _Gauge(journal, rules.attachment_routes, random.Random(seed))
    database, free = gauge.store()
    everything = gauge.draw(gauge.first, gauge.last)
    start, days = gauge.window(rules, now)
    recent = gauge.draw(start, gauge.last)
    bytes_now, bytes_recent = gauge.content(everything), gauge.content(recent)
    audit, audit_recent = gauge.audit(now - timedelta(days=days))
    # What is no content is rows and indexes: each message brings its share of them.
    traces = max(database - free - sum(bytes_now.values()) - audit, 0)
    share = traces / everything.count if everything.count else 0.0
    parts = {name: PartSize(round(bytes_now[name]), bytes_recent[name] / days) for name in ("content", "attachments")}
    parts["traces"] = PartSize(round(traces), share * recent.count / days)
    parts["audit"] = PartSize(round(audit), audit_recent / days)
    kept = journal.query("SELECT count(*) FROM retention_kept")[0][0]
    return Sizes(database, free, parts, round(everything.count), recent.count / days, days, kept)


class _Gauge:
    def __init__(self, journal: JournalReader, attachments: Collection[str], chance: random.Random) -> None:
        self._journal = journal
        self._attachments = frozenset(attachments)
        self._chance = chance
        self._sqlite = journal.config.url.dialect == "sqlite"
        row = journal.query("SELECT min(id), max(id) FROM message")[0]
        self.first, self.last = (row[0] or 1), (row[1] or 0)

    def store(self) -> tuple[int, int]:
        """(bytes of the database, bytes of it that are free)."""
        if self._sqlite:
            pages, free = (self._journal.query(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count"))
            size = self._journal.query("PRAGMA page_size")[0][0]
            return pages * size, free * size
        total = self._journal.query(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )[0][0]
        return int(total), 0

    def window(self, rules: Rules, now: datetime) -> tuple[int, float]:
        """First id of the last days, and how many days: never further back than what is still whole."""
        durations = [days for part in PARTS if (days := rules.config.days(part))]
        rows = self._journal.query("SELECT received_at FROM message ORDER BY id LIMIT 1")
        age = (now - unstamp(rows[0][0])).total_seconds() / 86400 if rows else 1.0
        window = max(min(WINDOW_DAYS, age, *durations), 1 / 24)
        return self._first_since(stamp(now - timedelta(days=window))), window

    def _first_since(self, moment: str) -> int:
        low, high = self.first, self.last + 1
        while low < high:
            middle = (low + high) // 2
            row = self._journal.query("SELECT received_at FROM message WHERE id >= ? ORDER BY id LIMIT 1", (middle,))
            if row and row[0][0] < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def draw(self, first: int, last: int) -> _Sampled:
        """Rows of `SAMPLE` ids drawn from the range, all of them when it is short."""
        span = last - first + 1
        if span <= 0:
            return _Sampled((), 0.0)
        ids = sorted(self._chance.sample(range(first, last + 1), min(span, SAMPLE)))
        size = "length(ack) + length(raw)" if self._sqlite else "pg_column_size(ack) + pg_column_size(raw)"
        rows: list[Row] = []
        for begin in range(0, len(ids), _CHUNK):
            chunk = ids[begin : begin + _CHUNK]
            marks = ",".join("?" * len(chunk))
            rows += self._journal.query(f"SELECT id, route, {size} AS size FROM message WHERE id IN ({marks})", chunk)
        return _Sampled(rows, span / len(ids))

    def content(self, sampled: _Sampled) -> dict[str, float]:
        """Bytes on disk of the content of all the rows the sample stands for."""
        found = {"content": 0.0, "attachments": 0.0}
        for row in sampled.rows:
            part = "attachments" if row["route"] in self._attachments else "content"
            found[part] += self._on_disk(row["size"]) * sampled.weight
        return found

    def _on_disk(self, size: int) -> int:
        if not self._sqlite:
            # Chunks of 2 kB, each with its own header and index entry.
            return size + size // 2000 * 60
        payload, most = size + _ROW, _PAGE - 35
        if payload <= most:
            return size
        # The rule by which SQLite puts what is too long for a page into pages of its own (its file format, §1.6).
        least = (_PAGE - 12) * 32 // 255 - 23
        fits = least + (payload - least) % (_PAGE - 4)
        local = fits if fits <= most else least
        return local - _ROW + -(-(payload - local) // (_PAGE - 4)) * _PAGE

    def audit(self, since: datetime) -> tuple[float, float]:
        """(bytes of the audit chain, bytes written after `since`)."""
        row = self._journal.query("SELECT min(id), max(id) FROM audit")[0]
        if row[0] is None:
            return 0.0, 0.0
        first, last = row
        mean = self._journal.query("SELECT avg(length(line) + length(mac) + 80) FROM audit WHERE id > ?", (last - 500,))
        recent = self._journal.query("SELECT min(id) FROM audit WHERE at >= ?", (stamp(since),))[0][0]
        weight = float(mean[0][0])
        return (last - first + 1) * weight, (last - recent + 1) * weight if recent is not None else 0.0
