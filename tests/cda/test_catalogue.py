"""docs/cda-rules.md says what the rows of the rules and these tests say."""

from __future__ import annotations

from pathlib import Path

from connector.cda.checks.rules import CHECKS
from tests.cda.catalogue import document, mutations

DOCUMENT = Path(__file__).parents[2] / "docs" / "cda-rules.md"


def test_the_document_is_that_of_the_rules() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").splitlines() == list(document())


def test_each_rule_says_what_it_asks_and_why() -> None:
    assert not [check.rule for check in CHECKS if not (check.asks and check.why and check.reference)]
    assert not [check.rule for check in CHECKS if not mutations()[check.rule]]


def test_a_rule_never_asks_less_in_production() -> None:
    assert not [check.rule for check in CHECKS if check.severity == "error" and check.production is not None]
