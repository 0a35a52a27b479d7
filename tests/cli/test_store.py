"""`connector store move`: what it prints, and the exit code a script can trust."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from connector.base.resources import resource_dir
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from connector.patients.schema import SCHEMA
from tests.cli.conftest import Run
from tests.journal.support import message


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file whose journal holds a few messages."""
    text = (resource_dir("conf") / "demo.toml").read_text(encoding="utf-8").replace("../.demo/", f"{tmp_path}/")
    path = tmp_path / "connector.toml"
    path.write_text(text, encoding="utf-8")
    journal = Journal.open(JournalConfig(tmp_path / "connector.sqlite"), schemas=(SCHEMA,))
    for number in range(5):
        journal.accept_sync(message(number))
    journal.close()
    return path


def test_a_move_for_machines_then_its_verification(run: Run, config: Path, postgres_database: str) -> None:
    moved = run("store", "move", "-c", config, "--to", postgres_database, "--json")
    assert moved.code == 0
    tables = {table["table"]: table for table in moved.json()["tables"]}
    assert tables["message"]["source"] == tables["message"]["target"]
    assert (tables["message"]["source"]["count"], len(tables["message"]["source"]["sha256"])) == (5, 64)
    assert run("store", "move", "-c", config, "--to", postgres_database, "--verify-only", "--json").json()["equal"]
    again = run("store", "move", "-c", config, "--to", postgres_database)
    assert (again.code, "moved to another store" in again.err) == (1, True)


def test_a_move_for_people_and_a_difference(run: Run, config: Path, postgres_database: str) -> None:
    moved = run("store", "move", "-c", config, "--to", postgres_database)
    assert moved.code == 0
    assert "journal.store" in moved.out
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("UPDATE message SET peer = 'x' WHERE id = 1")
    compared = run("store", "move", "-c", config, "--to", postgres_database, "--verify-only")
    assert (compared.code, "DIFFERS" in compared.out) == (1, True)


def test_an_address_that_is_none(run: Run, config: Path) -> None:
    refused = run("store", "move", "-c", config, "--to", "mysql://host/base")
    assert (refused.code, "no such kind of store" in refused.err) == (1, True)


def test_the_password_is_never_said(run: Run, config: Path) -> None:
    refused = run("store", "move", "-c", config, "--to", "postgresql://connector:hunter2@127.0.0.1:1/base")
    assert refused.code == 1
    assert "hunter2" not in refused.out + refused.err
