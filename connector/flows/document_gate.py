"""The gate of documents, whole: the kit and our rules, then those of PDF/A-1 for a PDF that a document carries."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from connector.base.clock import Clock, utc_now
from connector.kit.config import GateConfig
from connector.kit.gate import CdaGate
from connector.kit.gate import open_gate as open_kit_gate
from connector.kit.verdict import CdaVerdict

_LEVEL_1: Final = re.compile(rb"n\0?o\0?n\0?X\0?M\0?L\0?B\0?o\0?d\0?y")
"""In UTF-8 and its like, or in UTF-16: a letter of level 3 is not parsed once more for nothing."""

PDFA: Final = "PDF/A-1"
"""These rules, as timelines name them."""


def open_gate(config: GateConfig, clock: Clock = utc_now) -> CdaGate:
    """As `connector.kit.gate.open_gate`, with the rules of PDF/A-1. Raises SettingsError: the kit cannot be used."""
    return _DocumentGate(open_kit_gate(config, clock), config)


def with_pdf(verdict: CdaVerdict, content: bytes, config: GateConfig) -> CdaVerdict:
    """The verdict on a document, with what is to say of the PDF it carries: warnings, unless `gate.pdf` refuses."""
    if _LEVEL_1.search(content) is None:
        return verdict
    # 18 MB, for those that carry a file
    from connector.render.pdfa import check_carried

    found = check_carried(content, strict=config.pdf == "refuse", cap=config.max_bytes)
    if found is None:
        return verdict
    return replace(verdict, findings=(*verdict.findings, *found), suites=(*verdict.suites, PDFA))


class _DocumentGate(CdaGate):
    def __init__(self, gate: CdaGate, config: GateConfig) -> None:
        self._gate = gate
        self._config = config

    def judge(self, content: bytes) -> CdaVerdict:
        return with_pdf(self._gate.judge(content), content, self._config)

    def close(self) -> None:
        self._gate.close()
