"""A code list as a file: its identity and its rows, in the one JSON form kept on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connector.base.errors import CodecError

Kind = Literal["concepts", "pairs"]
Row = Mapping[str, str]

IDENTITY = ("id", "oid", "version", "date", "source", "note")
_REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "concepts": ("code", "system", "display"),
    "pairs": ("from", "to", "to_system"),
}


@dataclass(frozen=True, slots=True)
class ListFile:
    """One list: `kind` concepts (rows code, system, display…) or pairs (rows from, to, to_system).

    date    YYYY-MM-DD of the agency's revision, "" when unknown
    read    YYYY-MM-DD it was taken from the agency's file into a site folder, "" for a shipped list
    forced  True when a person chose it over a newer one
    """

    kind: Kind
    id: str
    oid: str
    version: str
    date: str
    source: str
    note: str
    rows: tuple[Row, ...]
    read: str = ""
    forced: bool = False

    def keys(self) -> frozenset[tuple[str, str]]:
        """What the list says, without labels: (code, system), or (from, target code)."""
        first, second = ("code", "system") if self.kind == "concepts" else ("from", "to")
        return frozenset((row[first], row[second]) for row in self.rows)

    def dump(self) -> str:
        """JSON text, one row a line: made to be read and compared by people."""
        head: dict[str, Any] = {name: getattr(self, name) for name in (*IDENTITY, "read", "forced")}
        lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}," for name, value in head.items()]
        rows = ",\n".join(f"    {json.dumps(dict(row), ensure_ascii=False)}" for row in self.rows)
        return "\n".join(["{", *lines, f'  "{self.kind}": [', rows, "  ]", "}", ""])


def parse(text: str, what: str) -> ListFile:
    """The list of a file in our own form, shipped or site. Raises CodecError (`field`, `found`, `expected`)."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise CodecError(f"{what}: not JSON", field=what, found="unreadable", expected="a code list") from error
    kind: Kind = "pairs" if isinstance(data, dict) and "pairs" in data else "concepts"
    if not isinstance(data, dict) or not isinstance(data.get(kind), list):
        raise CodecError(f"{what}: no code list", field=what, found="no rows", expected="concepts or pairs")
    rows = tuple(_row(row, kind, what, number) for number, row in enumerate(data[kind], 1))
    identity = {name: str(data.get(name) or "") for name in IDENTITY}
    return ListFile(kind, **identity, rows=rows, read=str(data.get("read") or ""), forced=data.get("forced") is True)


def _row(row: object, kind: Kind, what: str, number: int) -> Row:
    if isinstance(row, dict) and all(isinstance(row.get(name), str) for name in _REQUIRED[kind]):
        return {str(name): str(value) for name, value in row.items()}
    raise CodecError(
        f"{what}: row {number} is incomplete",
        field=f"{kind}[{number}]",
        found="a missing or empty column",
        expected=", ".join(_REQUIRED[kind]),
    )


def order(one: ListFile, other: ListFile) -> int | None:
    """-1, 0 or 1 as `one` is older than, as old as or newer than `other`; None when they cannot be compared."""
    for name in ("version", "date"):
        left, right = _rank(getattr(one, name)), _rank(getattr(other, name))
        if left and right:
            return (left > right) - (left < right)
    return None


def _rank(version: str) -> tuple[int, ...]:
    """`20240927120000`, `2024-09-27` or `5.0.0` as numbers; () for anything else."""
    parts = version.replace("-", ".").split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()
