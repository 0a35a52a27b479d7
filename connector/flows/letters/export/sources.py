"""From files, folders, globs and CSV to items, one at a time, always in the same order: that of a patient's letters.

A folder is walked in the order of its names, a CSV in that of its rows. A file of a level-1 body (PDF, text…) goes
with the header of the same name: `lettre.pdf` with `lettre.yaml`, `lettre.header.yaml` or `lettre.pdf.yaml` (or .json).
"""

from __future__ import annotations

import csv
import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connector.base.errors import SettingsError
from connector.flows.letters.export.model import Failure, Item, of_faults, refused_data
from connector.letter.errors import LetterError
from connector.letter.inputs import CsvMapping, read_table
from connector.letter.model.body import EXTENSIONS

JOURNAL: Final = "journal"
"""The source that is no file: the finished stays of the journal that have no letter."""

_DATA: Final = (".json", ".yaml", ".yml")
_CDA: Final = (".xml",)
_TABLE: Final = (".csv",)
_KNOWN: Final = (*_DATA, *_CDA, *_TABLE, *EXTENSIONS)
_HEADER: Final = ".header"
_SETTING_FILES: Final = (".toml",)


@dataclass(slots=True)
class Ignored:
    """Files of a folder that are no letters, by extension."""

    count: int = 0
    suffixes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a run. `mapping` is for every CSV; `out` is never walked; `max_bytes` bounds one file.

    Raises SettingsError for a source that names nothing.
    """

    words: Sequence[str]
    mapping: CsvMapping | None
    out: Path
    max_bytes: int

    def __post_init__(self) -> None:
        for word in self.words:
            if word != JOURNAL and not Path(word).exists() and next(glob.iglob(word, recursive=True), None) is None:
                raise SettingsError(
                    "no such source", name="SOURCE", found=word, allowed="a file, a folder, a pattern, or journal"
                )

    def count(self) -> int:
        """How many letters there are to read, rows of CSV included; nothing is kept."""
        return sum(self._rows(path) if _suffix(path) in _TABLE else 1 for path in self._files(Ignored()))

    def read(self, ignored: Ignored) -> Iterator[Item]:
        """Every source; one that cannot be read says why in its `fault`."""
        for path in self._files(ignored):
            if _suffix(path) in _TABLE:
                yield from self._table(path)
            else:
                yield self._file(path)

    # -- files -------------------------------------------------------------------------------------------------------

    def _files(self, ignored: Ignored) -> Iterator[Path]:
        out = self.out.resolve()
        for word in self.words:
            if word == JOURNAL:
                continue
            if Path(word).exists():
                found: Iterable[Path] = (Path(word),)
            else:
                found = (Path(name) for name in sorted(glob.iglob(word, recursive=True)))
            for path in found:
                if path.is_dir():
                    yield from _walk(path, out, ignored)
                elif not _is_header(path):
                    yield path

    def _file(self, path: Path) -> Item:
        ref = str(path)
        try:
            content = self._bytes(path)
        except OSError as error:
            return _unusable(ref, f"le fichier est illisible ({error.strerror})")
        except _TooLarge:
            return _unusable(ref, f"le fichier dépasse {self.max_bytes} octets")
        suffix = _suffix(path)
        if suffix in _DATA:
            return Item(ref, "data", _digest(b"data", content), path.name, content)
        if suffix in _CDA:
            return Item(ref, "cda", _digest(b"cda", content), path.name, content)
        if suffix not in EXTENSIONS:
            return _unusable(ref, "le type de fichier n'est pas reconnu")
        return self._enclosed(ref, path, content)

    def _enclosed(self, ref: str, path: Path, content: bytes) -> Item:
        header = next((one for one in _headers(path) if one.is_file()), None)
        if header is None:
            return _unusable(ref, "le fichier n'a pas d'en-tête (par exemple le même nom en .yaml)", content)
        try:
            said = self._bytes(header)
        except (OSError, _TooLarge):
            return _unusable(ref, "l'en-tête du fichier est illisible", content)
        digest = _digest(b"enclosed", _suffix(path).encode(), said, content)
        return Item(ref, "enclosed", digest, path.name, content, header=(header.name, said))

    def _bytes(self, path: Path) -> bytes:
        with path.open("rb") as file:
            content = file.read(self.max_bytes + 1)
        if len(content) > self.max_bytes:
            raise _TooLarge
        return content

    # -- rows --------------------------------------------------------------------------------------------------------

    def _table(self, path: Path) -> Iterator[Item]:
        ref = str(path)
        if self.mapping is None:
            yield _unusable(ref, "un CSV demande sa correspondance (--mapping)")
            return
        try:
            with path.open("rb") as file:
                for row in read_table(file, self.mapping):
                    said = json.dumps(row.data, ensure_ascii=False, sort_keys=True, default=str).encode()
                    where = f"{ref}#{row.number}"
                    if row.faults:
                        digest = _digest(b"row", said, where.encode())
                        yield Item(where, "unusable", digest, fault=of_faults(row.faults))
                    else:
                        yield Item(where, "row", _digest(b"row", said), data=row.data, columns=row.columns)
        except OSError as error:
            yield _unusable(ref, f"le fichier est illisible ({error.strerror})")
        except LetterError as error:
            yield Item(ref, "unusable", _digest(b"table", ref.encode()), fault=refused_data(error, "lecture"))

    def _rows(self, path: Path) -> int:
        """Rows as the reader will count them, as far as can be told without reading their cells."""
        if self.mapping is None:
            return 1
        try:
            with path.open(encoding=self.mapping.encoding, errors="replace", newline="") as text:
                rows = csv.reader(text, delimiter=self.mapping.delimiter)
                return max(0, sum(1 for cells in rows if any(cells)) - 1)
        except (OSError, csv.Error):
            return 1


class _TooLarge(Exception):
    pass


def _walk(folder: Path, out: Path, ignored: Ignored) -> Iterator[Path]:
    """One folder's names in memory at a time; hidden ones and the output folder are passed over."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(where) / name).resolve() != out
        )
        names = set(files)
        for name in sorted(files):
            path = Path(where, name)
            if name.startswith(".") or _is_header(path, names) or _suffix(path) in _SETTING_FILES:
                continue
            if _suffix(path) in _KNOWN:
                yield path
            else:
                ignored.count += 1
                ignored.suffixes.add(_suffix(path))


def _is_header(path: Path, beside: set[str] | None = None) -> bool:
    """True for a data file that is the header of a body: by its name, or because the body stands beside it."""
    if _suffix(path) not in _DATA:
        return False
    if path.stem.lower().endswith(_HEADER):
        return True
    stems = (path.stem, *(path.stem + suffix for suffix in EXTENSIONS))
    if beside is not None:
        return any(stem in beside and Path(stem).suffix.lower() in EXTENSIONS for stem in stems)
    return any(Path(stem).suffix.lower() in EXTENSIONS and path.with_name(stem).is_file() for stem in stems)


def _headers(path: Path) -> Iterator[Path]:
    """Where the header of a body may be, the most telling name first."""
    for stem in (f"{path.stem}{_HEADER}", path.name, path.stem):
        yield from (path.with_name(stem + suffix) for suffix in _DATA)


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _digest(*parts: bytes) -> str:
    """Of what the source says: lengths go in, so that no two lists of parts are one."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(b"%d:" % len(part))
        sha.update(part)
    return sha.hexdigest()


def _unusable(ref: str, reason: str, content: bytes = b"") -> Item:
    return Item(
        ref, "unusable", _digest(b"unusable", ref.encode(), content), fault=Failure("lecture", "fichier", reason)
    )
