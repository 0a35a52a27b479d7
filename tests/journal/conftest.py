"""The store under test: every test that takes `journal` or `journal_factory` runs on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.base.clock import utc_now
from connector.journal.model import JournalConfig
from connector.journal.store import Journal

JournalFactory = Callable[..., Journal]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test once per kind of store, but those marked `sqlite_only`, which look at the file itself."""
    if "store" in metafunc.fixturenames:
        one = any(mark.name == "sqlite_only" for mark in metafunc.definition.iter_markers())
        metafunc.parametrize("store", ["sqlite"] if one else ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def journal_factory(store: str, tmp_path: Path) -> Iterator[JournalFactory]:
    """Opens the journal of this test, as often as one likes; options are those of JournalConfig, `clock`, `schemas`."""
    opened: list[Journal] = []

    def open_journal(**options: Any) -> Journal:
        if store.startswith("postgresql"):
            options.setdefault("audit_key", tmp_path / "audit.key")
        clock, schemas = options.pop("clock", utc_now), options.pop("schemas", ())
        journal = Journal.open(JournalConfig(store, **options), clock, schemas)
        opened.append(journal)
        return journal

    yield open_journal
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(journal_factory: JournalFactory) -> Journal:
    return journal_factory()
