"""The matrice d'habilitation, profession by document class, as data (dmp-interface d.3, dmp-gaps 2).

A CSV `profession,savoir-faire,classCodes`: a TRE_G15 code (or 99, role professions), optionally a TRE_R01 code, and the
class codes of JDV_J57 it may read, separated by blanks. `*` stands for every profession without a row. The cells of the
decree were not readable: the packaged file opens the eleven classes to doctors, none to 99, and, UNCERTAIN, all eleven
to everyone else. A site that holds the true table loads it with `SimConfig.matrix_file`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from connector.simulator.model import Coded

ANY = "*"
_HEADER = ["profession", "savoir-faire", "classCodes"]
# TRE_G15, and TRE_R291 whose only code is 99: codes of other nomenclatures could collide with theirs.
_PROFESSIONS = frozenset({"1.2.250.1.71.1.2.7", "1.2.250.1.213.1.6.1.140"})
_SPECIALITIES = frozenset({"1.2.250.1.71.4.2.5"})


@dataclass(frozen=True, slots=True)
class Matrix:
    """`rows[profession, savoir-faire]` gives the classes; savoir-faire is "" for every one of a profession."""

    rows: Mapping[tuple[str, str], frozenset[str]]

    def classes(self, roles: Sequence[Coded]) -> frozenset[str]:
        """The classCodes open to a caller by the roles of the VIHF: the most precise row decides, none opens none."""
        profession = next((role.code for role in roles if role.system in _PROFESSIONS), ANY)
        speciality = next((role.code for role in roles if role.system in _SPECIALITIES), "")
        for row in ((profession, speciality), (profession, ""), (ANY, "")):
            if row in self.rows:
                return self.rows[row]
        return frozenset()


def load_matrix(path: Path | None = None) -> Matrix:
    """The matrix of a CSV file, or the packaged one. Raises ValueError when it is not one."""
    if path is None:
        packaged = files("connector.simulator").joinpath("data/matrix.csv")
        return read_matrix(packaged.read_text(encoding="utf-8").splitlines())
    return read_matrix(path.read_text(encoding="utf-8-sig").splitlines())


def read_matrix(lines: Iterable[str]) -> Matrix:
    """The matrix of CSV lines, header first. Raises ValueError on another header, a short or a doubled row."""
    table = [row for row in csv.reader(lines) if row]
    if not table or [cell.strip() for cell in table[0]] != _HEADER:
        raise ValueError(f"the first line of a matrix is {','.join(_HEADER)}")
    rows: dict[tuple[str, str], frozenset[str]] = {}
    for number, row in enumerate(table[1:], start=2):
        if len(row) != len(_HEADER) or not row[0].strip():
            raise ValueError(f"line {number} of the matrix: three cells, the first one a profession")
        key = (row[0].strip(), row[1].strip())
        if key in rows:
            raise ValueError(f"line {number} of the matrix: {' '.join(key)} is already there")
        rows[key] = frozenset(row[2].split())
    return Matrix(rows)
