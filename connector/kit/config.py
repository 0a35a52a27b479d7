"""What a document must pass before it is sent: the [gate] section of the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from connector.base.errors import SettingsError
from connector.ins.model import Environment

ABSENT_ACCEPTED: Final = "absent-accepted"
"""The value of `gate.kit` by which a site writes that it sends without the agency's checks."""


@dataclass(frozen=True, slots=True)
class GateConfig:
    """The check of a CDA before sending (EX_2.1-1070, 1071, 1090, 1115).

    kit            folder of the agency's distribution as downloaded; "" or "absent-accepted": our own checks only
    schematron     what a failed assertion of the kit does: 'refuse' the document, or 'warn' on its timeline
    pdf            what a breach of PDF/A-1 by a PDF we did not make does: 'warn' on the timeline, or 'refuse' it
    terminologies  also look codes up in the kit's terminologies
    workers        processes that hold the compiled suites, about 300 MB each; that many documents are judged at once
    time_limit     seconds one document may take before its worker is replaced and the document refused
    cache          folder for compiled stylesheets; None takes the user's cache folder
    max_bytes      bytes of one document
    environment    that of the DMP, never written here: it is dmp.environment

    Raises SettingsError.
    """

    kit: str = ""
    schematron: Literal["refuse", "warn"] = "refuse"
    pdf: Literal["warn", "refuse"] = "warn"
    terminologies: bool = False
    workers: int = 1
    time_limit: float = 60.0
    cache: Path | None = None
    max_bytes: int = 10 * 1024 * 1024
    environment: Environment = "test"

    def __post_init__(self) -> None:
        for name in ("workers", "time_limit", "max_bytes"):
            if getattr(self, name) <= 0:
                found = str(getattr(self, name))
                raise SettingsError(f"wrong setting gate.{name}", name=f"gate.{name}", found=found, allowed="above 0")

    @property
    def folder(self) -> Path | None:
        """The distribution's folder, None when there is none."""
        return None if self.kit in ("", ABSENT_ACCEPTED) else Path(self.kit)

    def placed(self, base: Path) -> GateConfig:
        """With a relative folder counted from `base`, that of the settings file."""
        return self if self.folder is None else replace(self, kit=str(base / self.folder))
