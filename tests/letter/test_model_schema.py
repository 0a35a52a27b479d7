"""The published schema is the model's, in French, and asks for nothing the connector fills."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connector.letter.schema import letter_schema, schema_text

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "letter.schema.json"


def test_the_published_schema_is_that_of_the_model() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_it_says_what_it_is() -> None:
    schema = letter_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {option["$ref"].rpartition("/")[2] for option in schema["oneOf"]} == {
        "DischargeLetter",
        "AdmissionLetter",
        "UnstructuredLetter",
    }


def test_every_field_is_explained_and_nothing_unknown_is_allowed() -> None:
    for name, group in _groups():
        assert group["additionalProperties"] is False, name
        for field, described in group["properties"].items():
            assert described.get("description"), f"{name}.{field}"


def test_what_the_connector_fills_is_not_asked_for() -> None:
    groups = dict(_groups())
    assert groups["DischargeLetter"]["required"] == [
        "kind",
        "reason",
        "mode_of_entry",
        "mode_of_exit",
        "medical_synthesis",
        "micro_organism_search",
        "transfusion",
        "blood_derivatives",
    ]
    assert groups["Patient"]["required"] == []
    assert groups["Patient"]["properties"]["birth_family"]["description"].endswith(
        "Rempli par le connecteur s'il est absent."
    )
    assert "x-completed" not in schema_text()


def test_short_lists_are_offered_with_their_labels() -> None:
    entry = dict(_groups())["EntryMode"]["properties"]["value"]
    assert entry["x-value-set"] == "JDV_ModaliteEntree_CISIS"
    assert entry["x-labels"]["8715000"] == "hospitalisation programmée"


def test_every_reference_leads_somewhere() -> None:
    schema = letter_schema()
    for reference in _references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]
    assert json.loads(schema_text()) == schema


def _groups() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in letter_schema()["$defs"].items():
        for part in definition.get("anyOf", [definition]):
            if "properties" in part:
                yield name, part


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
