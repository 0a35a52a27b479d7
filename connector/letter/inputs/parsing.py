"""JSON and YAML files to plain data, nothing guessed: a number keeps its digits, a date stays text."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import PurePath
from typing import Any, Final, NoReturn

from connector.letter.inputs.refusing import (
    DEPTH_LIMIT,
    VALUES_LIMIT,
    once_each,
    record,
    refusal,
    text_of,
    too_deep,
    too_many,
)
from connector.letter.inputs.yamlfile import from_yaml

_EASY: Final = 18
"""Digits that an int takes without cost; Python refuses thousands of them."""


def read_data(content: bytes, name: str) -> dict[str, Any]:
    """Plain data of a JSON or YAML file, told by the extension of `name`.

    Raises LetterError for another extension, an unreadable file, a key given twice, or a file that is not one record.
    """
    match PurePath(name).suffix.lower():
        case ".json":
            return from_json(content)
        case ".yaml" | ".yml":
            return from_yaml(content)
        case suffix:
            raise refusal("le type de fichier n'est pas reconnu", ".json, .yaml ou .yml", suffix or "sans extension")


def from_json(content: bytes) -> dict[str, Any]:
    """Plain data of a JSON object (UTF-8); decimals are kept as Decimal. Raises LetterError.

    A number beyond reason is a Decimal too, perhaps infinite, for the model to refuse with its path.
    """
    try:
        data = json.loads(
            text_of(content),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_no_constant,
            object_pairs_hook=once_each,
        )
    except json.JSONDecodeError as error:
        raise refusal(f"le JSON est illisible à la ligne {error.lineno}", "un objet JSON", "syntaxe") from None
    except RecursionError:
        raise too_deep() from None
    _check_bounds(data)
    return record(data)


def _check_bounds(data: object) -> None:
    """Refused before the model looks: it would tell a fault for each of a million values."""
    level, values = [data], 0
    for _ in range(DEPTH_LIMIT + 1):
        groups = [item for item in level if isinstance(item, dict | list)]
        level = [item for group in groups for item in (group.values() if isinstance(group, dict) else group)]
        values += len(level)
        if values > VALUES_LIMIT:
            raise too_many()
        if not groups:
            return
    raise too_deep()


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _EASY else Decimal(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent that even a Decimal does not hold.
        return Decimal("Infinity")


def _no_constant(name: str) -> NoReturn:
    raise refusal("un nombre n'a pas de valeur", "un nombre fini", name)
