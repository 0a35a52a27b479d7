"""Names that come from outside (codes of servers, senders of messages), made safe for a label or an alert."""

from __future__ import annotations

import re
import threading
from typing import Final

from connector.base.redact import redact_text

OTHER: Final = "other"
_SHAPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:|/&+-]{0,63}")
# No code has that many digits in a row; an identifier of a patient has.
_DIGITS: Final = re.compile(r"\d{6}")


def safe(name: str) -> str:
    """`name` when it looks like a code, else "other": a server may put anything where a code belongs."""
    good = _SHAPE.fullmatch(name) and not _DIGITS.search(name) and redact_text(name) == name
    return name if good else OTHER


class Labels:
    """At most `limit` different values of one label; later ones are "other". Safe between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, name: str) -> str:
        if not name or name in self._known:
            return name
        clean = safe(name)
        with self._lock:
            if clean in self._known:
                return clean
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(clean)
            return clean
