"""YAML to plain data, event by event: nothing is constructed, resolved or repeated, and a bound stops a flood early.

Time is linear in the size of the file with libyaml (a list of 4 MB: 0.6 s if it were read to its end); the bound on
values keeps what follows, and the parser in Python where libyaml is missing, short.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from connector.letter.errors import LetterError
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

_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_PLAIN: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp"))
_GROUPS: Final = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def from_yaml(content: bytes) -> dict[str, Any]:
    """Plain data of a YAML mapping (UTF-8): only true, false and null are more than text. Raises LetterError.

    Tags, aliases and several documents are refused.
    """
    return record(_Tree().read(text_of(content)))


class _Open:
    """A list, or a group of fields, being filled."""

    def __init__(self, *, group: bool) -> None:
        self.group = group
        self.items: list[Any] = []
        self.keys: list[str] = []

    @property
    def wants_key(self) -> bool:
        return self.group and len(self.keys) == len(self.items)

    def closed(self) -> Any:
        return once_each(list(zip(self.keys, self.items, strict=True))) if self.group else self.items


class _Tree:
    """The events of one document to data."""

    def __init__(self) -> None:
        self.open: list[_Open] = []
        self.whole: Any = None
        self.documents = 0
        self.values = 0

    def read(self, text: str) -> Any:
        for event in _events(text):
            match event:
                case yaml.DocumentStartEvent():
                    self.documents += 1
                    if self.documents > 1:
                        raise refusal("le fichier contient plusieurs documents YAML", "un seul", "plusieurs")
                case yaml.AliasEvent():
                    place = f"le YAML utilise une ancre à la ligne {_line(event)}"
                    raise refusal(place, "le texte répété en entier", "ancre")
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.CollectionStartEvent():
                    self._begin(event)
                case yaml.CollectionEndEvent():
                    self._add(self.open.pop().closed())
        return self.whole

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self.open and self.open[-1].wants_key:
            self.open[-1].keys.append(event.value)
            return
        if event.tag is not None and event.tag not in _PLAIN:
            raise _tagged(event)
        self._count()
        plain = event.implicit[0]
        self._add(_CONSTANTS.get(event.value, event.value) if plain else event.value)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        if self.open and self.open[-1].wants_key:
            raise refusal(f"une clé n'est pas un texte à la ligne {_line(event)}", "un nom de champ", "groupe")
        if event.tag is not None and event.tag not in _GROUPS:
            raise _tagged(event)
        if len(self.open) == DEPTH_LIMIT:
            raise too_deep()
        self._count()
        self.open.append(_Open(group=isinstance(event, yaml.MappingStartEvent)))

    def _add(self, value: Any) -> None:
        if self.open:
            self.open[-1].items.append(value)
        else:
            self.whole = value

    def _count(self) -> None:
        self.values += 1
        if self.values > VALUES_LIMIT:
            raise too_many()


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _unreadable(f" à la ligne {mark.line + 1}" if mark else "") from None
    # The parser in Python makes a character of any number an escape has (\UFFFFFFFF).
    except (yaml.YAMLError, ValueError, OverflowError):
        raise _unreadable("") from None
    except RecursionError:
        raise too_deep() from None


def _unreadable(where: str) -> LetterError:
    return refusal(f"le YAML est illisible{where}", "un document YAML", "syntaxe")


def _tagged(event: yaml.NodeEvent) -> LetterError:
    place = f"le YAML utilise une étiquette à la ligne {_line(event)}"
    return refusal(place, "du texte, des listes et des groupes", "étiquette")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
