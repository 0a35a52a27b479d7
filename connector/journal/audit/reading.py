"""Reading the trail, a page at a time: nothing of it is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connector.journal.audit.chain import Reader
from connector.journal.audit.entry import AuditEntry, DamagedLine, from_line
from connector.journal.model import stamp

PAGE: Final = 1000
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_LINES: Final = "SELECT id, line, mac FROM audit WHERE id > ? AND at >= ? AND at < ? ORDER BY id LIMIT ?"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line as kept: `text` is the sealed JSON, `mac` its seal."""

    number: int
    entry: AuditEntry
    text: str
    mac: str


def read_lines(
    journal: Reader,
    *,
    after: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    delivery_id: int | None = None,
    limit: int | None = None,
) -> Iterator[AuditLine]:
    """Lines after number `after`, in their order, dated from `since` to before `until` (aware), of one delivery.

    Raises JournalError, and DamagedLine for one that somebody made unreadable.
    """
    begin, end = stamp(since or _FIRST), stamp(until or _LAST)
    while rows := journal.query(_LINES, (after, begin, end, PAGE if limit is None else min(PAGE, limit))):
        for row in rows:
            after = row["id"]
            try:
                _, entry = from_line(row["line"])
            except DamagedLine as error:
                raise DamagedLine(f"line {after} is no audit line", field="audit.line", found=after) from error
            if delivery_id is None or entry.delivery_id == delivery_id:
                yield AuditLine(after, entry, row["line"], row["mac"])
        if limit is not None and (limit := limit - len(rows)) <= 0:
            return
