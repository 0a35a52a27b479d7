"""The numbered rules on what a server answered, read with tolerance (ihe-rules D-53, D.8): oddities are told.

What would make us believe something false never comes here: the reader of the answer (xds.responses) refuses it.
"""

from __future__ import annotations

from connector.base.finding import Finding
from connector.rules.answers import TOLERANT_OUTCOME_RULES, Outcome, Problem
from connector.rules.case import apply
from connector.xds.constants import SEVERITY_ERROR, SEVERITY_WARNING
from connector.xds.responses import RegistryResponse


def check_outcome(response: RegistryResponse, transaction: str) -> tuple[Finding, ...]:
    """What is odd in the answer to an IHE transaction ("ITI-41"): a Success with errors, a Failure without any…"""
    problems = tuple(
        Problem(error.code, SEVERITY_WARNING if error.severity == "warning" else SEVERITY_ERROR)
        for error in response.errors
    )
    return apply(TOLERANT_OUTCOME_RULES, Outcome(transaction, response.status, problems))
