"""The structural rules, one row each; a new one is a row here and a mutation in tests/cda.

CDA-01 to CDA-03 say that the document cannot be read at all (`run.py`). docs/cda-rules.md is written from these rows.
"""

from __future__ import annotations

from typing import Final

from connector.cda.checks.model import Check
from connector.cda.checks.rules_body import BODY
from connector.cda.checks.rules_header import HEADER
from connector.cda.checks.rules_letter import LETTER

CHECKS: Final[tuple[Check, ...]] = (*HEADER, *BODY, *LETTER)
