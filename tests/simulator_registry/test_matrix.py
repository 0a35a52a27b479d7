"""The matrice d'habilitation as data: which classes a role opens, and what is no matrix (d.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.codes import load
from connector.simulator.matrix import load_matrix, read_matrix
from connector.simulator.model import Coded

HEADER = "profession,savoir-faire,classCodes"
G15, R01, R291 = "1.2.250.1.71.1.2.7", "1.2.250.1.71.4.2.5", "1.2.250.1.213.1.6.1.140"


def test_the_packaged_matrix() -> None:
    matrix = load_matrix()
    everything = {concept.code for concept in load("J57")}
    doctors = matrix.classes([Coded("10", G15), Coded("SM26", R01)])
    assert doctors < everything
    assert len(doctors) == 11
    assert matrix.classes([Coded("99", R291)]) == frozenset()
    assert matrix.classes([Coded("60", G15)]) == doctors


def test_the_most_precise_row_decides() -> None:
    matrix = read_matrix([HEADER, "10,,10 31", "10,SM26,10", "*,,11"])
    assert matrix.classes([Coded("10", G15), Coded("SM26", R01)]) == {"10"}
    assert matrix.classes([Coded("10", G15), Coded("SM40", R01)]) == {"10", "31"}
    assert matrix.classes([Coded("60", G15)]) == {"11"}
    # A code of another nomenclature is not a profession of the same number.
    assert matrix.classes([Coded("10", "1.2.250.1.213.1.6.1.4")]) == {"11"}


def test_no_row_opens_nothing() -> None:
    assert read_matrix([HEADER, "10,,10"]).classes([Coded("60", G15)]) == frozenset()


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"\ufeff{HEADER}\n10,,10\n\n", encoding="utf-8")
    assert load_matrix(path).classes([Coded("10", G15)]) == {"10"}


@pytest.mark.parametrize("lines", [[], ["a,b,c"], [HEADER, "10,10"], [HEADER, ",,10"], [HEADER, "10,,1", "10,,2"]])
def test_what_is_no_matrix(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"matrix|line"):
        read_matrix(lines)
