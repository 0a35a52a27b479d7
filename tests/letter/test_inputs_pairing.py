"""A CSV whose cells are not what they seem: lists that do not pair, holes, another encoding, a point of thousands."""

from __future__ import annotations

import io
from typing import Any

import pytest

from connector.letter.inputs import Row, mapping_of, read_table
from tests.letter.letters import discharge, faults

DRUGS = {
    "M": {"path": "treatments_at_discharge[].name", "separator": "|"},
    "P": {"path": "treatments_at_discharge[].dosing", "separator": "|"},
}


def only(text: str | bytes, columns: dict[str, Any], **more: Any) -> Row:
    content = text if isinstance(text, bytes) else text.encode()
    (row,) = read_table(io.BytesIO(content), mapping_of({"columns": columns, **more}))
    return row


@pytest.mark.parametrize("cells", ["a|b;1", "a;1|2", "a||b;1|2", "a|b|c;1|2"])
def test_columns_of_one_list_have_as_many_values(cells: str) -> None:
    (found,) = only(f"M;P\n{cells}\n", DRUGS).faults
    assert found.path == "treatments_at_discharge"
    assert found.text.startswith("les colonnes de la liste n'ont pas le même nombre de valeurs (M : ")


@pytest.mark.parametrize(
    ("cells", "pairs"),
    [
        ("a|b;1|2", [("a", "1"), ("b", "2")]),
        ("a|b;|2", [("a", None), ("b", "2")]),
        ("a|b;1|", [("a", "1"), ("b", None)]),
        ("a|b;", [("a", None), ("b", None)]),
        ("a||c;1||3", [("a", "1"), ("c", "3")]),
    ],
)
def test_empty_values_keep_the_others_in_place(cells: str, pairs: list[tuple[str, str | None]]) -> None:
    row = only(f"M;P\n{cells}\n", DRUGS)
    assert row.faults == ()
    assert [(item["name"], item.get("dosing")) for item in row.data["treatments_at_discharge"]] == pairs


def test_two_lists_need_not_be_as_long() -> None:
    row = only("M;A\na|b;x\n", {"M": DRUGS["M"], "A": {"path": "allergies[].text", "separator": "|"}})
    assert row.faults == ()


def test_after_a_hole_a_fault_has_its_column_and_its_place() -> None:
    columns = {**DRUGS, "D": {"path": "treatments_at_discharge[].dose.value", "separator": "|"}}
    row = only("M;P;D\na||c;1||3;1||-5\n", columns)
    (found,) = faults({**discharge(), **row.data})
    assert found.path == "treatments_at_discharge[1].dose.value"
    assert row.told(found).text == "une quantité n'est pas négative (colonne D, valeur 3)"


def test_what_an_item_lacks_is_told_with_a_column_it_comes_from() -> None:
    row = only("M;P\na|;1|2\n", DRUGS)
    (found,) = faults({**discharge(), **row.data})
    assert found.path == "treatments_at_discharge[1].text"
    assert row.told(found).text == "le traitement n'est pas désigné (colonne P, valeur 2)"


def test_a_fixed_place_moves_too_when_those_before_it_are_empty() -> None:
    row = only("A;B\n;x\n", {"A": "authors[0].rpps", "B": "authors[1].rpps"})
    assert dict(row.columns) == {"authors[0].rpps": "B"}


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-15"])
@pytest.mark.parametrize("text", ["Fièvre", "œdème", "l’état", "À 10 °C"])
def test_utf8_announced_as_another_encoding_is_refused(encoding: str, text: str) -> None:
    columns = {"A": "reason"}
    try:
        text.encode().decode(encoding)
    except UnicodeDecodeError:
        pytest.skip("not even readable in that encoding")
    (found,) = only(f"A\n{text}\n", columns, encoding=encoding).faults
    assert (found.path, found.text) == ("(ligne)", f"les accents de la ligne sont en UTF-8, non en {encoding}")
    assert only(f"A\n{text}\n", columns).data == {"reason": text}


@pytest.mark.parametrize("text", ["Fièvre à 39", "ÉCHEC ; « À REVOIR »", "HOSPITALISÉ…", "Årsta", "SÃO"])
def test_a_true_text_of_windows_is_read(text: str) -> None:
    row = only(f'A\n"{text}"\n'.encode("cp1252"), {"A": "reason"}, encoding="cp1252")
    assert (row.faults, row.data) == ((), {"reason": text})


def test_a_byte_order_mark_tells_utf8() -> None:
    from connector.letter.errors import LetterError

    with pytest.raises(LetterError) as refused:
        only(b"\xef\xbb\xbfA\nx\n", {"A": "reason"}, encoding="cp1252")
    assert [fault.text for fault in refused.value.faults] == ["le fichier est en UTF-8, non en cp1252"]


@pytest.mark.parametrize(("cell", "right"), [("1.000", False), ("12.500.000", False), ("0.500", True), ("1.5", True)])
def test_a_point_before_three_digits_may_be_that_of_thousands(cell: str, right: bool) -> None:
    row = only(f"D\n{cell}\n", {"D": {"path": "treatments_at_discharge[].dose.value", "separator": "|"}})
    assert [fault.text for fault in row.faults] == (
        [] if right else ["le point peut être celui des milliers ou des décimales (colonne D, valeur 1)"]
    )
