"""Whether somebody can read something in a text: blanks and other invisible characters say nothing."""

from __future__ import annotations

import unicodedata
from typing import Final

_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by their category, shown as nothing."""


def says(text: str) -> bool:
    """True when `text` has a character that is seen."""
    return any(unicodedata.category(char)[0] not in "CZ" and char not in _BLANK for char in text)
