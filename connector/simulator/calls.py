"""The simulator's log: one line per call it judged, in memory and as JSON lines. No identity, ever (design rule 9)."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_KEPT = 5000


@dataclass(frozen=True, slots=True)
class CallLine:
    """What the judge saw of one call.

    outcome   "ok", the code of a refusal ("XDSDuplicateUniqueIdInRegistry", "wsse:FailedCheck"), or "cut"
    rule      the check that refused ("VIHF-AGE"…), "" otherwise
    mode      Authentification_Mode of the verified assertion, "" before it was verified
    fault     effect of the programmed fault that fired, "" otherwise
    """

    at: datetime
    transaction: str
    path: str
    outcome: str
    rule: str = ""
    mode: str = ""
    purpose: str = ""
    warnings: tuple[str, ...] = ()
    fault: str = ""
    documents: int = 0
    request_bytes: int = 0
    milliseconds: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat(), "warnings": list(self.warnings)}


class CallLog:
    """Append-only, thread-safe; the memory keeps the last lines, the file keeps all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._lines: deque[CallLine] = deque(maxlen=_KEPT)
        self._events: deque[tuple[str, str]] = deque(maxlen=_KEPT)

    def add(self, line: CallLine) -> None:
        self._write(line.as_dict())
        with self._lock:
            self._lines.append(line)

    def event(self, event: str, text: str) -> None:
        """Something that is not a call: a refused handshake, a service's remark, an internal error."""
        self._write({"event": event, "text": text})
        with self._lock:
            self._events.append((event, text))

    def lines(self) -> tuple[CallLine, ...]:
        with self._lock:
            return tuple(self._lines)

    def events(self) -> tuple[tuple[str, str], ...]:
        with self._lock:
            return tuple(self._events)

    def _write(self, data: dict[str, Any]) -> None:
        text = json.dumps(data, ensure_ascii=False) + "\n"
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(text)
