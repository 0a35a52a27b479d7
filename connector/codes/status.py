"""Which lists are in use, and what a person should know of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connector.codes.listfile import ListFile, order
from connector.codes.origins import NO_LISTS, SHIPPED_READ, Origin, read_folder, shipped, shipped_list


@dataclass(frozen=True, slots=True)
class ListStatus:
    """One list in use. `read` is the day it was last compared with what is published, `date` that of its revision."""

    name: str
    id: str
    oid: str
    version: str
    date: str
    count: int
    origin: str
    read: str
    source: str
    note: str
    warnings: tuple[str, ...]


def list_statuses(folder: Path | None, max_age_days: int, today: date) -> tuple[ListStatus, ...]:
    """Every list by name; `max_age_days` 0 never warns of age. Raises SettingsError on an unusable folder."""
    origin = Origin(NO_LISTS if folder is None else read_folder(folder))
    return tuple(_status(name, origin, max_age_days, today) for name in shipped())


def _status(name: str, origin: Origin, max_age_days: int, today: date) -> ListStatus:
    item, where = origin.find(name)
    read = item.read or SHIPPED_READ
    return ListStatus(
        name,
        item.id,
        item.oid,
        item.version,
        item.date,
        len(item.rows),
        where,
        read,
        item.source,
        item.note,
        tuple(_warnings(name, item, origin, max_age_days, (today - date.fromisoformat(read)).days)),
    )


def _warnings(name: str, item: ListFile, origin: Origin, max_age_days: int, age: int) -> list[str]:
    found = []
    if 0 < max_age_days < age:
        found.append(f"not compared with the published list for {age} days")
    site = origin.lists.get(name)
    if site is not None and site is not item:
        found.append(f"the site's version {site.version} is older than the shipped one and not used")
    if item.forced and order(item, shipped_list(name)) == -1:
        found.append("an older version, chosen with --force")
    return found
