"""The store under test. Another store joins the suite by adding its factory here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.base.clock import utc_now
from connector.journal.model import JournalConfig
from connector.journal.store import Journal

JournalFactory = Callable[..., Journal]


@pytest.fixture
def journal_factory(tmp_path: Path) -> Iterator[JournalFactory]:
    """Opens the journal of this test, as often as one likes; options are those of JournalConfig, `clock`, `schemas`."""
    opened: list[Journal] = []

    def open_journal(**options: Any) -> Journal:
        clock, schemas = options.pop("clock", utc_now), options.pop("schemas", ())
        journal = Journal.open(JournalConfig(tmp_path / "journal.db", **options), clock, schemas)
        opened.append(journal)
        return journal

    yield open_journal
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(journal_factory: JournalFactory) -> Journal:
    return journal_factory()
