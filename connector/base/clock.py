"""Time, uuid and randomness are arguments: these are their types and their real sources."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns an aware datetime in UTC."""

UuidFactory = Callable[[], uuid.UUID]


def utc_now() -> datetime:
    """The system clock, aware, UTC."""
    return datetime.now(UTC)


def random_uuid() -> uuid.UUID:
    return uuid.uuid4()
