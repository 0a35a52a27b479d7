"""Names in the watched folder: which are letters, which go together, which are too long to be answered."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Final

from connector.flows.letters.sources import DATA, kind_of

_UNFINISHED: Final = (".part", ".tmp", ".partial", ".crdownload", ".filepart")
_ROOM: Final = 24
"""Bytes a name needs beside its own: those of its answer (.motif.txt), of its header, of the number it may be given."""
_KEPT: Final = 60
"""Bytes of a name that is too long that are kept of it."""


def not_yet(name: str) -> bool:
    """A file whose writer says by its name that it is not finished, or that is nobody's letter."""
    return name.startswith((".", "~")) or name.lower().endswith(_UNFINISHED)


def is_header(name: str) -> bool:
    """`lettre.pdf.yaml`: the header of `lettre.pdf`; suffixes in any case."""
    path = PurePath(name)
    return path.suffix.lower() in DATA and kind_of(path.stem) == "enclosed"


def headers(names: Iterable[str]) -> dict[str, str]:
    """The header of each PDF, text or image that has one among `names`; JSON goes before YAML."""
    found = sorted(filter(is_header, names), key=lambda name: -DATA.index(PurePath(name).suffix.lower()))
    return {PurePath(name).stem: name for name in found}


def longest(folder: Path) -> int:
    """Bytes a name may have in this folder, so that its answer fits beside it."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX") - _ROOM
    except (OSError, ValueError):
        return 255 - _ROOM


def too_long(name: str, limit: int) -> bool:
    return len(os.fsencode(name)) > limit


def shortened(name: str) -> str:
    """The beginning of a name, what tells it from others, and its suffix."""
    path, whole = PurePath(name), os.fsencode(name)
    begin = whole[:_KEPT].decode("utf-8", "ignore")
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= 10 else ""
    return f"{begin}~{hashlib.sha256(whole).hexdigest()[:8]}{suffix}"


def free(target: Path, names: Iterable[str]) -> dict[str, str]:
    """Names that no file of `target` has, the same number added to all of them."""
    number, wanted = 0, {name: name for name in names}
    while any(os.path.lexists(target / name) for name in wanted.values()):
        number += 1
        wanted = {name: f"{number}.{name}" for name in wanted}
    return wanted
