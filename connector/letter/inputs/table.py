"""A CSV and its mapping to plain data, one letter a row, read as a stream: a file of 100 000 rows costs one row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

from connector.letter.errors import Fault, LetterError, fault
from connector.letter.inputs.mapping import Column, CsvMapping
from connector.letter.inputs.paths import Step, parse_path, path_of, put, settled
from connector.letter.model.text import PROSE_LIMIT

HEADER: Final = "(en-tête)"

_AMOUNTS: Final = frozenset({"value", "high"})
_THOUSANDS: Final = re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+")
"""What a French export may write for a thousand and more, and others for one and no thousandth."""

_LEADS: Final = re.compile("[ÂÃÅ][^A-Za-zÀ-ÖØ-öø-ÿ]|â€")
_MARK_MISREAD: Final = ("\u00ef\u00bb\u00bf", '"\u00ef\u00bb\u00bf')


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One row: `number` as a spreadsheet counts (the header is 1), `data` are plain data, `faults` those of its cells.

    `columns` gives the column a path was filled from, and which of its values (`MEDICAMENTS, valeur 2`), for the
    faults told later.
    """

    number: int
    data: dict[str, Any]
    faults: tuple[Fault, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def told(self, item: Fault) -> Fault:
        """The fault with the column it comes from, when one is known."""
        column = self.columns.get(item.path) or self._above(item.path) or self._beside(item.path)
        return (
            item if column is None else Fault(item.path, item.found, item.expected, f"{item.text} (colonne {column})")
        )

    def _above(self, told: str) -> str | None:
        """The column of the whole the field is a part of."""
        return next((name for path, name in self.columns.items() if told.startswith((f"{path}.", f"{path}["))), None)

    def _beside(self, told: str) -> str | None:
        """For what is missing in an item of a list: a column that gave another field of this item."""
        end = told.rfind("]") + 1
        found = (name for path, name in self.columns.items() if end and path.startswith(f"{told[:end]}."))
        return next(found, None)


def read_table(file: IO[bytes], mapping: CsvMapping) -> Iterator[Row]:
    """The rows of a CSV, one at a time; an empty row is passed over. The file is closed at the end.

    Spreadsheets leave out the empty cells at the end of a row, or write more of them than the header has: both are
    the same row.

    Raises LetterError when a mapped column is absent from the header, a column is there twice, or the file cannot be
    read in its encoding. What is wrong with a cell is in the row's `faults`.
    """
    # A synthesis may be longer than the module's own limit, which is one for the whole process.
    csv.field_size_limit(max(csv.field_size_limit(), PROSE_LIMIT * 2))
    encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
    with io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        lines = csv.reader(text, delimiter=mapping.delimiter, strict=True)
        try:
            header = [name.strip() for name in next(lines, [])]
            if header and header[0].startswith(_MARK_MISREAD):
                raise _unreadable(f"le fichier est en UTF-8, non en {mapping.encoding}", "le codage annoncé")
            _check_header(header, mapping)
            for number, cells in enumerate(lines, 2):
                if any(cell.strip() for cell in cells):
                    yield _row(number, header, cells, mapping)
        except UnicodeDecodeError:
            raise _unreadable(f"le fichier n'est pas en {mapping.encoding}", "le codage annoncé") from None
        except csv.Error:
            raise _unreadable(f"le CSV est illisible à la ligne {lines.line_num}", "un fichier CSV") from None


def _check_header(header: list[str], mapping: CsvMapping) -> None:
    absent = [name for name in mapping.columns if name not in header]
    twice = [name for name in mapping.columns if header.count(name) > 1]
    faults = [fault(f"colonne {name}", "la colonne manque", "une colonne de ce nom", "absente") for name in absent]
    faults += [fault(f"colonne {name}", "la colonne figure deux fois", "une seule", "doublon") for name in twice]
    if faults:
        raise LetterError(faults)


def _row(number: int, header: list[str], cells: list[str], mapping: CsvMapping) -> Row:
    data: dict[str, Any] = {}
    faults: list[Fault] = []
    if any(cell.strip() for cell in cells[len(header) :]):
        faults.append(
            fault("(ligne)", "la ligne a plus de cellules que l'en-tête", f"{len(header)} au plus", str(len(cells)))
        )
    if _is_misread(cells, mapping.encoding):
        text = f"les accents de la ligne sont en UTF-8, non en {mapping.encoding}"
        faults.append(fault("(ligne)", text, "le codage du fichier, dans la correspondance", "UTF-8"))
    by_name = dict(zip(header, cells, strict=False))
    faults += _unpaired(by_name, mapping)
    filled: list[tuple[tuple[Step, ...], int, str]] = []
    for name, column in mapping.columns.items():
        for place, cell in _values(column, by_name.get(name, "")):
            path = column.path.replace("[]", f"[{place}]")
            told = f"{name}, valeur {place + 1}" if column.many else name
            value, broken = _translated(cell, column, mapping)
            if broken is not None:
                faults.append(fault(path, f"{broken[0]} (colonne {told})", broken[1], "autre chose"))
            elif put(data, column.steps, value, place):
                filled.append((column.steps, place, told))
            else:
                faults.append(
                    fault(path, f"le champ est rempli deux fois (colonne {told})", "une seule fois", "doublon")
                )
    for path, constant in mapping.constants.items():
        # A column that says something goes before the constant.
        put(data, parse_path(path) or (), constant)
    columns = {path_of(data, steps, place): told for steps, place, told in filled}
    return Row(number, settled(data), tuple(faults), columns)


def _is_misread(cells: list[str], encoding: str) -> bool:
    """True for UTF-8 read as a one-byte encoding: `FiÃ¨vre`. Every accent of the row has to be one, with its lead."""
    row = " ".join(cells)
    if encoding == "utf-8" or row.isascii() or not _LEADS.search(row):
        return False
    try:
        row.encode(encoding).decode("utf-8")
    except UnicodeError:
        return False
    return True


def _unpaired(by_name: Mapping[str, str], mapping: CsvMapping) -> Iterator[Fault]:
    """Columns of one list go by place: with fewer values in one, a dosing would go to another medicine."""
    lists: dict[str, dict[str, int]] = {}
    for name, column in mapping.columns.items():
        cell = by_name.get(name, "")
        if column.separator and cell.strip():
            of = column.path.partition("[]")[0]
            lists.setdefault(of, {})[name] = len(cell.split(column.separator))
    for of, counts in lists.items():
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name} : {count}" for name, count in counts.items())
            text = f"les colonnes de la liste n'ont pas le même nombre de valeurs ({told})"
            yield fault(of, text, "autant de valeurs dans chacune, vides comprises (a||c)", "autre nombre")


