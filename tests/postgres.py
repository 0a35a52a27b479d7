"""A throw-away PostgreSQL cluster: its own data folder, socket and loopback port; real kills, stops and restarts."""

from __future__ import annotations

import itertools
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

USER = "connector"
"""Owner of every database made here; no superuser, as in a hospital."""
PATIENCE = 30.0
_FAST_STOP, _IMMEDIATE_STOP = signal.SIGINT, signal.SIGQUIT

_GUARD = """
import os, pathlib, shutil, signal, sys, time
sys.stdin.buffer.read()  # ends with the test run, however it ends
pid = pathlib.Path(sys.argv[1], "data", "postmaster.pid")
try:
    os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)
except (OSError, IndexError, ValueError):
    pass  # already gone
for _ in range(100):
    if not pid.exists():
        break
    time.sleep(0.05)
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


class PostgresAbsent(Exception):
    """No server can be started here; the message says what is missing."""


def binaries() -> Path:
    """Folder of `initdb` and `postgres`: CONNECTOR_POSTGRES_BIN, else Debian's newest. Raises PostgresAbsent."""
    told = os.environ.get("CONNECTOR_POSTGRES_BIN")
    found = [Path(told)] if told else sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for folder in found:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise PostgresAbsent("PostgreSQL absent: install the Debian package postgresql, or set CONNECTOR_POSTGRES_BIN")


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.parent.name))


class Postgres:
    """One cluster. Clients come over TCP with a password (scram); `fsync=False` where only semantics are tested."""

    def __init__(self, *, fsync: bool = True, max_connections: int = 200) -> None:
        self._bin = binaries()
        self._user = _unprivileged()  # None: the present account
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._data = self._folder / "data"
        self.log = self._folder / "log"
        self.port = _free_port()
        self._secrets = {"postgres": secrets.token_hex(8), USER: secrets.token_hex(8)}
        self._options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "max_connections": str(max_connections),
            "shared_buffers": "64MB",
            "fsync": "on" if fsync else "off",
            "log_line_prefix": "%m [%p] ",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        # a test run that is killed closes nothing: this process outlives it, and cleans up
        self._guard = subprocess.Popen(
            [sys.executable, "-c", _GUARD, str(self._folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            self._initialise()
            self.start()
            self._administer(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(_name(USER), self._secrets[USER]))
        except BaseException:
            self.close()
            raise

    # -- databases ---------------------------------------------------------------------------------------------

    def url(self, database: str, user: str = USER) -> str:
        """Connection string of `database`, password included."""
        return f"postgresql://{user}:{self._secrets[user]}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Name of a new empty database."""
        database = f"connector_{next(self._names)}"
        self._administer(sql.SQL("CREATE DATABASE {} OWNER {}").format(_name(database), _name(USER)))
        return database

    def drop_database(self, database: str) -> None:
        """Whoever is still connected to it is cut off."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(_name(database)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Returns once connections are taken."""
        assert self._process is None, "already started"
        command = [str(self._bin / "postgres"), "-D", str(self._data)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=self._user,
                group=self._user,
            )
        self._wait_ready()

    def stop(self, *, immediate: bool = False) -> None:
        """Cuts every client and stops; `immediate` skips the checkpoint, the next start recovers from its log."""
        process, self._process = self._process, None
        assert process is not None, "not started"
        process.send_signal(_IMMEDIATE_STOP if immediate else _FAST_STOP)
        process.wait(PATIENCE)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """kill -9 of the server and of every process it made, as when its machine loses power."""
        process, self._process = self._process, None
        assert process is not None, "not started"
        # stopped first, so that it makes no new process while they are counted
        process.send_signal(signal.SIGSTOP)
        for pid in [*_children(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE)

    def close(self) -> None:
        """Nothing of it remains."""
        if self._process is not None:
            self.stop(immediate=True)
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait(PATIENCE)

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def _initialise(self) -> None:
        password = self._folder / "password"
        password.write_text(self._secrets["postgres"], encoding="ascii")
        if self._user:
            for path in (self._folder, password):
                shutil.chown(path, self._user)
        command = [str(self._bin / "initdb"), "-D", str(self._data), "-U", "postgres", "-A", "scram-sha-256"]
        command += ["--pwfile", str(password), "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self._folder, user=self._user, group=self._user, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _wait_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            assert self._process is not None
            assert self._process.poll() is None, f"PostgreSQL ended by itself:\n{self.tail()}"
            try:
                psycopg.connect(self.url("postgres", "postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < end, f"PostgreSQL takes no connection:\n{self.tail()}"
                time.sleep(0.02)


def _name(text: str) -> sql.Identifier:
    return sql.Identifier(text)


def _unprivileged() -> str | None:
    """The account the server runs under, None for the present one: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise PostgresAbsent("PostgreSQL absent: it does not run as root, and there is no user postgres") from None


def _free_port() -> int:
    """Below the ephemeral range: no outgoing connection takes it while the server is stopped."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(30_000, 32_768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(pid) for pid in listed.split()]
