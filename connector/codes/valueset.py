"""Value sets and code systems as versioned data: one JSON file each, under `data/` or in the site's folder.

`system` is what the wire carries as codingScheme or codeSystem (an OID, or the literals ASTM and URN).
A list whose `note` says partial or derived must not be used to refuse an unknown code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from connector.base.errors import ConnectorError
from connector.codes.listfile import Kind, ListFile
from connector.codes.origins import Origin, in_use


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

    @property
    def described(self) -> str:
        """Identity, version and date in French, for findings."""
        return _described(self.id, self.version, self.date)

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

    @property
    def described(self) -> str:
        """Identity, version and date in French, for findings."""
        return _described(self.id, self.version, self.date)

    def get(self, code: str) -> Concept | None:
        return self.rows.get(code)


_COLUMNS = ("code", "system", "display")


def load(name: str) -> ValueSet:
    """The value set `name` ("J66", "0445", "MetaDMPMSS"…) in use, read once for each folder of the site.

    Raises ConnectorError (`name`) when no such list is shipped.
    """
    return _value_set(name, in_use())


def load_association(name: str) -> Association:
    """The correspondence `name` ("A11", "A12", "X04", "X16", "PV1-2") in use. Raises ConnectorError (`name`)."""
    return _association(name, in_use())


@lru_cache
def _value_set(name: str, origin: Origin) -> ValueSet:
    item = _find(name, "concepts", origin)
    concepts = tuple(
        Concept(
            row["code"],
            row["system"],
            row["display"],
            tuple((key, value) for key, value in row.items() if key not in _COLUMNS),
        )
        for row in item.rows
    )
    return ValueSet(item.id, item.oid, item.version, item.date, item.source, item.note, concepts)


@lru_cache
def _association(name: str, origin: Origin) -> Association:
    item = _find(name, "pairs", origin)
    rows = {row["from"]: Concept(row["to"], row["to_system"]) for row in item.rows}
    return Association(item.id, item.oid, item.version, item.date, item.source, item.note, rows)


def _find(name: str, kind: Kind, origin: Origin) -> ListFile:
    item, _ = origin.find(name)
    if item.kind != kind:
        raise ConnectorError("this code list is of another kind", name=name, expected=kind)
    return item


def _described(identifier: str, version: str, date: str) -> str:
    told = ", ".join(part for part in (f"version {version}" if version else "", f"du {date}" if date else "") if part)
    return f"{identifier} ({told})" if told else identifier
