"""The throw-away PostgreSQL: it keeps what it committed, whatever is done to it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.conftest import ROOT
from tests.postgres import USER, Postgres, PostgresAbsent, binaries


def rows(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n")]


def test_a_database_of_its_own_owned_by_an_ordinary_user(postgres: Postgres, postgres_database: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        row = connection.execute("SELECT current_user, usesuper FROM pg_user WHERE usename = current_user").fetchone()
        assert row == (USER, False)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_wrong_password_is_refused(postgres: Postgres, postgres_database: str) -> None:
    wrong = postgres_database.replace(f"{USER}:", f"{USER}:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_restart_and_kill_cut_clients_and_keep_what_was_committed(postgres: Postgres, postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as client:
        client.execute("CREATE TABLE kept (n integer)")
        client.execute("INSERT INTO kept VALUES (1)")
        postgres.restart()
        with pytest.raises(psycopg.OperationalError):
            client.execute("INSERT INTO kept VALUES (2)")
    with psycopg.connect(postgres_database, autocommit=True) as client:
        client.execute("INSERT INTO kept VALUES (3)")
        postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            client.execute("INSERT INTO kept VALUES (4)")
    with pytest.raises(psycopg.OperationalError):
        rows(postgres_database)
    postgres.start()
    assert rows(postgres_database) == [1, 3]


def test_absence_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("CONNECTOR_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PostgresAbsent, match="install the Debian package postgresql"):
        binaries()


_HELD = "import time; from tests.postgres import Postgres; print(Postgres(fsync=False).log, flush=True); time.sleep(60)"


def test_nothing_remains_of_a_run_that_was_killed(postgres: Postgres) -> None:
    with subprocess.Popen([sys.executable, "-c", _HELD], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip()).parent
        assert (folder / "data" / "postmaster.pid").exists()
        run.kill()
    # the server takes its pid file away last, then the guard the folder
    end = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < end, "the cluster outlives its test run"
        time.sleep(0.05)
