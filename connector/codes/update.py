"""A newer list takes the place of the one in use: what it is, what it changes, and why it may not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from connector.codes.listfile import ListFile, order
from connector.codes.origins import Origin, shipped, shipped_list

_SHORT = re.compile(r"(JDV|TRE|ASS)[_-]([A-Z]\d+)(?=[_-]|$)", re.IGNORECASE)
LARGE_LOSS: Final = 0.5
"""A list that loses more than this share of its codes is more likely cut than revised."""


@dataclass(frozen=True, slots=True)
class Change:
    """One published list against the one in use; `refusals` say why it is not taken, in the order they were seen."""

    name: str
    former: ListFile | None
    new: ListFile
    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    relabelled: int = 0
    refusals: tuple[str, ...] = ()

    @property
    def unchanged(self) -> bool:
        """True when the list in use already says the same, under the same version or, without one, of the same day."""
        former = self.former
        if former is None or self.added or self.removed or self.relabelled:
            return False
        return former.version == self.new.version or order(self.new, former) == 0


def compare(new: ListFile, origin: Origin, *, force: bool = False) -> Change:
    """What taking `new` would change. `force` accepts an older version, an altered one and a large loss,
    never another identity."""
    name = name_of(new.id)
    if name is None:
        return Change("", None, new, refusals=("this connector uses no such list",))
    former, _ = origin.find(name)
    before, after = former.keys(), new.keys()
    change = Change(
        name,
        former,
        new,
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        relabelled=_relabelled(former, new),
    )
    doubts = () if force or change.unchanged else tuple(_doubts(change, former))
    return replace(change, refusals=(*_mistaken(former, new), *doubts))


def install(change: Change, folder: Path, *, today: date, forced: bool) -> Path:
    """Writes the list into the site's folder, all or nothing, and returns its file. Raises OSError."""
    path = folder / f"{change.name}.json"
    kept = replace(change.new, read=today.isoformat(), forced=forced)
    if change.former is not None and not kept.oid:
        kept = replace(kept, oid=change.former.oid)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(kept.dump().encode())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def name_of(identifier: str) -> str | None:
    """Short name of a list in use: by prefix and number of its id (`JDV_J66-TypeCode-DMP`), else by the whole id."""
    return _names().get(_key(identifier))


def _names() -> Mapping[str, str]:
    return {_key(shipped_list(name).id): name for name in shipped()}


def _key(identifier: str) -> str:
    short = _SHORT.match(identifier)
    return f"{short[1]}_{short[2]}".upper() if short else identifier


def _mistaken(former: ListFile, new: ListFile) -> list[str]:
    found = []
    if former.kind != new.kind:
        found.append(f"the file holds {new.kind}, the list in use {former.kind}")
    if former.oid and new.oid and former.oid != new.oid:
        found.append(f"its OID {new.oid} is not {former.oid}, that of {former.id}")
    return found


def _doubts(change: Change, former: ListFile) -> list[str]:
    found = []
    age = order(change.new, former)
    if age == -1:
        found.append(f"version {change.new.version or change.new.date} is older than {former.version or former.date}")
    elif age == 0:
        found.append(f"other content under the same version {former.version or former.date}")
    elif age is None and former.version:
        found.append(f"its version ({change.new.version or 'none'}) cannot be compared with {former.version}")
    if len(change.removed) > LARGE_LOSS * len(former.keys()):
        found.append(f"{len(change.removed)} of {len(former.keys())} codes would be lost")
    return found


def _relabelled(former: ListFile, new: ListFile) -> int:
    """How many rows kept their key and changed otherwise (label, target system)."""
    if former.kind != new.kind:
        return 0
    old, fresh = _told(former), _told(new)
    return sum(1 for key in old.keys() & fresh.keys() if old[key] != fresh[key])


def _told(item: ListFile) -> dict[tuple[str, str], str]:
    if item.kind == "concepts":
        return {(row["code"], row["system"]): row["display"] for row in item.rows}
    return {(row["from"], row["to"]): row["to_system"] for row in item.rows}
