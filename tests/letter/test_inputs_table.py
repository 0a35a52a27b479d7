"""A CSV and its mapping."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest

from connector.letter.errors import LetterError
from connector.letter.inputs import Facts, Row, complete, mapping_of, read_mapping, read_table
from connector.letter.inputs.paths import Step, parse_path
from connector.letter.model import DischargeLetter
from connector.letter.plain import letter_of
from tests.letter.letters import SAMPLES

FACTS = Facts(id="2.25.1", set_id="2.25.2", time=datetime.fromisoformat("2024-04-03T18:30:00+02:00"))


def rows(text: str, **mapping: Any) -> list[Row]:
    return list(read_table(io.BytesIO(text.encode()), mapping_of(mapping)))


def told(text: str, **mapping: Any) -> list[tuple[str, str]]:
    return [(fault.path, fault.text) for row in rows(text, **mapping) for fault in row.faults]


def refusals(act: Any) -> list[tuple[str, str]]:
    with pytest.raises(LetterError) as refused:
        act()
    return [(fault.path, fault.text) for fault in refused.value.faults]


def test_the_sample_gives_two_letters() -> None:
    mapping = read_mapping((SAMPLES / "mapping.toml").read_bytes(), "mapping.toml")
    with (SAMPLES / "letters.csv").open("rb") as file:
        found = list(read_table(file, mapping))
    assert [row.number for row in found] == [2, 3]
    assert [row.faults for row in found] == [(), ()]
    first, second = (letter_of(complete(row.data, FACTS)) for row in found)
    assert isinstance(first, DischargeLetter)
    assert isinstance(second, DischargeLetter)
    assert (first.stay.admission, second.stay.admission) == ("2024-03-06T11:17:00+01:00", "2024-04-02T08:30:00+02:00")
    assert first.medical_synthesis.text == "Pneumopathie de la base droite.\nÉvolution favorable."
    assert [(t.name, t.dosing) for t in first.treatments_at_discharge] == [
        ("AMOXICILLINE 1 g", "1 matin, midi et soir"),
        ("DOLIPRANE 1000 mg", "1 si fièvre"),
    ]
    assert second.no_treatment_at_discharge is not None
    assert second.no_treatment_at_discharge.code.code == "no-known-medications"
    assert first.patient.birth_date == "1979-03-28"


def test_a_mapping_in_yaml_is_the_same() -> None:
    content = b"columns:\n  A: reason\n  B: {path: 'treatments_at_discharge[].name', separator: '|'}\n"
    assert read_mapping(content, "m.yaml") == mapping_of(
        {"columns": {"A": "reason", "B": {"path": "treatments_at_discharge[].name", "separator": "|"}}}
    )


def test_lists_by_place_and_holes() -> None:
    mapping = {
        "M": {"path": "treatments_at_discharge[].name", "separator": "|"},
        "D": {"path": "treatments_at_discharge[].dose.value", "separator": "|"},
        "B": "authors[1].family",
        "A": "authors[0].family",
    }
    (row,) = rows("M;D;B;A\nx|y|z;1||3;B;A\n", columns=mapping)
    assert row.data["treatments_at_discharge"] == [
        {"name": "x", "dose": {"value": "1"}},
        {"name": "y"},
        {"name": "z", "dose": {"value": "3"}},
    ]
    assert row.data["authors"] == [{"family": "A"}, {"family": "B"}]
    (row,) = rows("M;D;B;A\n;;B;\n", columns=mapping)
    assert row.data == {"authors": [{"family": "B"}]}


class Endless(io.RawIOBase):
    """A CSV that never ends, and how much of it was read."""

    def __init__(self) -> None:
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        opening = b"" if self.taken else b"A\n"
        wanted = opening + b"x\n" * ((len(buffer) - len(opening)) // 2)
        buffer[: len(wanted)] = wanted
        self.taken += len(wanted)
        return len(wanted)


def test_a_table_is_read_row_by_row() -> None:
    source = Endless()
    lines = read_table(io.BufferedReader(source), mapping_of({"columns": {"A": "reason"}}))
    for number in range(50_000):
        assert next(lines).number == number + 2
    assert source.taken < 200_000
    del lines


def test_empty_rows_are_passed_over_and_keep_the_count() -> None:
    assert [row.number for row in rows("A\nx\n;\n\ny\n", columns={"A": "reason"})] == [2, 5]


@pytest.mark.parametrize("row", ["x", "x;", "x;;", "x;;; ;"])
def test_empty_cells_at_the_end_of_a_row_are_none(row: str) -> None:
    (found,) = rows(f"A;B;C\n{row}\n", columns={"A": "reason", "B": "title"})
    assert (found.data, found.faults) == ({"reason": "x"}, ())


def test_a_column_goes_before_a_constant() -> None:
    mapping = {"constants": {"reason": "constante", "kind": "discharge"}, "columns": {"A": "reason", "B": "title"}}
    first, second = rows("A;B\ncellule;t\n;t\n", **mapping)
    assert (first.data["reason"], second.data["reason"]) == ("cellule", "constante")


def test_a_fault_of_the_model_names_its_column() -> None:
    mapping = mapping_of(
        {"constants": {"kind": "discharge"}, "columns": {"SEXE": "patient.sex", "MODE": "mode_of_exit"}}
    )
    (row,) = read_table(io.BytesIO(b"SEXE;MODE\nX;9\n"), mapping)
    with pytest.raises(LetterError) as refused:
        letter_of(row.data)
    texts = {fault.path: row.told(fault).text for fault in refused.value.faults}
    assert texts["patient.sex"].endswith("(colonne SEXE)")
    assert texts["mode_of_exit.value.code"].endswith("(colonne MODE)")
    assert texts["reason"] == "le champ manque"


DATE = {"path": "stay.admission", "date": "%d/%m/%Y %H:%M", "zone": "Europe/Paris"}


@pytest.mark.parametrize(
    ("text", "mapping", "faults"),
    [
        ("A;B\nx;y;;z\n", {"A": "reason"}, [("(ligne)", "la ligne a plus de cellules que l'en-tête")]),
        ("A\nx\n", {"A": DATE}, [("stay.admission", "la date n'est pas de la forme annoncée (colonne A)")]),
        (
            "A\n27/10/2024 02:30\n",
            {"A": DATE},
            [("stay.admission", "l'heure tombe dans un changement d'heure (colonne A)")],
        ),
        (
            "A\n31/03/2024 02:30\n",
            {"A": DATE},
            [("stay.admission", "l'heure tombe dans un changement d'heure (colonne A)")],
        ),
        ("A;B\nx;y\n", {"A": "reason", "B": "reason"}, [("reason", "le champ est rempli deux fois (colonne B)")]),
        ("A;B\nx;y\n", {"A": "stay", "B": "stay.unit"}, [("stay.unit", "le champ est rempli deux fois (colonne B)")]),
    ],
)
def test_cells_that_cannot_be_taken(text: str, mapping: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert told(text, columns=mapping) == faults


def test_a_code_out_of_the_table() -> None:
    mapping = {"columns": {"A": {"path": "mode_of_exit", "codes": "t"}}, "codes": {"t": {"8": "160849004"}}}
    assert told("A\n9\n", **mapping) == [("mode_of_exit", "la valeur n'est pas dans la table de codes (colonne A)")]
    assert rows("A\n8\n", **mapping)[0].data == {"mode_of_exit": "160849004"}


def test_a_time_without_zone_is_left_to_the_model() -> None:
    mapping = {"A": {"path": "stay.admission", "date": "%d/%m/%Y %H:%M"}}
    (row,) = rows("A\n27/10/2024 02:30\n", columns=mapping)
    assert row.data == {"stay": {"admission": "2024-10-27T02:30:00"}}


def test_other_encodings_and_delimiters() -> None:
    mapping = mapping_of({"encoding": "cp1252", "delimiter": ",", "columns": {"É": "reason"}})
    (row,) = read_table(io.BytesIO("É,B\nœ,x\n".encode("cp1252")), mapping)
    assert row.data == {"reason": "œ"}


def test_files_that_cannot_be_read() -> None:
    columns = {"A": "reason"}
    assert refusals(lambda: rows("B\n", columns=columns)) == [("colonne A", "la colonne manque")]
    assert refusals(lambda: rows("A;A\n", columns=columns)) == [("colonne A", "la colonne figure deux fois")]
    assert refusals(lambda: rows('A\n"x"y\n', columns=columns)) == [("(en-tête)", "le CSV est illisible à la ligne 2")]
    latin = io.BytesIO(b"A\n\xe9\n")
    assert refusals(lambda: list(read_table(latin, mapping_of({"columns": columns})))) == [
        ("(en-tête)", "le fichier n'est pas en utf-8")
    ]


@pytest.mark.parametrize(
    ("mapping", "path", "text"),
    [
        ({}, "correspondance.columns", "le champ manque"),
        ({"columns": {}}, "correspondance.columns", "la liste est trop courte"),
        ({"columns": {"A": "Stay"}}, "correspondance.columns.A.path", "le chemin n'est pas lisible"),
        ({"columns": {"A": "a[].b[]"}}, "correspondance.columns.A.path", "le chemin n'est pas lisible"),
        ({"columns": {"A": "a[]"}}, "correspondance.columns.A", "separator et [] vont ensemble"),
        (
            {"columns": {"A": {"path": "a", "separator": "|"}}},
            "correspondance.columns.A",
            "separator et [] vont ensemble",
        ),
        ({"columns": {"A": {"path": "a", "codes": "t"}}}, "correspondance.columns.A", "la table de codes n'existe pas"),
        (
            {"columns": {"A": {"path": "a", "zone": "Europe/Paris"}}},
            "correspondance.columns.A",
            "zone va avec date",
        ),
        (
            {"columns": {"A": {"path": "a", "date": "%Y", "zone": "Mars/Nord"}}},
            "correspondance.columns.A.zone",
            "le fuseau horaire est inconnu",
        ),
        (
            {"constants": {"a": {}}, "columns": {"A": "a.b"}},
            "correspondance.columns.A",
            "une constante remplit déjà tout le groupe",
        ),
        ({"columns": {"A": "a"}, "autre": 1}, "correspondance.autre", "le champ n'existe pas dans le modèle"),
        (
            {"columns": {"A": "a"}, "encoding": "utf-16"},
            "correspondance.encoding",
            "la valeur n'est pas de celles qui sont permises",
        ),
        ({"columns": {"A": "a"}, "delimiter": ";;"}, "correspondance.delimiter", "le texte est trop long"),
    ],
)
def test_mappings_that_cannot_be_used(mapping: dict[str, Any], path: str, text: str) -> None:
    assert refusals(lambda: mapping_of(mapping)) == [(path, text)]


def test_a_mapping_that_is_no_toml() -> None:
    assert refusals(lambda: read_mapping(b"a = ", "m.toml")) == [("correspondance", "le TOML est illisible")]


def test_paths() -> None:
    assert parse_path("a.b_c[2].d[].e") == (Step("a"), Step("b_c", 2), Step("d", -1), Step("e"))
    for wrong in ("", "a..b", "a[x]", "A", "a[999]", "a.b[].c[]"):
        assert parse_path(wrong) is None
