"""Giving the emptied pages of a SQLite file back to the disk, while no engine works on it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.journal.db.alone import alone
from connector.journal.db.connection import Connection
from connector.journal.db.failures import is_database_error
from connector.journal.db.opening import open_writer
from connector.journal.model import JournalConfig, JournalError

_TEMPORARY: Final = ("SQLITE_TMPDIR", "TMPDIR")
_FOLDERS: Final = ("/var" + "/tmp", "/usr" + "/tmp", "/" + "tmp")


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the file before and after."""

    before: int
    after: int


def compact(config: JournalConfig) -> Compacted:
    """Writes the whole file anew without its free pages.

    SQLite builds the copy in its temporary folder, then writes it back through the WAL: the journal's disk needs
    the size of what is left, the temporary one too. Raises JournalError: an engine runs, no room, not a SQLite store.
    """
    path = config.path
    if not path.exists():
        raise JournalError("no journal there", path=str(path))
    before = path.stat().st_size
    with alone(path):
        connection = open_writer(config)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            _check_room(path, _in_use(connection))
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except Exception as error:
            if not is_database_error(error):
                raise
            raise JournalError(f"the journal could not be compacted: {error}", path=str(path)) from error
        finally:
            connection.close()
    return Compacted(before, path.stat().st_size)


def _in_use(connection: Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _check_room(path: Path, needed: int) -> None:
    """Raises JournalError when a disk would fill up: the journal's own, or the one of SQLite's temporary files."""
    temporary = _temporary_folder()
    same = os.stat(temporary).st_dev == os.stat(path.parent).st_dev
    for folder, wanted in ((path.parent, needed * (2 if same else 1)), (temporary, 0 if same else needed)):
        found = shutil.disk_usage(folder).free
        if found < wanted:
            raise JournalError(
                "not enough room on the disk to compact",
                path=str(folder),
                found=f"{found} bytes",
                expected=f"{wanted} bytes",
            )


def _temporary_folder() -> Path:
    """Where SQLite puts its temporary files: its own rule (sqlite.org, temp files, §5)."""
    named = [os.environ[name] for name in _TEMPORARY if os.environ.get(name)]
    for folder in (*named, *_FOLDERS):
        if os.path.isdir(folder) and os.access(folder, os.W_OK):
            return Path(folder)
    return Path()
