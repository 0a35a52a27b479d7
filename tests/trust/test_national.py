"""Forms of national identifiers: what two of them are compared in, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.trust.national import comparable, person_form, ps_idnat, struct_idnat


@pytest.mark.parametrize(
    ("written", "prefix", "as_is"),
    [
        ("1120456789", "1120456789", "1120456789"),
        ("300017985", "1300017985", "300017985"),
        ("300017985\u00a0\u00a0 ", "1300017985", "300017985"),
        ("2a0000012", "12A0000012", "2A0000012"),
        ("0B0011797", "10B0011797", "0B0011797"),
        ("3435", "3435", "3435"),
        ("", "", ""),
        ("2732829320", "2732829320", "2732829320"),
    ],
)
def test_a_structure_as_it_is_compared(written: str, prefix: str, as_is: str) -> None:
    assert comparable(written) == prefix
    assert comparable(written, "as-is") == as_is


@given(st.text())
def test_comparing_twice_changes_nothing(written: str) -> None:
    once = comparable(written)
    assert comparable(once) == once


@pytest.mark.parametrize(
    ("written", "national"),
    [("10000023084", "810000023084"), ("801234564895", "801234564895"), ("3120456789/12", "3120456789/12"), ("", "")],
)
def test_an_rpps_gets_its_prefix(written: str, national: str) -> None:
    assert ps_idnat(written) == national


@pytest.mark.parametrize(
    ("written", "kind", "national"),
    [
        ("300017985", "FINEG", "1300017985"),
        ("300017985", "FINEJ", "1300017985"),
        ("300017985", "IDNST", "1300017985"),
        ("2A0000012", "", "12A0000012"),
        ("1120459876", "FINEG", "1120459876"),
        ("2732829320", "IDNST", "2732829320"),
        ("732829320", "SIREN", "732829320"),
        ("3435", "FINEG", "3435"),
        ("", "FINEG", ""),
    ],
)
def test_a_finess_gets_its_prefix(written: str, kind: str, national: str) -> None:
    assert struct_idnat(written, kind) == national
    assert struct_idnat(national, kind) == national


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ("1120456789/connector", "3120456789/connector"),
        ("10B0011797/00B1022322", "30B0011797/00B1022322"),
        ("2732829320/7", "2732829320/7"),
        ("801234564895", "801234564895"),
        ("1120456789/", "1120456789/"),
    ],
)
def test_a_finess_has_another_prefix_in_a_person(written: str, person: str) -> None:
    assert person_form(written) == person
