"""The count of rules, as a line of the summary whenever these tests ran."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.rules import catalogue

    terminalreporter.write_line(catalogue.count_line())
