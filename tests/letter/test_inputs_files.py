"""JSON, YAML, and a file with its header."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.letter.errors import LetterError
from connector.letter.inputs import enclose, from_json, from_yaml, read_data
from connector.letter.inputs.refusing import DEPTH_LIMIT
from connector.letter.model import Letter, UnstructuredLetter
from connector.letter.plain import data_of, letter_of
from tests.letter.letters import PDF, SAMPLES, discharge, unstructured
from tests.letter.strategies import letters


def refusal(act: Any) -> str:
    with pytest.raises(LetterError) as refused:
        act()
    (only,) = refused.value.faults
    return only.text


def test_json_keeps_the_digits_of_numbers() -> None:
    assert from_json(b'{"dose": 0.50, "version": 2}') == {"dose": Decimal("0.50"), "version": 2}
    assert from_json('\ufeff{"a": "é"}'.encode()) == {"a": "é"}


def test_yaml_keeps_text_as_text() -> None:
    told = b"rpps: 01234564895\ndate: 2024-03-10\nno: no\nyes: true\nnothing: ~\nempty:\nquoted: 'true'\nn: 0.50\n"
    assert from_yaml(told) == {
        "rpps": "01234564895",
        "date": "2024-03-10",
        "no": "no",
        "yes": True,
        "nothing": None,
        "empty": None,
        "quoted": "true",
        "n": "0.50",
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "le JSON est illisible à la ligne 1"),
        (b'{"a": 1,\n "a": 2}', "un champ est donné deux fois dans le même groupe"),
        (b'{"a": NaN}', "un nombre n'a pas de valeur"),
        (b"[]", "le fichier ne décrit pas une lettre"),
        (b'"\xe9"', "le fichier n'est pas en UTF-8"),
        (b"[" * 100_000, "le fichier est trop imbriqué"),
    ],
)
def test_json_that_is_no_letter(content: bytes, text: str) -> None:
    assert refusal(lambda: from_json(content)) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a: [\n", "le YAML est illisible à la ligne 2"),
        (b"a: \x01", "le YAML est illisible"),
        (b"a: 1\na: 2", "un champ est donné deux fois dans le même groupe"),
        (b"a: &x 1\nb: *x", "le YAML utilise une ancre à la ligne 2"),
        (b"a: !!python/object/apply:os.system ['x']", "le YAML utilise une étiquette à la ligne 1"),
        (b"a: !!binary aGk=", "le YAML utilise une étiquette à la ligne 1"),
        (b"? [a]\n: 1", "une clé n'est pas un texte à la ligne 1"),
        (b"a: 1\n---\nb: 2", "le fichier contient plusieurs documents YAML"),
        (b"- a", "le fichier ne décrit pas une lettre"),
        (b"", "le fichier ne décrit pas une lettre"),
        (b"a: " + b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1), "le fichier est trop imbriqué"),
        (b"a: " + b"[" * 5000, "le fichier est trop imbriqué"),
    ],
)
def test_yaml_that_is_no_letter(content: bytes, text: str) -> None:
    assert refusal(lambda: from_yaml(content)) == text


def test_a_file_is_known_by_its_extension() -> None:
    assert read_data(b"a: b", "X.YML") == {"a": "b"}
    assert refusal(lambda: read_data(b"", "lettre.xml")) == "le type de fichier n'est pas reconnu"


@given(st.binary() | st.text().map(str.encode))
def test_garbage_is_refused_and_never_crashes(content: bytes) -> None:
    for reader in (from_json, from_yaml):
        try:
            data = reader(content)
        except LetterError:
            continue
        assert isinstance(data, dict)


@given(st.dictionaries(st.text(min_size=1), st.none() | st.booleans() | st.text(), min_size=1))
def test_what_json_holds_is_read(data: dict[str, Any]) -> None:
    assert from_json(json.dumps(data).encode()) == data


def test_the_same_letter_in_both_forms() -> None:
    letter = letter_of(discharge())
    assert letter_of(from_json(json.dumps(data_of(letter)).encode())) == letter
    # JSON is YAML too.
    assert letter_of(from_yaml(json.dumps(data_of(letter)).encode())) == letter


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(letters())
def test_any_letter_comes_back_from_json_and_from_yaml(letter: Letter) -> None:
    data = data_of(letter)
    assert letter_of(from_json(json.dumps(data).encode())) == letter
    assert letter_of(from_yaml(yaml.safe_dump(data, allow_unicode=True).encode())) == letter


# --- a file and its header


def header() -> dict[str, Any]:
    return {name: value for name, value in unstructured().items() if name not in ("body", "kind")}


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("lettre.PDF", PDF, "application/pdf"),
        ("lettre.rtf", b"{\\rtf1 a}", "text/rtf"),
        ("lettre.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("lettre.tif", b"II*\x00", "image/tiff"),
        ("lettre.txt", "été".encode(), "text/plain"),
    ],
)
def test_each_type_of_file(name: str, content: bytes, media_type: str) -> None:
    letter = letter_of(enclose(content, name, header()))
    assert isinstance(letter, UnstructuredLetter)
    assert (letter.body.media_type, letter.body.content) == (media_type, content)


def test_a_text_of_windows_is_rewritten_in_utf8() -> None:
    body = enclose("été".encode("cp1252"), "a.txt", header())["body"]
    assert base64.b64decode(body["content"]).decode("utf-8") == "été"
    undefined = enclose(b"\x81", "a.txt", header())
    with pytest.raises(LetterError) as refused:
        letter_of(undefined)
    assert [(f.path, f.text) for f in refused.value.faults] == [("body.content", "le texte n'est pas en UTF-8")]


@pytest.mark.parametrize(
    ("name", "more", "path", "text"),
    [
        ("lettre.doc", {}, "body", "le type de fichier n'est pas accepté"),
        ("lettre.pdf", {"body": {}}, "body", "l'en-tête contient déjà un corps"),
        ("lettre.pdf", {"kind": "discharge"}, "kind", "un fichier et son en-tête font une lettre de niveau 1"),
    ],
)
def test_what_cannot_be_enclosed(name: str, more: dict[str, Any], path: str, text: str) -> None:
    with pytest.raises(LetterError) as refused:
        enclose(PDF, name, {**header(), **more})
    assert [(fault.path, fault.text) for fault in refused.value.faults] == [(path, text)]


def test_the_samples_hold_only_test_identities() -> None:
    for path in SAMPLES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "PAT-TROIS" in text or path.suffix == ".toml"
        assert "1.2.250.1.213.1.4.8" not in text
