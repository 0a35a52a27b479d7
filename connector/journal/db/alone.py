"""One engine at a time on a SQLite file: an exclusive lock beside it, gone with the process that held it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.journal.errors import JournalError


def lock(path: Path) -> int:
    """Takes the lock of the journal at `path`, held until the descriptor is closed.

    Raises JournalError when an engine already works on this journal.
    """
    beside = f"{path}.lock"
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise JournalError("another engine already works on this journal", path=beside) from error
    return descriptor


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keeps every engine away from the journal at `path` for as long as the block lasts. Raises JournalError."""
    descriptor = lock(path)
    try:
        yield
    finally:
        os.close(descriptor)
