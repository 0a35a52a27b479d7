"""What differs between two states of the settings, and what of it cannot change while the connector runs."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Final

from connector.settings import Settings

LIVE: Final = (
    "keys",
    "entities",
    "domains",
    "dmp",
    "vihf",
    "intake",
    "identity",
    "pix",
    "caller",
    "consultation",
    "psc",
    "publication",
    "zam",
    "clock",
    "codes",
    "engine",
    "listener",
    "log",
    "alerts",
)
"""Sections read again by a running connector. Any other one needs a restart."""

FIXED: Final = frozenset(
    {
        "listener.host",
        "listener.port",
        "listener.total_byte_budget",
        # the other processes go by the lease this one announced
        "engine.lease",
        "engine.beat",
        "engine.one_processor",
        # another structure or environment is another installation, and its journal another journal
        "keys.structure",
        "dmp.environment",
        "intake.environment",
        "log.format",
        # retention looks after the folder it began with
        "consultation.output_folder",
    }
)
"""Names inside these sections that need one all the same."""


def changed(old: Settings, new: Settings) -> tuple[str, ...]:
    """Names as written in the file ("dmp.base_url"), sorted; maps and lists count as one value."""
    return tuple(sorted(_differences(old, new, "")))


def needing_restart(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that a running connector cannot take over."""
    return tuple(name for name in names if name in FIXED or name.partition(".")[0] not in LIVE)


def _differences(old: Any, new: Any, prefix: str) -> list[str]:
    found = []
    for item in fields(old):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if before == after:
            continue
        name = prefix + item.name
        if is_dataclass(before) and type(before) is type(after):
            found += _differences(before, after, f"{name}.")
        else:
            found.append(name)
    return found
