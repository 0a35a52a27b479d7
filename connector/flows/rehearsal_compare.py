"""Two outputs of one message compared field by field: the path, what was kept, what is said today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

ABSENT: Final = "(absent)"


@dataclass(frozen=True, slots=True, repr=False)
class Difference:
    """One field. `path` is dotted, positions in brackets; a value that is not there is ABSENT."""

    path: str
    kept: Any
    today: Any

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def field(self) -> str:
        """The path without positions: the same field of every message."""
        return "".join(_without_positions(self.path))


def compare(kept: Any, today: Any) -> list[Difference]:
    """Differences in the order of the fields; [] when both say the same."""
    before, after = dict(_leaves("", kept)), dict(_leaves("", today))
    return [
        Difference(path, before.get(path, ABSENT), after.get(path, ABSENT))
        for path in dict.fromkeys((*before, *after))
        if path not in before or path not in after or not _same(before[path], after[path])
    ]


def _same(kept: Any, today: Any) -> bool:
    """As JSON sees them: true is not 1."""
    return type(kept) is type(today) and bool(kept == today)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value with its path; an empty list or table is a value."""
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, one)
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            yield from _leaves(f"{path}[{number}]", one)
    else:
        yield path, value


def _without_positions(path: str) -> Iterator[str]:
    inside = False
    for letter in path:
        inside = letter == "[" or (inside and letter != "]")
        if not inside and letter != "]":
            yield letter
