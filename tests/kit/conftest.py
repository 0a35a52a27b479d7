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


CALIBRATION = pytest.StashKey[dict[str, list[str]]]()
"""What our rules say of each fault that the kit does not catch, by fault."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many of the faults that the kit does not catch ours do."""
    told = terminalreporter.config.stash.get(CALIBRATION, {})
    if not told:
        return
    refused = sum(any(one.endswith(" error") for one in found) for found in told.values())
    terminalreporter.write_line(
        f"{len(told)} of the 42 faults that the kit does not catch are told by our rules, {refused} of them refused"
    )
    for fault, found in told.items() if terminalreporter.verbosity > 0 else ():
        terminalreporter.write_line(f"  {fault}: {', '.join(found)}")
