"""A store with the tables of the patients room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.journal.db.migrate import migrate
from connector.journal.db.sqlite import SqliteConnection, open_writer
from connector.patients.schema import SCHEMA


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[SqliteConnection]:
    connection = open_writer(tmp_path / "journal.db", 1.0)
    migrate(connection, [SCHEMA])
    yield connection
    connection.close()
