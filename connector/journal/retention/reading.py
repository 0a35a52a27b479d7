"""The bytes of a message, or the clear word that they are no longer kept."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from connector.journal.db.connection import Connection
from connector.journal.model import JournalError, unstamp
from connector.journal.reader import JournalReader

_RAW: Final = "SELECT m.raw, p.at FROM message m LEFT JOIN purged p ON p.message_id = m.id WHERE m.id = ?"


class ContentPurged(JournalError):
    """The bytes of this message were let go of; `context` has `message_id` and `purged_at` (aware, UTC).

    The text is French: it is a reason people read.
    """

    def __init__(self, message_id: int, purged_at: datetime) -> None:
        super().__init__(
            f"contenu purgé le {purged_at:%d/%m/%Y}, durée de conservation atteinte",
            message_id=message_id,
            purged_at=purged_at,
        )


def message_content(journal: JournalReader, message_id: int | None) -> bytes:
    """Bytes as received, b"" when there is no such message. Raises ContentPurged and JournalError."""
    rows = journal.query(_RAW, (message_id,))
    if not rows:
        return b""
    if message_id is not None and rows[0]["at"] is not None:
        raise ContentPurged(message_id, unstamp(rows[0]["at"]))
    return bytes(rows[0]["raw"])


def refuse_purged(connection: Connection, message_id: int | None) -> None:
    """Raises ContentPurged when a replay could only send emptiness."""
    row = connection.execute("SELECT at FROM purged WHERE message_id = ?", (message_id,)).fetchone()
    if row is not None and message_id is not None:
        raise ContentPurged(message_id, unstamp(row["at"]))
