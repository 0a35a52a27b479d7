"""INSEE codes of birth places (COG), as far as they can be judged without the list of the communes.

A commune is its department and a number, a country is 99 and three digits. What a matricule keeps is the code of the
day of birth: departments have split since, and some countries were departments.
"""

from __future__ import annotations

import re
from typing import Final

_SHAPE: Final = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")
_DEPARTMENTS: Final = frozenset(
    {f"{number:02d}" for number in range(1, 96) if number != 20}
    | {"2A", "2B", "99"}
    | {f"97{number}" for number in range(1, 9)}
    | {f"98{number}" for number in (4, 6, 7, 8, 9)}
)
"""Of today, overseas ones of three characters; 99 abroad."""

NO_PLACE: Final = frozenset({"99999", "99000", "00000"})
"""Codes written where the place is not known."""

_SPLIT: Final = {
    # Seine and Seine-et-Oise until 1968, Corsica until 1976
    "75": {"75", "92", "93", "94"},
    "78": {"78", "91", "92", "93", "94", "95"},
    "20": {"2A", "2B"},
    "2A": {"2A", "2B"},
    "2B": {"2A", "2B"},
}
_ONCE_FRENCH: Final = frozenset({"91", "92", "93", "94", "95", "96"})
"""Departments of Algeria, then Morocco and Tunisia, before 1968: their births are abroad today."""

_OVERSEAS: Final = ("97", "98")


def fault_of(code: str) -> str:
    """What cannot be right in a code, in French; "" when nothing is seen. Never the code itself."""
    if code in NO_PLACE:
        return ""
    if not _SHAPE.fullmatch(code):
        return "une autre forme"
    if _department(code) not in _DEPARTMENTS:
        return "un département qui n'existe pas"
    return "un numéro de commune nul" if code.endswith("000") else ""


def unknown(born: str) -> bool:
    """True when the five characters `born` of a matricule say that the place was not known."""
    return born.startswith("9999")


def agrees(born: str, code: str) -> bool:
    """True when the five characters `born` of a matricule may be those of the place `code`, both well formed.

    The commune is not compared: it merges, splits and is renamed, and Paris is 75056 or one of its districts.
    """
    before, now = _department(born), _department(code)
    if before == "99":
        return born == code
    if now == "99":
        return before in _ONCE_FRENCH or before.startswith(_OVERSEAS)
    return before == now or now in _SPLIT.get(before, ()) or (before[:2] in _OVERSEAS and now[:2] in _OVERSEAS)


def _department(code: str) -> str:
    return code[:3] if code.startswith(_OVERSEAS) else code[:2]
