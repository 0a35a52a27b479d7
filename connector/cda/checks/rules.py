"""The structural rules, one row each."""

from __future__ import annotations

from typing import Final

from connector.cda.checks.model import Check
from connector.cda.checks.structure import type_id

CHECKS: Final = (Check("CDA-10", "error", "cda-lettre-de-liaison §1", type_id),)
