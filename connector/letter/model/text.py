"""Texts of a letter: one line, several lines, numbers kept as they were written, yes or no.

What XML cannot hold is refused here, so that no later step meets it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from connector.letter.model.base import refusal

LINE_LIMIT: Final = 1_000
PROSE_LIMIT: Final = 200_000

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?")
_YES = frozenset({"oui", "o", "vrai", "true", "yes", "1"})
_NO = frozenset({"non", "n", "faux", "false", "no", "0"})


def _line(value: str) -> str:
    return _bounded(" ".join(_legal(value).split()), LINE_LIMIT)


def _prose(value: str) -> str:
    unix = _legal(value).replace("\r\n", "\n").replace("\r", "\n")
    return _bounded("\n".join(line.rstrip() for line in unix.split("\n")).strip(), PROSE_LIMIT)


def _legal(value: str) -> str:
    if _ILLEGAL.search(value):
        raise refusal("le texte contient un caractère interdit dans un document XML", "des caractères imprimables")
    return value


def _bounded(value: str, limit: int) -> str:
    if not value:
        raise refusal("le texte est vide", "un texte, ou l'absence du champ", "vide")
    if len(value) > limit:
        raise refusal("le texte est trop long", f"{limit} caractères au plus", f"{len(value)} caractères")
    return value


def _number_as_text(value: object) -> object:
    if isinstance(value, bool):
        return value
    # JSON and YAML may hold a number; a float's shortest form is what was typed.
    return str(value) if isinstance(value, int | float | Decimal) else value


def _decimal(value: str) -> str:
    written = value.strip().replace(",", ".")
    if _DECIMAL.fullmatch(written) is None:
        raise refusal("le nombre n'est pas lisible", "un nombre décimal, par exemple 1 ou 0,5", "autre chose")
    return written


def _flag(value: object) -> object:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _YES:
            return True
        if word in _NO:
            return False
    if isinstance(value, bool):
        return value
    raise refusal("la réponse doit être oui ou non", "oui ou non (true ou false)", "autre chose")


Line = Annotated[str, AfterValidator(_line), Field(min_length=1)]
"""One line: runs of blanks become one space, never empty."""

Prose = Annotated[str, AfterValidator(_prose), Field(min_length=1)]
"""Free text of any number of lines (LF), never empty."""

DecimalText = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_decimal),
    WithJsonSchema({"type": ["string", "number"], "examples": ["1", "0.5"]}),
]
"""A decimal number kept as it was written ("0.50" stays so), with a point; a number or a comma is accepted."""

Flag = Annotated[
    bool, BeforeValidator(_flag), WithJsonSchema({"type": ["boolean", "string"], "examples": [True, False]})
]
"""Yes or no; oui, non, true and false are accepted as words."""
