"""The files of an export: only regular ones are opened, a folder is walked in the order of its names.

A named pipe, a device or a socket may keep whoever opens it for ever: none is ever read from.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from connector.flows.letters.sources import CDA, DATA
from connector.letter.model.body import EXTENSIONS

TABLE: Final = (".csv",)
_KNOWN: Final = (*DATA, *CDA, *TABLE, *EXTENSIONS)
_HEADER: Final = ".header"
_SETTING_FILES: Final = (".toml",)
_NAMED: Final = 20
"""Strange things named one by one; the others are counted."""

_WHY: Final = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
    errno.ENOENT: "il n'existe plus",
    errno.ELOOP: "son lien tourne en rond",
    errno.EIO: "erreur de lecture du disque",
    errno.ESTALE: "le partage réseau ne répond plus",
}


class Unreadable(Exception):
    """A source that cannot be read; `str()` is one French sentence."""


def unreadable(error: OSError) -> Unreadable:
    return Unreadable(f"la lecture est impossible ({reason_of(error)})")


@dataclass(slots=True)
class Ignored:
    """What a folder holds that is no letter: files counted by extension; `strange` names what is no regular file."""

    count: int = 0
    suffixes: set[str] = field(default_factory=set)
    strange: list[str] = field(default_factory=list)

    def add(self, path: Path, kind: str) -> None:
        """`kind` is what a thing is that is no regular file, "" for a file."""
        self.count += 1
        if not kind:
            self.suffixes.add(suffix_of(path))
        elif len(self.strange) < _NAMED:
            self.strange.append(f"{said(path)} ({kind})")


def open_regular(path: Path) -> BinaryIO:
    """The file, open for reading; never waits for a writer. Raises Unreadable."""
    try:
        kind = _kind(path.stat().st_mode)
        if kind:
            raise Unreadable(f"ce n'est pas un fichier ordinaire ({kind})")
        # O_NONBLOCK: what took its place meanwhile keeps nobody waiting either
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise unreadable(error) from None


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Its bytes. Raises Unreadable, also for more than `max_bytes`."""
    try:
        with open_regular(path) as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise unreadable(error) from None
    if len(content) > max_bytes:
        raise Unreadable(f"le fichier dépasse {max_bytes} octets")
    return content


def walk(folder: Path, out: Path, ignored: Ignored) -> Iterator[Path]:
    """One folder's names in memory at a time; hidden ones and the output folder are passed over.

    What bears a letter's extension is given whatever it is, and so is a folder that cannot be listed: whoever opens
    them says why they cannot be read.
    """
    closed: list[Path] = []
    for where, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        yield from closed
        closed.clear()
        for name in folders:
            if os.path.islink(os.path.join(where, name)) and not name.startswith("."):
                ignored.add(Path(where, name), "lien vers un dossier")
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(where) / name).resolve() != out
        )
        names = set(files)
        for name in sorted(files):
            path = Path(where, name)
            if name.startswith(".") or is_header(path, names) or suffix_of(path) in _SETTING_FILES:
                continue
            if suffix_of(path) in _KNOWN:
                yield path
            else:
                ignored.add(path, _kind_at(path))
    yield from closed


def is_header(path: Path, beside: set[str] | None = None) -> bool:
    """True for a data file that is the header of a body: by its name, or because the body stands beside it.

    beside  names of its folder, when they are known
    """
    if suffix_of(path) not in DATA:
        return False
    if path.stem.lower().endswith(_HEADER):
        return True
    stems = (path.stem, *(path.stem + suffix for suffix in _either(EXTENSIONS)))
    bodies = (stem for stem in stems if Path(stem).suffix.lower() in EXTENSIONS)
    return any(stem in beside if beside is not None else path.with_name(stem).is_file() for stem in bodies)


def header_of(path: Path) -> Path | None:
    """The header of a body, the most telling name first."""
    for stem in (f"{path.stem}{_HEADER}", path.name, path.stem):
        for suffix in _either(DATA):
            if (header := path.with_name(stem + suffix)).is_file():
                return header
    return None


def suffix_of(path: Path) -> str:
    return path.suffix.lower()


def said(path: Path) -> str:
    """A path as people read it and a database keeps it: bytes that are no UTF-8, as old shares have, are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _either(suffixes: Iterable[str]) -> list[str]:
    """In small letters and in capitals."""
    return [one for suffix in suffixes for one in (suffix, suffix.upper())]


def _kind_at(path: Path) -> str:
    try:
        return _kind(path.stat().st_mode)
    except OSError as error:
        return reason_of(error)


def _kind(mode: int) -> str:
    """What a thing is that is no regular file, "" for one that is."""
    if stat.S_ISREG(mode):
        return ""
    for holds, word in ((stat.S_ISDIR, "dossier"), (stat.S_ISFIFO, "tube nommé"), (stat.S_ISSOCK, "socket")):
        if holds(mode):
            return word
    return "périphérique"


def reason_of(error: OSError) -> str:
    """A few French words; the name of the error for what no one meets."""
    number = error.errno or 0
    return _WHY.get(number, errno.errorcode.get(number, "erreur du système"))
