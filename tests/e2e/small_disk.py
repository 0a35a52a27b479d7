"""A disk that is full when a test says so, for both kinds of store, and has room again when it says so."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import psycopg

from tests.e2e.process import ConnectorProcess
from tests.postgres import USER, Postgres

ROOM: Final = 64 * 1024
"""Bytes left on a disk that is nearly full."""


class Disk(Protocol):
    def nearly_fill(self) -> None: ...
    def fill(self) -> None: ...
    def free(self) -> None: ...
    def close(self) -> None: ...


class FileLimit:
    """RLIMIT_FSIZE: no file of the process may grow beyond it, its log neither; it can be lifted while it runs."""

    def __init__(self, process: ConnectorProcess, journal: Path) -> None:
        self._process = process
        self._journal = journal

    def nearly_fill(self) -> None:
        files = self._journal.parent.glob(f"{self._journal.name}*")
        self._limit(max(file.stat().st_size for file in files) + ROOM)

    def fill(self) -> None:
        self._limit(0)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def close(self) -> None:
        """The limit ends with the process."""

    def _limit(self, size: int) -> None:
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class MountRefused(Exception):
    """This account may not mount a file system here."""


class SmallTablespace:
    """A database in a tablespace of its own, on a tmpfs of 32 MB that a ballast file fills."""

    _SIZE: Final = 32 * 1024 * 1024

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._folder = Path(tempfile.mkdtemp(prefix="disk"))
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._SIZE}", "tmpfs", str(self._folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            self._folder.rmdir()
            raise MountRefused
        self._ballast = self._folder / "ballast"
        place = self._folder / "tablespace"
        place.mkdir()
        shutil.chown(place, "postgres")
        self._sql(f"CREATE TABLESPACE small OWNER {USER} LOCATION '{place}'")
        self._sql(f"CREATE DATABASE small OWNER {USER} TABLESPACE small")
        self.url = postgres.url("small")

    def nearly_fill(self) -> None:
        # Filled first: the store may grow meanwhile.
        self.fill()
        os.truncate(self._ballast, self._ballast.stat().st_size - ROOM)

    def fill(self) -> None:
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        self._ballast.unlink()

    def close(self) -> None:
        self._ballast.unlink(missing_ok=True)
        self._postgres.drop_database("small")
        self._sql("DROP TABLESPACE small")
        subprocess.run(["umount", str(self._folder)], check=True)
        self._folder.rmdir()

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self._postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


class RefusingTables:
    """Where nothing can be mounted: the server refuses every new row as on a full disk (SQLSTATE 53100)."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        self.url = postgres.url(database)
        self._administrator = postgres.url(database, "postgres")

    def nearly_fill(self) -> None:
        self._sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        for table in ("message", "delivery", "timeline", "attempt"):
            self._sql(f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()")

    def fill(self) -> None:
        """It is."""

    def free(self) -> None:
        self._sql("DROP FUNCTION full_disk() CASCADE")

    def close(self) -> None:
        """The database goes with its fixture."""

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self._administrator, autocommit=True) as connection:
            connection.execute(statement.encode())
