"""The gate of documents says what keeps a hospital's PDF from being PDF/A-1: a warning, unless settings refuse it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from connector.base.clock import utc_now
from connector.cda.header import read_header
from connector.flows.document_gate import PDFA, open_gate
from connector.flows.letters.config import LettersConfig
from connector.flows.letters.export.prepare import Maker, Making
from connector.journal import Journal, JournalConfig
from connector.kit.config import GateConfig
from connector.kit.verdict import CdaVerdict
from connector.patients.schema import SCHEMA
from tests.render.letters import level_1, shown_letter
from tests.render.test_carried import LAYERS
from tests.render.test_pdfa import GOOD

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
Weight = Literal["warn", "refuse"]


def told(verdict: CdaVerdict) -> list[tuple[str, bool]]:
    return [(found.rule, found.blocking) for found in verdict.findings if found.rule.startswith("PDFA")]


@pytest.mark.parametrize(("weight", "blocking"), [("warn", False), ("refuse", True)])
def test_a_pdf_that_is_no_pdfa_warns_or_is_refused(weight: Weight, blocking: bool) -> None:
    with open_gate(GateConfig(pdf=weight)) as gate:
        verdict = gate.judge(level_1("application/pdf", LAYERS))
        good = gate.judge(level_1("application/pdf", GOOD))
        level_3 = gate.judge(shown_letter())
    assert told(verdict) == [("PDFA-10", blocking)]
    assert (told(good), told(level_3)) == ([], [])
    assert (PDFA in verdict.suites, PDFA in good.suites, PDFA in level_3.suites) == (True, True, False)


@pytest.mark.parametrize(("weight", "blocking"), [("warn", False), ("refuse", True)])
def test_an_export_says_the_same(tmp_path: Path, weight: Weight, blocking: bool) -> None:
    config = JournalConfig(tmp_path / "journal.sqlite")
    Journal.open(config, utc_now, [SCHEMA]).close()
    maker = Maker(Making(LettersConfig(), GateConfig(pdf=weight), config))
    cda = level_1("application/pdf", LAYERS)
    verdict = maker.verdict(cda, read_header(cda), NOW)
    maker.close()
    assert told(verdict) == [("PDFA-10", blocking)]
    assert PDFA in verdict.suites
