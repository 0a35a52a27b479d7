"""Where a list comes from: the site's folder when it has a newer one, else the one shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from connector.base.errors import CodecError, ConnectorError, SettingsError
from connector.codes.listfile import ListFile, order, parse

SHIPPED_READ: Final = "2026-11-21"
"""The day the shipped lists were last compared with what the agency publishes."""

NO_LISTS: Final[Mapping[str, ListFile]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The lists of one site folder, by name; a new one at each `use_folder`, so that caches tell them apart."""

    lists: Mapping[str, ListFile]

    def find(self, name: str) -> tuple[ListFile, Literal["shipped", "site"]]:
        """The list in use and its origin. Raises ConnectorError (`name`) for an unknown name."""
        ours = shipped_list(name)
        theirs = self.lists.get(name)
        # A connector brought up to date may ship what is newer than the site's: the newer one counts.
        if theirs is None or (not theirs.forced and order(theirs, ours) == -1):
            return ours, "shipped"
        return theirs, "site"


class _InUse:
    """The process's choice, replaced as a whole: readers see the former folder or the new one, never a mixture."""

    origin: Origin = Origin(NO_LISTS)


def in_use() -> Origin:
    """The origin every `load` reads from now on."""
    return _InUse.origin


def use_folder(folder: Path | None) -> None:
    """Reads the site's lists at once; None goes back to the shipped ones.

    Raises SettingsError (`codes.folder`) when the folder or a file of it cannot be read, or is of no list known here.
    """
    _InUse.origin = Origin(NO_LISTS) if folder is None else Origin(read_folder(folder))


def read_folder(folder: Path) -> Mapping[str, ListFile]:
    """The lists of a site folder (`NAME.json`), by name. Raises SettingsError."""
    if not folder.is_dir():
        raise _wrong(str(folder), "an existing folder")
    found: dict[str, ListFile] = {}
    for path in sorted(folder.glob("*.json")):
        if path.stem not in shipped():
            raise _wrong(path.name, "files written by `connector codes load`")
        try:
            item = parse(path.read_text(encoding="utf-8"), path.name)
        except (OSError, UnicodeDecodeError, CodecError) as error:
            raise _wrong(path.name, "a readable code list") from error
        if item.kind != shipped_list(path.stem).kind:
            raise _wrong(path.name, f"a list of {shipped_list(path.stem).kind}")
        found[path.stem] = item
    return MappingProxyType(found)


@lru_cache
def shipped() -> tuple[str, ...]:
    """Names of every list in this installation, sorted."""
    folder = resources.files("connector.codes") / "data"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


@cache
def shipped_list(name: str) -> ListFile:
    """The list `name` as it came with the connector. Raises ConnectorError (`name`)."""
    # Checked against the list of files: a name is never used as a path.
    if name not in shipped():
        raise ConnectorError("unknown code list", name=name, known=shipped())
    return parse((resources.files("connector.codes") / "data" / f"{name}.json").read_text(encoding="utf-8"), name)


def _wrong(found: str, allowed: str) -> SettingsError:
    return SettingsError("codes.folder cannot be used", name="codes.folder", found=found, allowed=allowed)
