"""Paths of a letter's fields, as mappings write them: `stay.admission`, `authors[0].rpps`, `allergies[].text`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_STEP: Final = re.compile(r"([a-z_][a-z0-9_]*)(\[([0-9]{0,2})\])?")
EACH: Final = -1


@dataclass(frozen=True, slots=True)
class Step:
    """A field; `index` None for a plain field, a place from 0, or EACH for `[]`."""

    name: str
    index: int | None = None


def parse_path(text: str) -> tuple[Step, ...] | None:
    """The steps of a path, None when it is not one; at most one `[]`."""
    steps = []
    for part in text.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            return None
        index = None if match[2] is None else EACH if match[3] == "" else int(match[3])
        steps.append(Step(match[1], index))
    return tuple(steps) if sum(step.index == EACH for step in steps) <= 1 else None


def put(data: dict[str, Any], steps: tuple[Step, ...], value: Any, each: int = 0) -> bool:
    """Sets the value at a path, making groups and lists on the way; `each` is the place `[]` stands for.

    False when something else stands in the way. Lists are sparse dicts until `settled`.
    """
    target: Any = data
    for step in steps[:-1]:
        target = _descend(target, step, each)
        if target is None:
            return False
    last = steps[-1]
    if last.index is not None:
        target = target.setdefault(last.name, Sparse())
        key: Any = each if last.index == EACH else last.index
    else:
        key = last.name
    if not isinstance(target, dict) or key in target:
        return False
    target[key] = value
    return True


class Sparse(dict[int, Any]):
    """A list being filled, by place."""


def path_of(data: Mapping[str, Any], steps: tuple[Step, ...], each: int = 0) -> str:
    """The path of a value that was put, as it will be once holes are closed."""
    names, target = [], data
    for step in steps:
        target = target[step.name]
        if step.index is None:
            names.append(step.name)
            continue
        place = each if step.index == EACH else step.index
        names.append(f"{step.name}[{sorted(target).index(place)}]")
        target = target[place]
    return ".".join(names)


def settled(value: Any) -> Any:
    """The same data with each Sparse as a list, in the order of its places, holes closed."""
    if isinstance(value, Sparse):
        return [settled(value[place]) for place in sorted(value)]
    if isinstance(value, Mapping):
        return {name: settled(item) for name, item in value.items()}
    return value


def _descend(target: Any, step: Step, each: int) -> Any:
    if not isinstance(target, dict):
        return None
    if step.index is None:
        return target.setdefault(step.name, {})
    places = target.setdefault(step.name, Sparse())
    if not isinstance(places, Sparse):
        return None
    return places.setdefault(each if step.index == EACH else step.index, {})
