"""One key for the suite, a fresh trail for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.journal.audit.key import create_key
from tests.audit.trail import Trail


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "audit.key"
    create_key(path)
    return path


@pytest.fixture
def trail(key_file: Path) -> Trail:
    return Trail(key_file)
