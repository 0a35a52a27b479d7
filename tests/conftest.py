"""Shared fixtures: the official data folder, real time kept out of the core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.postgres import Postgres, PostgresAbsent

# `make test` draws the same cases each time; `make proof` draws new ones, and prints the seeds of what it drew.
settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile("new" if os.environ.get("CONNECTOR_PROOF") == "full" else "same")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def quiet_start() -> None:
    """The log level a test's connector set is not the next test's."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def official_data() -> Path:
    """Folder of the agency's messages and examples (CONNECTOR_OFFICIAL_DATA, default ../shared)."""
    folder = Path(os.environ.get("CONNECTOR_OFFICIAL_DATA", ROOT.parent / "shared"))
    if not (folder / "ans-messages").is_dir():
        pytest.skip("official data absent: set CONNECTOR_OFFICIAL_DATA to the folder holding ans-messages/")
    return folder


@pytest.fixture(scope="session")
def cda_kit() -> Path:
    """Folder of the agency's kit as downloaded (CONNECTOR_CDA_KIT): schemas, schematrons, value sets."""
    folder = os.environ.get("CONNECTOR_CDA_KIT", "")
    if not folder or not (Path(folder) / "schematrons").is_dir():
        pytest.skip("official kit absent: set CONNECTOR_CDA_KIT to the folder of the agency's CDA kit")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL cluster for the whole run. A test that stops or kills it starts it again."""
    try:
        cluster = Postgres()
    except PostgresAbsent as absent:
        pytest.skip(str(absent))
    yield cluster
    cluster.close()


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    """URL of a fresh, empty database."""
    database = postgres.create_database()
    yield postgres.url(database)
    postgres.drop_database(database)


ALLOWED_SKIPS = ("official data absent", "official kit absent")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Names every skip that CI does not accept."""
    for report in _refused_skips(terminalreporter):
        terminalreporter.write_line(f"skip not allowed in CI: {report.nodeid}: {_reason(report)}", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CONNECTOR_STRICT_SKIPS, a skip for any reason but absent official data or kit fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _refused_skips(reporter) and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _refused_skips(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    if not os.environ.get("CONNECTOR_STRICT_SKIPS"):
        return []
    skipped: list[pytest.TestReport] = reporter.stats.get("skipped", [])
    return [report for report in skipped if not any(reason in _reason(report) for reason in ALLOWED_SKIPS)]


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