def _values(column: Column, cell: str) -> Iterator[tuple[int, str]]:
    parts = cell.split(column.separator) if column.separator else [cell]
    for place, part in enumerate(parts):
        if part.strip():
            yield place, part.strip()


def _translated(cell: str, column: Column, mapping: CsvMapping) -> tuple[str, tuple[str, str] | None]:
    if column.codes is not None:
        table = mapping.codes[column.codes]
        if cell not in table:
            return "", ("la valeur n'est pas dans la table de codes", f"une valeur de [codes.{column.codes}]")
        return table[cell], None
    if column.date is None:
        if column.steps[-1].name in _AMOUNTS and _THOUSANDS.fullmatch(cell):
            return "", ("le point peut être celui des milliers ou des décimales", "sans point, ou 1,5 pour un et demi")
        return cell, None
    try:
        moment = datetime.strptime(cell, column.date)
    except ValueError:
        return "", ("la date n'est pas de la forme annoncée", column.date)
    return _iso(moment, column)


def _iso(moment: datetime, column: Column) -> tuple[str, tuple[str, str] | None]:
    if "%H" not in (column.date or "") and "%I" not in (column.date or ""):
        return moment.date().isoformat(), None
    if moment.tzinfo is not None or column.zone is None:
        # Without a zone the model refuses the time, with its path.
        return moment.isoformat(), None
    zone = ZoneInfo(column.zone)
    early, late = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        return "", ("l'heure tombe dans un changement d'heure", "une heure avec son fuseau")
    return early.isoformat(), None


def _unreadable(text: str, expected: str) -> LetterError:
    return LetterError([fault(HEADER, text, expected, "illisible")])
