"""The matricule INS itself: shape and key (hl7v2-interface §2.3).

A matricule is a NIR or a NIA of 13 characters followed by a key of two digits. Two letters may appear,
for Corsican birth places only: 2A counts as 19 and 2B as 18.
"""

from __future__ import annotations

import re

from connector.base.finding import Finding

_BODY = re.compile(r"[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}")
_MATRICULE = re.compile(_BODY.pattern + r"[0-9]{2}")
_REFERENCE = "hl7v2-interface §2.3"


def key_of(value13: str) -> str:
    """Two-digit key of the 13 first characters: 97 - (number mod 97).

    Raises ValueError when `value13` is not shaped like a NIR or a NIA; the message never quotes it.
    """
    if _BODY.fullmatch(value13) is None:
        raise ValueError("13 characters of a NIR or NIA expected")
    # Only positions 6-7 (the department) may hold a letter, so a plain replacement is safe.
    number = int(value13.replace("2A", "19").replace("2B", "18"))
    return f"{97 - number % 97:02d}"


def is_shaped(value: str) -> bool:
    """True for 15 characters shaped like a NIR or a NIA with its key, right or wrong."""
    return _MATRICULE.fullmatch(value) is not None


def check_matricule(value: str) -> list[Finding]:
    """Findings INS-FORME or INS-CLE, at most one; empty when `value` is sound. `found` never holds the matricule."""
    if not is_shaped(value):
        return [_finding("INS-FORME", f"{len(value)} caractères", "13 caractères de NIR ou NIA puis 2 chiffres de clé")]
    if key_of(value[:13]) != value[13:]:
        return [_finding("INS-CLE", "clé différente", "97 - (13 premiers caractères modulo 97)")]
    return []


_TEXTS = {
    "INS-FORME": "le matricule INS n'a pas la forme attendue",
    "INS-CLE": "la clé du matricule INS est fausse",
}


def _finding(rule: str, found: str, expected: str) -> Finding:
    return Finding(rule, "error", "PID-3.1", found, expected, _TEXTS[rule], reference=_REFERENCE)
