"""One site per module: certificates and processes are the slow part, the messages are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh site, connector in a thread."""
    with Site(tmp_path) as one:
        yield one
