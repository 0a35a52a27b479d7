"""The JSON schema (2020-12) of a letter's data, published in docs/letter.schema.json for hospital teams.

It describes what a file holds: what the connector completes (letter/inputs/completing.py) is not required there. Rules
between fields and codes of long lists are not in it; `letter_of` has the last word.
"""

from __future__ import annotations

import json
from typing import Any, Final

from connector.letter.model import LETTER

_COMPLETED: Final = "x-completed"
_ADDED: Final = "Rempli par le connecteur s'il est absent."


def letter_schema() -> dict[str, Any]:
    """The schema as data; a pure function of the model and of the code lists in use."""
    schema = LETTER.json_schema(mode="validation")
    _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dmp-connector:letter:1",
        "title": "Lettre de liaison",
        "description": "Une lettre de liaison (sortie ou entrée) ou un document de niveau 1, en données simples.",
        **schema,
    }


def schema_text() -> str:
    """The schema as published: JSON, two spaces, one final line feed."""
    return json.dumps(letter_schema(), ensure_ascii=False, indent=2) + "\n"


def _tidy(part: object) -> None:
    """At every depth: what the connector completes is not required, and what says nothing is left out."""
    if isinstance(part, list):
        for item in part:
            _tidy(item)
    if not isinstance(part, dict):
        return
    for item in part.values():
        _tidy(item)
    properties = part.get("properties")
    if isinstance(properties, dict):
        completed = {name for name, value in properties.items() if _tidy_property(value)}
        if "required" in part:
            part["required"] = [name for name in part["required"] if name not in completed]


def _tidy_property(value: dict[str, Any]) -> bool:
    """True when the connector completes the property; its description then says so."""
    # The generated title is the English name again.
    value.pop("title", None)
    if value.get("default", "") is None:
        del value["default"]
    completed = bool(value.pop(_COMPLETED, False))
    if completed:
        value["description"] = f"{value.get('description', '')} {_ADDED}".strip()
    return completed
