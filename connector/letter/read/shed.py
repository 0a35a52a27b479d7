"""From what a document says to a letter: what the model refuses is set aside, unless the letter cannot do without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from connector.letter.errors import Fault, LetterError
from connector.letter.model import Letter
from connector.letter.plain import letter_of
from connector.letter.read.cursor import Kept
from connector.letter.read.values import Plain

_STEP: Final = re.compile(r"[A-Za-z_]+|\[[0-9]+\]")
_CLINICAL: Final = frozenset(
    {
        "allergies",
        "devices",
        "encounters",
        "medical_history",
        "procedures",
        "reactions",
        "requests",
        "surgical_history",
        "treatments_at_admission",
        "treatments_at_discharge",
        "treatments_stopped",
    }
)
"""Lists whose items are never dropped: a letter short of a treatment would mislead."""

_OPTIONAL: Final = frozenset({"act", "primary_physician", "replaces"})
"""Parts of a header that may be missing as a whole."""

Path = tuple[str | int, ...]


def accepted(data: Plain) -> tuple[Letter, tuple[Kept, ...]]:
    """The letter, and what had to be left out of it, with the path in the letter.

    Raises LetterError when a value that the letter needs is missing or unusable.
    """
    kept: list[Kept] = []
    first: LetterError | None = None
    while True:
        try:
            return letter_of(data), tuple(kept)
        except LetterError as refused:
            first = first or refused
            faults = refused.faults
        spared = {_whole_value(data, _path(fault.path)): fault for fault in faults}
        if not all(map(_may_go, spared)):
            # What the document itself has wrong is in the first refusal; the next ones lack what was taken out.
            raise first
        # Backwards: a place in a list stays right until it is its turn.
        kept += [_removed(data, path, spared[path]) for path in sorted(spared, key=_order, reverse=True)]


def _may_go(path: Path) -> bool:
    if len(path) < 2:
        return bool(path) and path[0] in _OPTIONAL
    return path[-2] not in _CLINICAL


def _order(path: Path) -> list[tuple[bool, int, str]]:
    return [(isinstance(step, int), step if isinstance(step, int) else 0, str(step)) for step in path]


def _removed(data: Plain, path: Path, fault: Fault) -> Kept:
    value = _at(data, path[:-1]).pop(path[-1])
    return Kept(_written(path), fault.text, " ".join(str(item) for item in _leaves(value)))


def _whole_value(data: Plain, path: Path) -> Path:
    """A quantity without its unit, or a code without its system, would say something else: they go as a whole.

    A part that lacks something goes as a whole too.
    """
    while path and _at(data, path) is None:
        path = path[:-1]
    while len(path) > 1 and isinstance(above := _at(data, path[:-1]), dict) and {"value", "code"} & set(above):
        if not isinstance(above.get("code", ""), str):
            break
        path = path[:-1]
    return path


def _path(text: str) -> Path:
    return tuple(int(step[1:-1]) if step[0] == "[" else step for step in _STEP.findall(text))


def _at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case _:
            yield value


def _written(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
