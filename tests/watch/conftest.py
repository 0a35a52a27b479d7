"""Both databases, real mail and HTTPS servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.base.clock import utc_now
from connector.journal import Journal, JournalConfig
from tests.hl7_core.certificates import Authority, Pem
from tests.watch.servers import HookServer, MailServer

JournalFactory = Callable[[], Journal]


both = pytest.mark.parametrize("store_kind", ["sqlite", "postgresql"], indirect=True)
"""For what depends on the database; the other tests use a file."""


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def journal_factory(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JournalFactory]:
    """Opens the journal of this test, as often as one likes."""
    sqlite = store_kind == "sqlite"
    store = f"sqlite:///{tmp_path / 'journal.db'}" if sqlite else request.getfixturevalue("postgres_database")
    opened: list[Journal] = []

    def open_journal() -> Journal:
        opened.append(Journal.open(JournalConfig(store), utc_now))
        return opened[-1]

    yield open_journal
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(journal_factory: JournalFactory) -> Journal:
    return journal_factory()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="session")
def pem(authority: Authority) -> Pem:
    return authority.issue("server")


@pytest.fixture
def mail(pem: Pem) -> Iterator[MailServer]:
    server = MailServer(pem)
    yield server
    server.close()


@pytest.fixture
def hook(pem: Pem) -> Iterator[HookServer]:
    server = HookServer(pem)
    yield server
    server.close()


@pytest.fixture
def ca(authority: Authority) -> Path:
    return authority.file
