"""The shape and the key of numbers of medicines, and of codes of LOINC and SNOMED CT. Pure text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from connector.codes.medicines import ATC, CIP, CIS, UCD
from connector.trust.identifiers import good_key

_ATC: Final = re.compile(r"[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?")
_CIS: Final = re.compile(r"6[0-9]{7}")
_PACK: Final = re.compile(r"[0-9]{7}|[0-9]{13}")
_LOINC: Final = re.compile(r"(?:LP|LA)?([0-9]{1,7})-([0-9])")
_SNOMED: Final = re.compile(r"[1-9][0-9]{5,17}")

# the dihedral group and the permutation of Verhoeff's key (SNOMED CT identifiers)
_GROUP: Final = tuple(
    tuple(int(digit) for digit in row)
    for row in (
        "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
        "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
    )
)  # fmt: skip
_SHIFT: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def atc(code: str) -> bool:
    """A class of the five levels, or a whole code."""
    return _ATC.fullmatch(code) is not None


def cis(code: str) -> bool:
    return _CIS.fullmatch(code) is not None


def pack(code: str) -> bool:
    """CIP or UCD: seven digits, or thirteen with the key of a bar code."""
    return _PACK.fullmatch(code) is not None and (len(code) == 7 or _bar_key(code))


def loinc(code: str) -> bool:
    found = _LOINC.fullmatch(code)
    return found is not None and good_key(found[1] + found[2])


def snomed(code: str) -> bool:
    return _SNOMED.fullmatch(code) is not None and _verhoeff(code) == 0


SYSTEMS: Final[Mapping[str, tuple[str, Callable[[str], bool], str]]] = {
    CIS: ("CIS", cis, "8 chiffres, le premier est 6"),
    CIP: ("CIP", pack, "13 chiffres, clé comprise, ou 7"),
    # The vaccination example gives its packs (CIP) under this OID.
    "1.2.250.1.213.2.3.3": ("CIP", pack, "13 chiffres, clé comprise, ou 7"),
    UCD: ("UCD", pack, "13 chiffres, clé comprise, ou 7"),
    ATC: ("ATC", atc, "une classe ATC, par exemple N02BE01"),
}
"""Systems of medicines: name, what is a code of it, how it is written."""

TERMS: Final[Mapping[str, tuple[str, Callable[[str], bool], str]]] = {
    "2.16.840.1.113883.6.1": ("LOINC", loinc, "un code LOINC, clé comprise"),
    "2.16.840.1.113883.6.96": ("SNOMED CT", snomed, "un identifiant SNOMED CT, clé comprise"),
}


def _bar_key(code: str) -> bool:
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(code)) % 10 == 0


def _verhoeff(code: str) -> int:
    check = 0
    for place, digit in enumerate(reversed(code)):
        moved = int(digit)
        for _ in range(place % 8):
            moved = _SHIFT[moved]
        check = _GROUP[check][moved]
    return check
