"""The mapping file of a CSV: which column goes where, constants, separators, dates, translations of codes.

TOML or YAML, the same keys in both:

    delimiter = ";"            # one character; default ;
    encoding = "utf-8"         # utf-8 (default), cp1252 or iso-8859-15
    [constants]                # path = value, for every letter
    kind = "discharge"
    [columns.NOM_DE_COLONNE]   # or NOM_DE_COLONNE = "path"
    path = "stay.admission"
    date = "%d/%m/%Y %H:%M"    # form of the dates, rewritten in ISO 8601
    zone = "Europe/Paris"      # zone of the times, when `date` has an hour
    separator = "|"            # several values in one cell, for a path with []
    codes = "mode_entree"      # table of `codes` that translates the cell
    [codes.mode_entree]
    "8" = "8715000"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from connector.letter.errors import Fault, LetterError, fault, faults_of
from connector.letter.inputs.paths import EACH, Step, parse_path
from connector.letter.inputs.yamlfile import from_yaml
from connector.letter.model.base import Broken, refusal, refusals

PREFIX: Final = "correspondance"


def _path(value: str) -> str:
    if parse_path(value) is None:
        raise refusal("le chemin n'est pas lisible", "par exemple stay.admission ou allergies[].text", "autre chose")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal("le fuseau horaire est inconnu", "par exemple Europe/Paris", "inconnu") from None
    return value


PathText = Annotated[str, AfterValidator(_path)]


class Column(BaseModel):
    """What becomes of the cells of one column."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    path: PathText
    date: str | None = None
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    separator: Annotated[str, Field(min_length=1, max_length=5)] | None = None
    codes: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @property
    def steps(self) -> tuple[Step, ...]:
        return parse_path(self.path) or ()

    @property
    def many(self) -> bool:
        """True when one cell may hold several values."""
        return any(step.index == EACH for step in self.steps)


class CsvMapping(BaseModel):
    """A mapping file, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    encoding: Literal["utf-8", "cp1252", "iso-8859-15"] = "utf-8"
    constants: dict[PathText, Any] = {}
    columns: Annotated[dict[str, Column], Field(min_length=1)]
    codes: dict[str, dict[str, str]] = {}

    @model_validator(mode="after")
    def _consistent(self) -> CsvMapping:
        broken = [item for name, column in self.columns.items() for item in self._broken(f"columns.{name}", column)]
        if broken:
            raise refusals(*broken)
        return self

    def _broken(self, field: str, column: Column) -> Iterator[Broken]:
        if column.codes is not None and column.codes not in self.codes:
            yield Broken(field, "la table de codes n'existe pas", "une table de [codes]", "inconnue")
        if column.many != (column.separator is not None):
            yield Broken(field, "separator et [] vont ensemble", "un chemin avec [] et un separator", "l'un des deux")
        if column.zone is not None and column.date is None:
            yield Broken(field, "zone va avec date", "date et zone", "zone seule")
        if any(column.path.startswith((f"{path}.", f"{path}[")) for path in self.constants):
            yield Broken(field, "une constante remplit déjà tout le groupe", "une constante par champ", "groupe entier")


def read_mapping(content: bytes, name: str) -> CsvMapping:
    """The mapping of a `.toml`, `.yaml` or `.yml` file. Raises LetterError; the paths begin by `correspondance`."""
    data = _toml(content) if PurePath(name).suffix.lower() == ".toml" else from_yaml(content)
    return mapping_of(data)


def mapping_of(data: Mapping[str, Any]) -> CsvMapping:
    """The mapping that plain data describe. Raises LetterError."""
    try:
        return CsvMapping.model_validate(dict(data))
    except ValidationError as refused:
        faults = [_under(item) for item in faults_of(refused)]
    raise LetterError(faults)


def _toml(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise LetterError([fault(PREFIX, "le TOML est illisible", "un fichier TOML en UTF-8", "syntaxe")]) from None


def _under(item: Fault) -> Fault:
    return Fault(f"{PREFIX}.{item.path}", item.found, item.expected, item.text)
