"""From files, folders, globs and CSV to items, one at a time, always in the same order: that of a patient's letters.

A folder is walked in the order of its names, a CSV in that of its rows. A file of a level-1 body (PDF, text…) goes
with the header of the same name: `lettre.pdf` with `lettre.yaml`, `lettre.header.yaml` or `lettre.pdf.yaml` (or .json).
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.flows.letters.export.files import (
    TABLE,
    Ignored,
    Unreadable,
    header_of,
    is_header,
    open_regular,
    read_regular,
    said,
    suffix_of,
    unreadable,
    walk,
)
from connector.flows.letters.export.model import Failure, Item, OrderRefused, of_faults, refused_data
from connector.flows.letters.sources import CDA, DATA
from connector.letter.errors import LetterError
from connector.letter.inputs import CsvMapping, read_table
from connector.letter.model.body import EXTENSIONS

JOURNAL: Final = "journal"
"""The source that is no file: the finished stays of the journal that have no letter."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a run. `mapping` is for every CSV; `out` is never walked; `max_bytes` bounds one file.

    Raises OrderRefused for a source that names nothing.
    """

    words: Sequence[str]
    mapping: CsvMapping | None
    out: Path
    max_bytes: int

    def __post_init__(self) -> None:
        for word in self.words:
            # "" would be the current folder, as pathlib has it
            if word == JOURNAL or (word and (Path(word).exists() or any(glob.iglob(word, recursive=True)))):
                continue
            fault = "la source n'existe pas" if word else "la source est vide"
            allowed = "un fichier, un dossier, un motif (« *.json »), ou journal"
            raise OrderRefused(fault, name="SOURCE", found=word or "(rien)", allowed=allowed)

    def count(self) -> int:
        """How many letters there are to read, rows of CSV included; nothing is kept."""
        return sum(self._rows(path) if suffix_of(path) in TABLE else 1 for path in self._files(Ignored()))

    def read(self, ignored: Ignored) -> Iterator[Item]:
        """Every source; one that cannot be read says why in its `fault`."""
        for path in self._files(ignored):
            if suffix_of(path) in TABLE:
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
                    yield from walk(path, out, ignored)
                elif not is_header(path):
                    yield path

    def _file(self, path: Path) -> Item:
        ref, suffix = said(path), suffix_of(path)
        try:
            content = read_regular(path, self.max_bytes)
        except Unreadable as why:
            return _unusable(ref, str(why))
        name = said(Path(path.name))
        if suffix in DATA:
            return Item(ref, "data", _digest(b"data", content), name, content)
        if suffix in CDA:
            return Item(ref, "cda", _digest(b"cda", content), name, content)
        if suffix not in EXTENSIONS:
            return _unusable(ref, "le type de fichier n'est pas reconnu")
        return self._enclosed(ref, path, content)

    def _enclosed(self, ref: str, path: Path, content: bytes) -> Item:
        header = header_of(path)
        if header is None:
            return _unusable(ref, "le fichier n'a pas d'en-tête (par exemple le même nom en .yaml)", content)
        try:
            told = read_regular(header, self.max_bytes)
        except Unreadable as why:
            return _unusable(ref, f"son en-tête : {why}", content)
        digest = _digest(b"enclosed", suffix_of(path).encode(), told, content)
        return Item(ref, "enclosed", digest, said(Path(path.name)), content, header=(said(Path(header.name)), told))

    # -- rows --------------------------------------------------------------------------------------------------------

    def _table(self, path: Path) -> Iterator[Item]:
        ref = said(path)
        if self.mapping is None:
            yield _unusable(ref, "un CSV demande sa correspondance (--mapping)")
            return
        try:
            with open_regular(path) as file:
                for row in read_table(file, self.mapping):
                    told = json.dumps(row.data, ensure_ascii=False, sort_keys=True, default=str).encode()
                    where = f"{ref}#{row.number}"
                    if row.faults:
                        digest = _digest(b"row", told, where.encode())
                        yield Item(where, "unusable", digest, fault=of_faults(row.faults))
                    else:
                        yield Item(where, "row", _digest(b"row", told), data=row.data, columns=row.columns)
        except Unreadable as why:
            yield _unusable(ref, str(why))
        except OSError as error:
            yield _unusable(ref, str(unreadable(error)))
        except LetterError as error:
            yield Item(ref, "unusable", _digest(b"table", ref.encode()), fault=refused_data(error, "lecture"))

    def _rows(self, path: Path) -> int:
        """Rows as the reader will count them, as far as can be told without reading their cells."""
        if self.mapping is None:
            return 1
        try:
            with open_regular(path) as file:
                text = io.TextIOWrapper(file, encoding=self.mapping.encoding, errors="replace", newline="")
                rows = csv.reader(text, delimiter=self.mapping.delimiter)
                return max(0, sum(1 for cells in rows if any(cells)) - 1)
        except (Unreadable, OSError, csv.Error):
            return 1


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
