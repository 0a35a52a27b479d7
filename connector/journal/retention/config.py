"""How long things are kept: the [retention] section of the settings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from connector.base.errors import SettingsError

Part = Literal["content", "attachments", "traces"]
PARTS: Final[tuple[Part, ...]] = ("content", "attachments", "traces")


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """How long each part is kept, in days; 0 keeps it for ever.

    content_days     bytes of messages without documents, and of their acknowledgements. 90: a missing admission is
                     noticed within a quarter, and the bytes show what was really received
    attachment_days  bytes of messages with documents, and files retrieved from the DMP. 30: the bulk of the volume,
                     and both ends have the document; a connector is no archive of patient records
    trace_days       timelines, attempts, finished deliveries, the messages' own rows. 1095 (three years): "did the
                     letter leave" is asked long after; the idempotence keys live as long as these rows
    every            seconds between two rounds of the daemon; 0 leaves purging to `connector retention run`
    step_rows        rows looked at in one transaction
    step_bytes       bytes let go of in one transaction, at least one message
    step_seconds     how long one transaction may go on before it is committed
    pause            seconds between two transactions, at the least

    Whatever the durations, what unfinished work needs is kept. Raises SettingsError.
    """

    content_days: int = 90
    attachment_days: int = 30
    trace_days: int = 1095
    every: float = 60.0
    step_rows: int = 100
    step_bytes: int = 262_144
    step_seconds: float = 0.004
    pause: float = 0.1

    def __post_init__(self) -> None:
        for name in ("content_days", "attachment_days", "trace_days", "every", "pause"):
            _require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        _require("step_rows", self.step_rows, self.step_rows > 0, "1 or more")
        for name in ("content_days", "attachment_days"):
            days = getattr(self, name)
            # The row of a message carries its idempotence key: it never goes before the bytes it protects.
            kept_long_enough = not self.trace_days or (days and self.trace_days >= days)
            _require("trace_days", self.trace_days, bool(kept_long_enough), f"0, or at least {name} ({days or 'ever'})")

    def days(self, part: Part) -> int:
        """Duration of a part, 0 for ever."""
        match part:
            case "content":
                return self.content_days
            case "attachments":
                return self.attachment_days
            case "traces":
                return self.trace_days

    def limit(self, part: Part, now: datetime) -> datetime | None:
        """What is older than this may go; None when the part is kept for ever."""
        days = self.days(part)
        return now - timedelta(days=days) if days else None


@dataclass(frozen=True, slots=True)
class Rules:
    """What retention must know of the rooms above.

    attachment_routes  routes of messages whose bytes are documents
    """

    config: RetentionConfig
    attachment_routes: Collection[str] = ()


def _require(name: str, found: object, good: bool, allowed: str) -> None:
    if not good:
        raise SettingsError(
            f"wrong setting retention.{name}", name=f"retention.{name}", found=str(found), allowed=allowed
        )
