"""Documents retrieved from the DMP leave the output folder after `retention.attachment_days`, with their sidecars."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from connector.base.logs import logger
from connector.journal import JournalReader

_FOLDER: Final = re.compile(r"(?:admission|consultation)-(\d+)")
# <uniqueId or its digest>.<extension>, its .json sidecar, and what an interrupted write left: nobody else's files.
_FILE: Final = re.compile(r"[0-9a-f.]+\.[A-Za-z0-9]+(?:\.json)?(?:\.part(?:ial)?)?")


def remove_received(
    folder: Path, older_than: datetime, unfinished: Callable[[int], bool], stopping: threading.Event
) -> int:
    """Removes the connector's own files last written before `older_than` (aware); gives how many.

    Those of an admission `unfinished(delivery_id)` stay. Links are not followed, other files are not touched.
    """
    removed, limit = 0, older_than.timestamp()
    for admission, delivery_id in _admissions(folder):
        if stopping.is_set():
            break
        old = [path for path in _files(admission) if path.lstat().st_mtime < limit]
        if old and not unfinished(delivery_id):
            removed += _remove(old)
            _remove_empty(admission)
    return removed


def unfinished_in(journal: JournalReader) -> Callable[[int], bool]:
    """Whether a delivery still has work to do, asked of the journal; one that is long gone has none."""

    def unfinished(delivery_id: int) -> bool:
        return bool(journal.query("SELECT 1 FROM delivery WHERE id = ? AND state <> 'done'", (delivery_id,)))

    return unfinished


def size_of_received(folder: Path, since: datetime) -> tuple[int, int]:
    """(bytes of all the connector's files, bytes of those written after `since`)."""
    total = recent = 0
    for admission, _ in _admissions(folder):
        for path in _files(admission):
            found = path.lstat()
            total += found.st_size
            recent += found.st_size if found.st_mtime >= since.timestamp() else 0
    return total, recent


def _admissions(folder: Path) -> Iterator[tuple[Path, int]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _FOLDER.fullmatch(entry.name)
            if match and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path), int(match[1])


def _files(admission: Path) -> Iterator[Path]:
    with os.scandir(admission) as entries:
        for entry in entries:
            if _FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _remove(paths: list[Path]) -> int:
    removed = 0
    for path in paths:
        try:
            path.unlink(missing_ok=True)
            removed += 1
        except OSError as error:
            # the hospital's import may own the folder: said, and tried again at the next round
            logger("retention").warning("received file not removed", cause=error.strerror or "")
    return removed


def _remove_empty(admission: Path) -> None:
    try:
        admission.rmdir()
    except OSError as error:
        # files of others, or of a newer consultation, are still in it
        logger("retention").debug("folder kept", cause=error.strerror or "")
