"""Settings of the code lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CodesConfig:
    """Where the site keeps newer lists, and when they are called old.

    folder        lists loaded by `connector codes load`, used before the shipped ones; None for none
    max_age_days  days since a list was last compared with what the agency publishes; 0 never warns
    """

    folder: Path | None = None
    max_age_days: int = 365
