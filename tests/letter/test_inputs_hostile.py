"""Files made to hurt: numbers without end, escapes that are no character, floods of values."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest

from connector.letter.errors import Fault, LetterError
from connector.letter.inputs import from_json, from_yaml
from connector.letter.inputs.refusing import DEPTH_LIMIT, VALUES_LIMIT
from connector.letter.plain import data_of, letter_of
from tests.letter.letters import discharge, faults

GOOD = json.dumps(data_of(letter_of(discharge())))


def whole(act: Any) -> Fault:
    with pytest.raises(LetterError) as refused:
        act()
    (only,) = refused.value.faults
    return only


@pytest.mark.parametrize(
    "number", ["1" * 5000, "1e99999999", "-1e99999999", "1e400", "1e999999999999999999999", "1.5", "-1e-99999999"]
)
def test_a_version_beyond_reason_is_refused_with_its_path(number: str) -> None:
    begun = perf_counter()
    found = faults(from_json(GOOD.replace('"version": 1', f'"version": {number}', 1).encode()))
    assert [(fault.path, fault.text) for fault in found] == [("version", "un nombre entier est attendu")]
    assert perf_counter() - begun < 5


@pytest.mark.parametrize("number", ["1" * 5000, "1e99999999", "1e999999999999999999999"])
def test_so_is_a_dose(number: str) -> None:
    data = from_json(f'{{"value": {number}}}'.encode())
    found = faults({**discharge(), "treatments_at_discharge": [{"text": "x", "dose": data}]})
    assert [fault.path for fault in found] == ["treatments_at_discharge[0].dose.value"]
    assert found[0].text == "le nombre n'est pas lisible"


def test_where_a_text_is_wanted_such_a_number_is_none() -> None:
    data = from_json(GOOD.replace('"version": 1', '"version": 1e0', 1).encode())
    assert faults(data) == ()
    for number in (b"1e99999999", b"1e999999999999999999999", b"1" * 5000):
        (found,) = faults({**data, "reason": from_json(b'{"n": ' + number + b"}")["n"]})
        assert (found.path, found.text, found.found) == ("reason", "un texte est attendu", "nombre")


def test_a_field_named_with_half_a_character_is_refused() -> None:
    found = faults(from_json(GOOD.replace('"version"', '"\\ud800"', 1).encode()))
    assert [fault.text for fault in found] == ["un nom ou un texte contient un caractère interdit"]


@pytest.mark.parametrize("escape", [rb"\UFFFFFFFF", rb"\U00110000", rb"\ud800", rb"\xZZ"])
def test_an_escape_that_is_no_character_is_refused(escape: bytes) -> None:
    found = whole(lambda: from_yaml(b'\na: "' + escape + b'"\n'))
    assert (found.path, found.text) == ("(fichier)", "le YAML est illisible à la ligne 2")


def test_a_flood_of_values_is_refused_early() -> None:
    begun = perf_counter()
    for content in (
        b"a:\n" + b"- x\n" * 5_000_000,
        b"{" + b",".join(b"k%d: 1" % number for number in range(VALUES_LIMIT + 1)) + b"}",
    ):
        assert whole(lambda content=content: from_yaml(content)).text == "le fichier contient trop de valeurs"
    flood = b'{"recipients": [' + b",".join([b'"x"'] * 3_000_000) + b"]}"
    assert whole(lambda: from_json(flood)).text == "le fichier contient trop de valeurs"
    # A quarter of a minute for each megabyte is what this took.
    assert perf_counter() - begun < 20
    assert len(from_yaml(b"a:\n" + b"- x\n" * (VALUES_LIMIT - 2))["a"]) == VALUES_LIMIT - 2


def test_a_long_text_is_no_flood() -> None:
    begun = perf_counter()
    content = b"body: >\n" + b"  QUJD\n" * 1_000_000
    assert len(from_yaml(content)["body"].split()) == 1_000_000
    assert perf_counter() - begun < 20


def test_how_deep_a_file_may_be() -> None:
    for reader in (from_json, from_yaml):
        right, deeper = ('{"a":' + "[" * deep + "]" * deep + "}" for deep in (DEPTH_LIMIT - 1, DEPTH_LIMIT))
        assert "a" in reader(right.encode())
        found = whole(lambda reader=reader, deeper=deeper: reader(deeper.encode()))
        assert found.text == "le fichier est trop imbriqué"
