"""Value sets and code systems as versioned data: one JSON file each under `data/`.

`system` is what the wire carries as codingScheme or codeSystem (an OID, or the literals ASTM and URN).
A list whose `note` says partial or derived must not be used to refuse an unknown code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from connector.base.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Concept:
    """A code in its system, with its label; `extra` holds the columns proper to one table."""

    code: str
    system: str
    display: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> str:
        """Value of an extra column ("obx11", "cancel"…), "" when the concept has none."""
        return dict(self.extra).get(name, "")


@dataclass(frozen=True, slots=True)
class ValueSet:
    """An ordered list of concepts with its identity: `date` is YYYY-MM-DD or "", `source` where it was read."""

    id: str
    oid: str
    version: str
    date: str
    source: str
    note: str
    concepts: tuple[Concept, ...]
    _by_code: dict[str, tuple[Concept, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[str, tuple[Concept, ...]] = {}
        for concept in self.concepts:
            index[concept.code] = (*index.get(concept.code, ()), concept)
        object.__setattr__(self, "_by_code", index)

    def get(self, code: str, system: str | None = None) -> Concept | None:
        """The concept of `code`, in `system` when given; the first one when the code lives in several systems."""
        found = self._by_code.get(code, ())
        return next((concept for concept in found if system is None or concept.system == system), None)

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Concept]:
        return iter(self.concepts)

    def __len__(self) -> int:
        return len(self.concepts)


@dataclass(frozen=True, slots=True)
class Association:
    """A table of correspondence: `rows` gives the target concept of each source code, in the order of the source."""

    id: str
    oid: str
    version: str
    date: str
    source: str
    note: str
    rows: dict[str, Concept]

    def get(self, code: str) -> Concept | None:
        return self.rows.get(code)


_COLUMNS = ("code", "system", "display")


@lru_cache
def load(name: str) -> ValueSet:
    """The value set `name` ("J66", "0445", "MetaDMPMSS"…), read once per process.

    Raises ConnectorError (`name`) when no such list is shipped.
    """
    data = _read(name, "concepts")
    concepts = tuple(
        Concept(
            row["code"],
            row["system"],
            row["display"],
            tuple((key, value) for key, value in row.items() if key not in _COLUMNS),
        )
        for row in data["concepts"]
    )
    return ValueSet(**_identity(data), concepts=concepts)


@lru_cache
def load_association(name: str) -> Association:
    """The correspondence `name` ("A11", "A12", "X04", "X16", "PV1-2"). Raises ConnectorError (`name`)."""
    data = _read(name, "pairs")
    rows = {row["from"]: Concept(row["to"], row["to_system"]) for row in data["pairs"]}
    return Association(**_identity(data), rows=rows)


def shipped() -> tuple[str, ...]:
    """Names of every list in this installation, sorted."""
    folder = resources.files("connector.codes") / "data"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


def _identity(data: dict[str, Any]) -> dict[str, str]:
    return {key: data[key] for key in ("id", "oid", "version", "date", "source", "note")}


def _read(name: str, kind: str) -> dict[str, Any]:
    # Checked against the list of files: a name is never used as a path.
    if name not in shipped():
        raise ConnectorError("unknown code list", name=name, known=shipped())
    text = (resources.files("connector.codes") / "data" / f"{name}.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    if kind not in data:
        raise ConnectorError("this code list is of another kind", name=name, expected=kind)
    return data
