"""Findings told as RegistryErrors, and back: how a judgement leaves in an answer (ihe-rules D.1, D-53)."""

from __future__ import annotations

from collections.abc import Iterable

from connector.base.finding import Finding
from connector.simulator.model import RegistryErrorItem, RegistryRefusal


def as_errors(findings: Iterable[Finding]) -> tuple[RegistryErrorItem, ...]:
    """One RegistryError per finding, codeContext naming attribute, value and expectation; infos stay silent."""
    return tuple(
        RegistryErrorItem(
            code=item.code,
            context=context_of(item),
            severity="Error" if item.blocking else "Warning",
            location=f"{item.rule} {item.field}",
        )
        for item in findings
        if item.severity != "info"
    )


def context_of(item: Finding) -> str:
    """All that a finding holds, in one line: rule, field and object, value seen, value expected, reference."""
    return f"{item.rule} : {item.field} : trouvé « {item.found} », attendu : {item.expected} [{item.reference}]"


def refusal(code: str, context: str, location: str = "") -> RegistryRefusal:
    """A refusal of one error."""
    return RegistryRefusal((RegistryErrorItem(code, context, "Error", location),))
