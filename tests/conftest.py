"""Shared fixtures: the official data folder, real time kept out of the core."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def official_data() -> Path:
    """Folder of the agency's messages and examples (CONNECTOR_OFFICIAL_DATA, default ../shared)."""
    folder = Path(os.environ.get("CONNECTOR_OFFICIAL_DATA", ROOT.parent / "shared"))
    if not (folder / "ans-messages").is_dir():
        pytest.skip("official data absent: set CONNECTOR_OFFICIAL_DATA to the folder holding ans-messages/")
    return folder
