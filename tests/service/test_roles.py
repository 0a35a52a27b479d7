"""Which role each store allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.base.errors import SettingsError
from connector.journal import JournalConfig
from connector.service.roles import check_role
from connector.settings import load_settings
from tests.conftest import ROOT

SQLITE = load_settings(ROOT / "conf" / "demo.toml")
POSTGRESQL = replace(SQLITE, journal=JournalConfig("postgresql://connector:secret@db.example/connector"))


@pytest.mark.parametrize("role", ["listener", "worker", "all"])
def test_postgresql_takes_every_role(role: str) -> None:
    assert check_role(role, POSTGRESQL) == role


def test_a_file_belongs_to_one_process() -> None:
    assert check_role("all", SQLITE) == "all"
    for role in ("listener", "worker"):
        with pytest.raises(SettingsError, match="several processes share") as refused:
            check_role(role, SQLITE)
        assert refused.value.context["name"] == "--role"
        assert "sqlite:///" in refused.value.context["found"]
        assert "postgresql://" in refused.value.context["allowed"]


def test_no_other_role() -> None:
    with pytest.raises(SettingsError) as refused:
        check_role("writer", POSTGRESQL)
    assert refused.value.context == {"name": "--role", "found": "writer", "allowed": "listener, worker, all"}
