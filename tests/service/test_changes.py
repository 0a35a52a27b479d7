"""Which changed settings a running connector takes over, and which need a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from connector.service.changes import FIXED, LIVE, changed, needing_restart
from connector.settings import Settings, load_settings, parse_settings
from tests.conftest import ROOT

FILE = ROOT / "conf" / "demo.toml"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(FILE)


def with_(section: str, **values: Any) -> Callable[[Settings], Settings]:
    return lambda old: replace(old, **{section: replace(getattr(old, section), **values)})


@pytest.mark.parametrize(
    ("change", "names", "fixed"),
    [
        (lambda old: old, (), ()),
        (with_("dmp", base_url="https://other.example"), ("dmp.base_url",), ()),
        (with_("listener", idle_timeout=5.0, port=1), ("listener.idle_timeout", "listener.port"), ("listener.port",)),
        (with_("journal", store="sqlite:///other"), ("journal.store",), ("journal.store",)),
        (with_("api", port=9), ("api.port",), ("api.port",)),
        (with_("keys", structure="1"), ("keys.structure",), ("keys.structure",)),
        (with_("dmp", environment="production"), ("dmp.environment",), ("dmp.environment",)),
        (with_("log", level="debug"), ("log.level",), ()),
    ],
)
def test_what_changed_by_name(
    settings: Settings, change: Callable[[Settings], Settings], names: tuple[str, ...], fixed: tuple[str, ...]
) -> None:
    found = changed(settings, change(settings))
    assert (found, needing_restart(found)) == (names, fixed)


def test_a_nested_value_is_named_down_to_its_leaf(settings: Settings) -> None:
    import tomllib

    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    table["engine"] = {"backoff": {"first": 7}, "backoffs": {"zam": {"first": 1}}}
    found = changed(settings, parse_settings(table, FILE.parent))
    assert found == ("engine.backoff.first", "engine.backoffs")
    assert needing_restart(found) == ()


def test_the_names_that_are_listed_exist(settings: Settings) -> None:
    sections = {item.name for item in fields(Settings)}
    assert set(LIVE) <= sections
    for name in FIXED:
        section, _, leaf = name.partition(".")
        assert section in LIVE
        assert hasattr(getattr(settings, section), leaf)


def test_the_guide_tells_what_is_taken_over_and_what_needs_a_restart() -> None:
    guide = (ROOT / "docs" / "guide-exploitation.md").read_text(encoding="utf-8")
    section = guide.partition("## Recharger les réglages")[2].partition("\n## ")[0]
    assert [name for name in (*LIVE, *FIXED) if f"`{name}`" not in section] == []
