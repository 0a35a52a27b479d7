"""Texts of a letter: one line, several lines, numbers kept as they were written, yes or no.

What XML cannot hold is refused here, so that no later step meets it; so is what a reader cannot see, or sees in
another order than it was written. Marks that only come with pasted text are dropped: where a line may break, and the
direction of writing (U+061C, U+200E, U+200F, U+202A to U+202D, U+2066 to U+2069, paired or not): French is written from
left to right without them, and the text is then read in the order it was typed. The one that is refused is the override
to the left (U+202E), which shows « 01 » where « 10 » is written: dropped, it would change what its author saw.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from connector.letter.model.base import refusal

LINE_LIMIT: Final = 1_000
PROSE_LIMIT: Final = 200_000

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CONTROL = re.compile("[\u007f-\u009f]")
"""C1 controls: what a Windows-1252 file (’ … œ) becomes when it is read as Latin-1."""

_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
"""The flag of a region, such as Scotland: a black flag, its code in tags, the end."""

_HIDDEN = re.compile(
    f"{_FLAG}|([\u180e\u202e\u2061-\u2064\u206a-\u206f\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f])"
)
"""Unicode Cf that turns the text around it or that nobody sees (group 1); the joiners of scripts and emoji (200C, 200D)
stay, and so do the tags of a flag."""

_SILENT = str.maketrans(
    dict.fromkeys(
        "\u00ad\u200b\u2060\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069",
        "",
    )
)
"""Soft hyphen, zero-width space, word joiner, byte order mark; marks of direction."""

_NEW_LINES = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n"})
"""Separators of Unicode; the vertical tab is Word's line break, the form feed a page's."""
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols without any ink."""

_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?")
_FAR: Final = 10**15
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_YES = frozenset({"oui", "o", "vrai", "true", "yes", "1"})
_NO = frozenset({"non", "n", "faux", "false", "no", "0"})


def visible(value: str) -> bool:
    """True when a reader sees something: a letter, a digit, a mark of punctuation, a symbol."""
    return any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK_LETTERS for sign in value)


def _line(value: str) -> str:
    return _bounded(" ".join(_legal(value).split()), LINE_LIMIT)


def _prose(value: str) -> str:
    unix = _legal(value).replace("\r\n", "\n").replace("\r", "\n")
    return _bounded("\n".join(line.rstrip() for line in unix.split("\n")).strip(), PROSE_LIMIT)


def _legal(value: str) -> str:
    broken = value.translate(_NEW_LINES)
    if found := _ILLEGAL.search(broken):
        raise _unwanted(
            "le texte contient un caractère interdit dans un document XML", "des caractères imprimables", found
        )
    if found := _CONTROL.search(broken):
        expected = "des caractères imprimables ; vérifier le codage du fichier"
        raise _unwanted("le texte contient un caractère de commande", expected, found)
    if found := next((hidden for hidden in _HIDDEN.finditer(broken) if hidden[1]), None):
        expected = "un texte sans caractère de mise en forme ni texte retourné"
        raise _unwanted("le texte contient un caractère invisible", expected, found)
    return broken.translate(_SILENT)


def _unwanted(text: str, expected: str, found: re.Match[str]) -> PydanticCustomError:
    """Which sign and where, counted from 1 in the text as it came; not the words around it, which are the patient's."""
    point = f"U+{ord(found[0]):04X}"
    return refusal(f"{text} ({point}, caractère n° {found.start() + 1})", expected, point)


def _bounded(value: str, limit: int) -> str:
    if not value:
        raise refusal("le texte est vide", "un texte, ou l'absence du champ", "vide")
    if len(value) > limit:
        raise refusal("le texte est trop long", f"{limit} caractères au plus", f"{len(value)} caractères")
    if not visible(value):
        raise refusal("le texte ne se voit pas", "un texte qui se lit, ou l'absence du champ", "invisible")
    return value


def _number_as_text(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -_FAR < value < _FAR:
        # Python refuses to write out thousands of digits, and no number of a letter has sixteen.
        raise _no_number()
    # JSON and YAML may hold a number; a float's shortest form is what was typed.
    return str(value) if isinstance(value, int | float | Decimal) else value


def _amount(value: str) -> str:
    written = value.strip().replace(",", ".")
    if _DECIMAL.fullmatch(written) is None:
        raise _no_number()
    if written.startswith("-"):
        raise refusal("une quantité n'est pas négative", "un nombre positif", "nombre négatif")
    return written


def _no_number() -> PydanticCustomError:
    return refusal("le nombre n'est pas lisible", "un nombre décimal, par exemple 1 ou 0,5", "autre chose")


def _whole(value: object) -> object:
    """Text or a number to int, without ever writing out what an exponent stands for (1e99999999)."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    # Compared as they are (`abs` would round); a NaN differs from itself, and an infinity is too large.
    if isinstance(value, float | Decimal) and value == value and -_FAR < value < _FAR and value == int(value):
        return int(value)
    raise refusal("un nombre entier est attendu", "un nombre entier", "autre chose")


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

Amount = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_amount),
    WithJsonSchema({"type": ["string", "number"], "minimum": 0, "examples": ["1", "0.5"]}),
]
"""A decimal number, zero or more, kept as it was written ("0.50" stays so), with a point; a comma is accepted."""

Version = Annotated[int, Field(ge=1, le=9999), BeforeValidator(_whole)]
"""Number of a version, from 1; digits between quotes, and 2.0, are accepted."""

Flag = Annotated[
    bool, BeforeValidator(_flag), WithJsonSchema({"type": ["boolean", "string"], "examples": [True, False]})
]
"""Yes or no; oui, non, true and false are accepted as words."""
