"""The judge's list of rules for an ITI-41, in the order their findings are told (ihe-rules D.2, dmp-interface c).

Two profiles, same rules engine (ihe-rules D.8): `dmp` adds the French rules, `ihe` stops at IHE. State rules (patient
known, duplicates, replacement) live in state, the signature is judged by the simulator alone.
"""

from __future__ import annotations

from connector.base.finding import Finding
from connector.rules.case import Case, Rule, apply
from connector.rules.content import CONTENT_RULES
from connector.rules.entry import ENTRY_RULES
from connector.rules.french import FRENCH_RULES
from connector.rules.links import LINK_RULES
from connector.rules.shape import SHAPE_RULES

IHE_RULES: tuple[Rule[Case], ...] = SHAPE_RULES + ENTRY_RULES + LINK_RULES
DMP_RULES: tuple[Rule[Case], ...] = IHE_RULES + FRENCH_RULES + CONTENT_RULES


def judge(case: Case) -> tuple[Finding, ...]:
    """Every finding of the message itself, first one first (ihe-rules D, "report all")."""
    rules = IHE_RULES if case.settings.ihe_pure else DMP_RULES
    return apply(rules, case)
