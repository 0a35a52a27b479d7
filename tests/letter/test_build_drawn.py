"""Letters drawn at random are valid: schema, every official suite, our own rules, the rules of the DMP's metadata."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.checks import check_document
from connector.cda.header import read_header
from connector.dmp.draft import Draft
from connector.dmp.rules import check
from connector.kit.config import GateConfig
from connector.kit.gate import CdaGate, open_gate
from connector.letter.build import build
from connector.letter.errors import LetterError
from connector.letter.model import Letter, UnstructuredLetter
from connector.letter.plain import letter_of
from connector.render.html import html_text, to_html
from tests.dmp.samples import CONFIG, FACTS
from tests.letter.facts import missing, narrative
from tests.letter.letters import Data, changed
from tests.letter.strategies import admission_data, discharge_data, letters, structured_letters
from tests.letter.test_build import paths

FULL = os.environ.get("CONNECTOR_PROOF") == "full"
JUDGED, DRAWN = (3000, 1000) if FULL else (40, 40)
HEALTH = list(HealthCheck)
"""A whole letter is a large draw."""


pytestmark = [pytest.mark.proof, pytest.mark.timeout(7200)]


LATER = datetime(2031, 1, 1, tzinfo=UTC)
"""After all that is drawn."""


@pytest.fixture(scope="module")
def gate(cda_kit: Path) -> Iterator[CdaGate]:
    with open_gate(GateConfig(kit=str(cda_kit), terminologies=True), lambda: LATER) as opened:
        yield opened


def test_drawn_letters_pass_the_schema_and_every_official_suite(gate: CdaGate) -> None:
    judged: Counter[str] = Counter()
    told: Counter[str] = Counter()

    @settings(max_examples=JUDGED, suppress_health_check=HEALTH)
    @given(letters())
    def every_letter(letter: Letter) -> None:
        verdict = gate.judge(build(letter))
        judged[letter.kind] += 1
        told.update(finding.rule for finding in verdict.findings)
        assert [f"{finding.rule} {finding.field}" for finding in verdict.findings if finding.severity == "error"] == []
        assert "terminologies" in verdict.suites

    every_letter()
    assert sum(judged.values()) >= JUDGED
    print(f"\n{sum(judged.values())} letters judged, none refused: {dict(judged)}; warnings {dict(told)}")


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(letters())
def test_drawn_letters_break_no_rule_of_ours(letter: Letter) -> None:
    document = build(letter)
    header = read_header(document)
    broken = check_document(document, header, now=LATER)
    assert [finding.rule for finding in broken if finding.severity == "error"] == []
    draft = Draft(header, FACTS, letter.patient.ins.matricule, CONFIG)
    assert [finding.rule for finding in check(draft) if finding.severity == "error"] == []


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(structured_letters())
def test_every_clinical_fact_can_be_read(letter: Letter) -> None:
    assert missing(letter, narrative(build(letter))) == []


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(structured_letters())
def test_every_clinical_fact_can_be_read_on_the_page(letter: Letter) -> None:
    assert missing(letter, html_text(to_html(build(letter)).content)) == []


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(letters())
def test_the_same_letter_gives_the_same_bytes_whose_references_all_lead_somewhere(letter: Letter) -> None:
    document = build(letter)
    assert build(letter.model_copy(deep=True)) == document
    root = etree.fromstring(document)
    named = [str(node.get("ID")) for node in root.iter() if node.get("ID")]
    pointed = [str(node.get("value")) for node in root.iter(q(HL7V3, "reference"))]
    assert len(named) == len(set(named))
    assert {f"#{name}" for name in named} >= set(pointed)
    assert pointed or isinstance(letter, UnstructuredLetter)


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(discharge_data() | admission_data(), st.randoms(use_true_random=False))
def test_what_a_letter_says_is_written(data: Data, chance: Random) -> None:
    letter = letter_of(data)
    path = chance.choice(list(paths(data)))
    named = ".".join(step for step in path.split(".") if not step.isdigit())
    # A telecom or an address given twice is written once; a custodian's practice setting has no room in a header.
    assume(named != "custodian.practice_setting" and "telecoms" not in named and "addresses" not in named)
    try:
        less = letter_of(changed(data, path, ...))
    except LetterError:
        return
    # What is told and what is understood may be the same: the status of an act that is over…
    if less != letter and not named.endswith((".concern", ".status")):
        assert build(less) != build(letter)
