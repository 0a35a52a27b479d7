"""Units of time in which people take medicines, as UCUM codes: one list for what is written and what is checked."""

from __future__ import annotations

from typing import Final

TIMES: Final = frozenset({"s", "min", "h", "d", "wk", "mo", "mo_j", "mo_s", "mo_g", "a", "a_j", "a_t", "a_g"})
"""Seconds to years; julian, synodal, gregorian and tropical ones too. No `ms`: it would be a misspelt `mois`."""
