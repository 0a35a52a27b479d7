"""The small distribution, and the agency's own when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.kit.judge import Judge
from tests.kit import small


@pytest.fixture(scope="session")
def small_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.build(tmp_path_factory.mktemp("kit") / "testContenuCDA")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def judge(small_kit: Path, cache: Path) -> Judge:
    return Judge(small_kit, weight="refuse", terminologies=True, max_bytes=10**7, cache=cache)


@pytest.fixture(scope="session")
def official_judge(cda_kit: Path, cache: Path) -> Judge:
    return Judge(cda_kit, weight="refuse", terminologies=True, max_bytes=10**8, cache=cache)
