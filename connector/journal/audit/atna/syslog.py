"""A message in its syslog header (RFC 5424), counted for a TLS stream (RFC 5425)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

PRIORITY: Final = 10 * 8 + 5
"""Facility 10 (security, authorisation), severity 5 (notice), as ITI-20 wants them."""
MESSAGE_ID: Final = "IHE+RFC-3881"
BOM: Final = b"\xef\xbb\xbf"
_LARGEST_SEQUENCE: Final = 2147483647
_NOT_PRINTABLE: Final = re.compile(r"[^!-~]")


@dataclass(frozen=True, slots=True)
class Origin:
    """HOSTNAME, APP-NAME and PROCID of the header."""

    host: str
    application: str
    process: str


def frame(message: bytes, *, at: datetime, number: int, origin: Origin) -> bytes:
    """Octet count, space, header, BOM and the UTF-8 `message`. `at` is aware; `number` becomes meta/sequenceId."""
    sequence = (number - 1) % _LARGEST_SEQUENCE + 1
    header = " ".join(
        (
            f"<{PRIORITY}>1",
            f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
            _name(origin.host, 255),
            _name(origin.application, 48),
            _name(origin.process, 128),
            MESSAGE_ID,
            f'[meta sequenceId="{sequence}"]',
        )
    )
    content = header.encode("ascii") + b" " + BOM + message
    return str(len(content)).encode("ascii") + b" " + content


def _name(text: str, longest: int) -> str:
    """Printable ASCII without space, or the nil value."""
    return _NOT_PRINTABLE.sub("_", text)[:longest] or "-"
