"""The structural rules, one row each; a new one is a row here and a mutation in tests/cda/test_checks.py.

CDA-01 to CDA-03 say that the document cannot be read at all (`run.py`).
"""

from __future__ import annotations

from typing import Final

from connector.cda.checks import body, presentation, references, structure
from connector.cda.checks.model import Check

CHECKS: Final = (
    Check("CDA-10", "error", "cda-lettre-de-liaison §1", structure.type_id),
    Check("CDA-11", "error", "cda-lettre-de-liaison §1", structure.level_1_templates),
    Check("CDA-12", "error", "cda-lettre-de-liaison §1", structure.version_number),
    Check("CDA-13", "error", "cda-lettre-de-liaison §1", structure.replacement),
    Check("CDA-14", "warning", "cda-lettre-de-liaison §1", structure.versions_agree),
    Check("CDA-20", "error", "EX_2.1-1115", presentation.scripts),
    Check("CDA-21", "warning", "EX_2.1-1115", presentation.remote),
    Check("CDA-30", "error", "ASS_A12", body.media_type),
    Check("CDA-31", "error", "cda-lettre-de-liaison §7", body.inline),
    Check("CDA-32", "error", "cda-lettre-de-liaison §7", body.base64_body),
    Check("CDA-33", "error", "cda-lettre-de-liaison §7", body.magic),
    Check("CDA-34", "warning", "cda-lettre-de-liaison §7", body.pdf_acts),
    Check("CDA-35", "warning", "cda-lettre-de-liaison §7", body.pdf_archive),
    Check("CDA-40", "warning", "cda-lettre-de-liaison §2", references.dangling),
    Check("CDA-41", "warning", "cda-lettre-de-liaison §1", references.zones),
)
