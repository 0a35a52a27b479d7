"""JSON and YAML files to plain data, nothing guessed: a number keeps its digits, a date stays text."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final, NoReturn

import yaml

from connector.letter.errors import LetterError, fault

SIZE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one file, the PDF in base64 included."""

DEPTH_LIMIT: Final = 30
WHERE: Final = "(fichier)"


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
            raise _refusal("le type de fichier n'est pas reconnu", ".json, .yaml ou .yml", suffix or "sans extension")


def from_json(content: bytes) -> dict[str, Any]:
    """Plain data of a JSON object (UTF-8); decimals are kept as Decimal. Raises LetterError."""
    try:
        data = json.loads(
            _text(content), parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once_each
        )
    except json.JSONDecodeError as error:
        raise _refusal(f"le JSON est illisible à la ligne {error.lineno}", "un objet JSON", "syntaxe") from None
    except RecursionError:
        raise _refusal("le fichier est trop imbriqué", f"{DEPTH_LIMIT} niveaux au plus", "davantage") from None
    return _record(data)


def from_yaml(content: bytes) -> dict[str, Any]:
    """Plain data of a YAML mapping (UTF-8): only true, false and null are more than text. Raises LetterError.

    Tags, anchors and several documents are refused.
    """
    try:
        # Nodes only: no constructor is ever called, so no Python object can be made.
        node = yaml.compose(_text(content), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _refusal(
            f"le YAML est illisible à la ligne {mark.line + 1 if mark else 1}", "un document YAML", "syntaxe"
        ) from None
    except yaml.YAMLError:
        raise _refusal("le YAML est illisible", "un document YAML", "syntaxe") from None
    except RecursionError:
        raise _refusal("le fichier est trop imbriqué", f"{DEPTH_LIMIT} niveaux au plus", "davantage") from None
    return _record(None if node is None else _Tree().value(node, DEPTH_LIMIT))


_CONSTANTS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_PLAIN: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp"))
_GROUPS: Final = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class _Tree:
    """Nodes of one document to data. A node met twice is an alias, which can make a small file huge."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def value(self, node: yaml.Node, depth: int) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self.seen:
            raise _refusal(f"le YAML utilise une ancre à la ligne {line}", "le texte répété en entier", "ancre")
        if depth == 0:
            raise _refusal("le fichier est trop imbriqué", f"{DEPTH_LIMIT} niveaux au plus", "davantage")
        self.seen.add(id(node))
        match node:
            case yaml.ScalarNode() if node.tag in _PLAIN:
                return _CONSTANTS.get(node.value, node.value) if node.style is None else node.value
            case yaml.SequenceNode() if node.tag in _GROUPS:
                return [self.value(item, depth - 1) for item in node.value]
            case yaml.MappingNode() if node.tag in _GROUPS:
                return _once_each([(self._key(key), self.value(item, depth - 1)) for key, item in node.value])
        raise _refusal(
            f"le YAML utilise une étiquette à la ligne {line}", "du texte, des listes et des groupes", "étiquette"
        )

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _refusal(
                f"une clé n'est pas un texte à la ligne {node.start_mark.line + 1}", "un nom de champ", "groupe"
            )
        return str(node.value)


def _text(content: bytes) -> str:
    if len(content) > SIZE_LIMIT:
        raise _refusal("le fichier est trop grand", f"{SIZE_LIMIT} octets au plus", f"{len(content)} octets")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal("le fichier n'est pas en UTF-8", "un texte en UTF-8", "autre codage") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise _refusal("un champ est donné deux fois dans le même groupe", "chaque champ une fois", "doublon")
        data[key] = value
    return data


def _no_constant(name: str) -> NoReturn:
    raise _refusal("un nombre n'a pas de valeur", "un nombre fini", name)


def _record(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _refusal("le fichier ne décrit pas une lettre", "un groupe de champs", "liste ou texte")
    return data


def _refusal(text: str, expected: str, found: str) -> LetterError:
    return LetterError([fault(WHERE, text, expected, found)])
