"""National identifiers of people and structures: prefix, length and key (dmp-interface c.4). Pure text.

The prefix says the kind: the same FINESS is 1… as a structure and 3… inside a person's identifier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WRITABLE = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,63}")
_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_STRUCTURE: Final = {
    "0": (re.compile(r"0[0-9A-Z]{8,9}"), "0 puis le numéro ADELI du cabinet"),
    "1": (re.compile(r"1[0-9][0-9AB][0-9]{7}"), "1 puis les 9 caractères du FINESS"),
    "2": (re.compile(r"2[0-9]{9}"), "2 puis les 9 chiffres du SIREN"),
    "3": (re.compile(r"3[0-9]{14}"), "3 puis les 14 chiffres du SIRET"),
    "4": (re.compile(r"4[0-9]{11}[0-9]+"), "4 puis le RPPS et le rang du cabinet"),
}
_PERSON: Final = {
    "0": (re.compile(r"0[0-9A-Z]{9}"), "0 puis le numéro ADELI"),
    "1": (re.compile(r"1[0-9A-Z]{8,9}/.+"), "1 puis le cabinet ADELI, / et l'identifiant interne"),
    "3": (re.compile(r"3[0-9][0-9AB][0-9]{7}/.+"), "3 puis le FINESS, / et l'identifiant interne"),
    "4": (re.compile(r"4[0-9]{9}/.+"), "4 puis le SIREN, / et l'identifiant interne"),
    "5": (re.compile(r"5[0-9]{14}/.+"), "5 puis le SIRET, / et l'identifiant interne"),
    "6": (re.compile(r"6[0-9]{11}[0-9]*/.+"), "6 puis le cabinet RPPS, / et l'identifiant interne"),
    "8": (re.compile(r"8[0-9]{11}"), "8 puis les 11 chiffres du RPPS"),
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """`certain` when no reading of the identifier can be right; `expected` says in French what would be."""

    certain: bool
    expected: str


def doubt_of_structure(value: str, *, keys: bool) -> Doubt | None:
    """What is wrong with a Struct_IdNat; `keys` also computes the key of FINESS, SIREN and SIRET."""
    if _WRITABLE.fullmatch(value) is None or "/" in value:
        return Doubt(True, "un identifiant national de structure (1 puis le FINESS)")
    if _FINESS.fullmatch(value):
        return Doubt(False, "le même FINESS précédé de 1")
    form, expected = _STRUCTURE.get(value[0], (None, ""))
    if form is None or form.fullmatch(value) is None:
        return Doubt(False, expected or "un préfixe de 0 à 4")
    if keys and value[0] in "123" and not good_key(value[1:]):
        return Doubt(False, f"{expected}, clé comprise")
    return None


def doubt_of_person(value: str, *, keys: bool) -> Doubt | None:
    """What is wrong with a PS_IdNat; `keys` also computes the key of an RPPS."""
    if _WRITABLE.fullmatch(value) is None:
        return Doubt(True, "un identifiant national de professionnel (8 puis le RPPS)")
    if value.isdigit() and len(value) == 11:
        return Doubt(False, "le même RPPS précédé de 8")
    form, expected = _PERSON.get(value[0], (None, ""))
    if form is None or form.fullmatch(value) is None:
        return Doubt(False, expected or "un préfixe 0, 1, 3, 4, 5, 6 ou 8")
    if keys and value[0] == "8" and not good_key(value[1:]):
        return Doubt(False, f"{expected}, clé comprise")
    return None


def good_key(number: str) -> bool:
    """True when the last digit is the Luhn key of the others; a number with a letter (Corsica) is not judged."""
    if not number.isdigit():
        return True
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
