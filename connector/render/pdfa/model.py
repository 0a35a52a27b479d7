"""A PDF as the rules see it, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject


@dataclass(frozen=True, slots=True, repr=False)
class File:
    """`content` as received; `trailer`, `catalog` and every dictionary that is reached from them, each once.

    `streams` are those of them that are streams, their data not decoded.
    """

    content: bytes
    trailer: DictionaryObject
    catalog: DictionaryObject
    dictionaries: tuple[DictionaryObject, ...]

    @property
    def streams(self) -> Iterator[StreamObject]:
        return (one for one in self.dictionaries if isinstance(one, StreamObject))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `found` names keys, types and fonts, never what a document says."""

    found: str
    expected: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Its id, the clause of ISO 19005-1, what looks for it."""

    id: str
    clause: str
    look: Callable[[File], Iterable[Fault]]


def direct(value: Any) -> Any:
    """What a value is, a reference followed."""
    return value.get_object() if isinstance(value, IndirectObject) else value


def get(dictionary: Any, *path: str) -> Any:
    """The value at `path`, references followed; None when there is none or something is no dictionary."""
    value = direct(dictionary)
    for key in path:
        if not isinstance(value, DictionaryObject) or key not in value:
            return None
        value = direct(value.raw_get(key))
    return value


def items(value: Any) -> list[Any]:
    """The items of an array, the value alone when it is none, nothing for None."""
    value = direct(value)
    if value is None:
        return []
    return [direct(item) for item in value] if isinstance(value, ArrayObject) else [value]


def dictionaries(value: Any) -> list[DictionaryObject]:
    return [item for item in items(value) if isinstance(item, DictionaryObject)]
