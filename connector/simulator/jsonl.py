"""An append-only file of JSON lines: a line is durable when `append` returns, a torn last line never counts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class JsonLines:
    """Lines of `file`. Not thread-safe: the owner holds its own lock."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file

    def append(self, line: Mapping[str, Any]) -> None:
        """Writes and syncs one line, or leaves the file as it was and raises OSError."""
        with self._file.open("ab") as file:
            start = file.tell()
            try:
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # A full disk must not leave half a line for the next one to grow on.
                file.truncate(start)
                raise

    def read(self) -> list[dict[str, Any]]:
        """Every whole line, in order; a torn last one is cut off, since nobody was told it was kept."""
        if not self._file.exists():
            return []
        content = self._file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with self._file.open("r+b") as file:
                file.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines()]
