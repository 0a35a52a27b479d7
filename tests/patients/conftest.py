"""A store with the tables of the patients room, on each of the two databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.journal import JournalConfig
from connector.journal.db.connection import Connection
from connector.journal.db.migrate import migrate
from connector.journal.db.opening import open_writer
from connector.patients.schema import SCHEMA


@pytest.fixture(params=["sqlite", "postgresql"])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    sqlite = request.param == "sqlite"
    store = str(tmp_path / "journal.db") if sqlite else request.getfixturevalue("postgres_database")
    connection = open_writer(JournalConfig(store))
    migrate(connection, [SCHEMA])
    yield connection
    connection.close()
