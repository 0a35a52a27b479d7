"""docs/rules.md says what the lists and the tests do; every D id is somewhere, and the count is printed."""

from __future__ import annotations

from pathlib import Path

from tests.rules import catalogue

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_document_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == "\n".join(catalogue.document()) + "\n"


def test_every_d_rule_is_in_a_list_or_explained_never_both() -> None:
    applied = {catalogue.base(rule) for rule in catalogue.listed() if rule.startswith("D-")}
    assert applied | set(catalogue.ELSEWHERE) == set(catalogue.ALL_D)
    assert not applied & set(catalogue.ELSEWHERE)


def test_every_rule_of_a_list_is_broken_alone_and_described() -> None:
    assert set(catalogue.listed()) == catalogue.broken_alone() == set(catalogue.WHAT)


def test_the_count_is_printed() -> None:
    print(catalogue.count_line())
    assert catalogue.count_line() in DOCUMENT.read_text(encoding="utf-8")
