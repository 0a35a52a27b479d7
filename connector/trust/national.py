"""National identifiers of structures and people, in the forms the DMP compares (dmp-interface b.6, c.4). Pure text."""

from __future__ import annotations

import re
from typing import Literal

BareFiness = Literal["prefix", "as-is"]
"""Nine characters without prefix: a FINESS ('prefix'), or left alone ('as-is': a SIREN has nine digits too)."""

_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_RPPS = re.compile(r"[0-9]{11}")
_LOCAL_TO_FINESS = re.compile(r"1([0-9][0-9AB][0-9]{7}/.+)", re.DOTALL)


def comparable(structure: str, bare_finess: BareFiness = "prefix") -> str:
    """`structure` in the form two of them are compared in: no blank around, a bare FINESS as "1" + FINESS (c.4).

    Never what is sent: whether the server knows a FINESS without its prefix is unknown.
    """
    trimmed = structure.strip().upper()
    return f"1{trimmed}" if bare_finess == "prefix" and _FINESS.fullmatch(trimmed) else trimmed


def ps_idnat(person: str) -> str:
    """PS_IdNat of a professional: the eleven digits of an RPPS get their "8" (hl7v2-interface §2.4), others stay."""
    return f"8{person}" if _RPPS.fullmatch(person) else person


def struct_idnat(structure: str, kind: str = "") -> str:
    """Struct_IdNat of an organisation: the nine characters of a FINESS get their "1" (c.4), others stay.

    `kind` is XON-7 of the message: FINEJ and FINEG are written with and without prefix (hl7v2-interface §9.2-18), so
    the value decides; only who says SIREN has nine digits that are no FINESS.
    """
    return f"1{structure}" if kind != "SIREN" and _FINESS.fullmatch(structure) else structure


def person_form(name_id: str) -> str:
    """`1<FINESS>/<internal id>` with the prefix a FINESS has in a person's identifier, 3; any other one as it is."""
    found = _LOCAL_TO_FINESS.fullmatch(name_id)
    return f"3{found[1]}" if found else name_id
