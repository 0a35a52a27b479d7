"""The facts of the feeding report, read page by page from the journal: deliveries, timeline, refused messages.

SQL common to both databases. A period is found by halving on the ids, which follow arrival: an old history costs
nothing to a report of yesterday.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.hl7.datatypes import present, text
from connector.hl7.er7 import Er7Error, Message, parse
from connector.hl7.identity import read_stay
from connector.hl7.volet_meta import is_metadata
from connector.journal import JournalReader
from connector.journal.db.connection import Row
from connector.journal.model import stamp
from connector.watch.feeding import Fact, Fate, FeedingReport, Tally
from connector.watch.feeding_words import IN_PROGRESS, NOT_FOR_DMP, UNKNOWN_OUTCOME, common, origin

PUBLICATION: Final = "publication"
NOT_CONCERNED: Final = "sans objet"
"""Timeline event of a document that does not go to the DMP; `data` has unit, type and cause."""

_PAGE: Final = 2_000
_MESSAGES: Final = 50
_HEAD: Final = 65_536
"""Bytes of a refused message that are read: unit and type stand before the content of the document."""

_MARGIN: Final = 1_000
"""Ids that several processes may have committed out of the order of time."""

_DELIVERIES: Final = (
    "SELECT id, state, run, unsettled, reason, reason_code, payload FROM delivery"
    " WHERE id > ? AND id <= ? AND kind = ? AND created_at >= ? AND created_at < ? ORDER BY id LIMIT ?"
)
_NOTES: Final = (
    "SELECT id, text, message_id, data FROM timeline"
    " WHERE id > ? AND id <= ? AND event = ? AND at >= ? AND at < ? ORDER BY id LIMIT ?"
)
_REFUSED: Final = (
    "SELECT id, findings, substr(raw, 1, ?) AS head FROM message WHERE id > ? AND id <= ? AND verdict = 'refused'"
    " AND (type IN ('ORU','MDM') OR route IN ('unreadable','oversized'))"
    " AND received_at >= ? AND received_at < ? ORDER BY id LIMIT ?"
)
_ALWAYS: Final = ("", "9999")
"""Text before and after every time the journal writes."""


def feeding_report(
    journal: JournalReader,
    *,
    made_at: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    shadow: bool = False,
    numbers: int = 50,
) -> FeedingReport:
    """The report of what was received from `since` (included) to `until` (excluded), aware times; None is no bound.

    shadow   deliveries of the shadow mode instead of the real ones
    numbers  how many delivery numbers are kept for each cause

    Raises JournalError.
    """
    reading = _Reading(journal, since, until)
    tally = Tally(numbers)
    for row in reading.deliveries():
        payload: dict[str, Any] = json.loads(row["payload"])
        if bool(payload.get("shadow")) is shadow:
            tally.add(_of_delivery(row, payload))
        else:
            tally.other_mode += 1
    tally.add_all(map(_of_note, reading.notes()))
    tally.add_all(map(_of_refused, reading.refused()))
    return tally.report(made_at=made_at, since=since, until=until, shadow=shadow)


@dataclass(frozen=True, slots=True)
class _Reading:
    journal: JournalReader
    since: datetime | None
    until: datetime | None

    def deliveries(self) -> Iterator[Row]:
        yield from self._pages(_DELIVERIES, "delivery", "created_at", (PUBLICATION,), _PAGE)

    def notes(self) -> Iterator[Row]:
        yield from self._pages(_NOTES, "timeline", "at", (NOT_CONCERNED,), _PAGE)

    def refused(self) -> Iterator[Row]:
        yield from self._pages(_REFUSED, "message", "received_at", (), _MESSAGES, first=(_HEAD,))

    def _pages(
        self, sql: str, table: str, column: str, middle: tuple[str, ...], size: int, first: tuple[int, ...] = ()
    ) -> Iterator[Row]:
        start, end = self._ids(table, column)
        period = self._period()
        while True:
            rows = self.journal.query(sql, (*first, start, end, *middle, *period, size))
            yield from rows
            if len(rows) < size:
                return
            start = rows[-1]["id"]

    def _period(self) -> tuple[str, str]:
        return stamp(self.since) if self.since else _ALWAYS[0], stamp(self.until) if self.until else _ALWAYS[1]

    def _ids(self, table: str, column: str) -> tuple[int, int]:
        """Ids after the first and up to the second hold the whole period."""
        row = self.journal.query(f"SELECT min(id) AS low, max(id) AS high FROM {table}")[0]
        low, high = (row["low"] or 1) - 1, row["high"] or 0
        start, end = low, high
        if self.since is not None:
            start = max(low, self._first(table, column, stamp(self.since), low, high) - _MARGIN)
        if self.until is not None:
            end = min(high, self._first(table, column, stamp(self.until), low, high) + _MARGIN)
        return start, end

    def _first(self, table: str, column: str, moment: str, low: int, high: int) -> int:
        sql = f"SELECT {column} AS at FROM {table} WHERE id >= ? ORDER BY id LIMIT 1"
        high += 1
        while low < high:
            middle = (low + high) // 2
            rows = self.journal.query(sql, (middle,))
            if rows and rows[0]["at"] < moment:
                low = middle + 1
            else:
                high = middle
        return low


def _of_delivery(row: Row, payload: dict[str, Any]) -> Fact:
    state, code, reason = row["state"], row["reason_code"], row["reason"]
    fate: Fate
    match state:
        case "done":
            fate = "settled" if code == "settled" else "would-send" if payload.get("shadow") else "sent"
        case "refused":
            fate, reason = origin(code, reason), common(reason)
        case _:
            fate = "waiting"
            if row["run"] or state in ("queued", "running"):
                state, code, reason = "queued", "", IN_PROGRESS
            elif state == "sending":
                code, reason = "", UNKNOWN_OUTCOME
    return Fact(str(payload.get("unit", "")), str(payload.get("type", "")), fate, state, code, reason, row["id"])


def _of_note(row: Row) -> Fact:
    data = json.loads(row["data"])
    cause = str(data.get("cause", ""))
    return Fact(
        str(data.get("unit", "")),
        str(data.get("type", "")),
        "not-for-dmp",
        code=cause,
        reason=row["text"] or NOT_FOR_DMP,
        number=row["message_id"] or 0,
    )


def _of_refused(row: Row) -> Fact:
    findings = json.loads(row["findings"])
    first: dict[str, str] = findings[0] if findings else {}
    codes = dict.fromkeys((first.get("code", ""), first.get("rule", "").removeprefix("ACK-")))
    unit, type_ = unit_and_type(bytes(row["head"] or b""))
    return Fact(
        unit,
        type_,
        "door",
        code="/".join(code for code in codes if code),
        reason=first.get("text", ""),
        number=row["id"],
    )


def unit_and_type(head: bytes) -> tuple[str, str]:
    """(PV1-3.1, document type) of the beginning of an ORU or MDM; "" for what cannot be read or is no longer kept."""
    try:
        message = parse(head)
    except Er7Error:
        return "", ""
    return read_stay(message).unit, _type_of(message)


def _type_of(message: Message) -> str:
    """OBX-3.1 of the document, else what OBR-4 or TXA-2 announce."""
    for obx in message.all("OBX"):
        if text(obx, 2).upper() == "ED" and not is_metadata(obx) and present(text(obx, 3)):
            return text(obx, 3)
    for name, position in (("OBR", 4), ("TXA", 2)):
        segment = message.first(name)
        if segment is not None and present(text(segment, position)):
            return text(segment, position)
    return ""
