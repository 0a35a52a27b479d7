"""What the gate found in one document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector.base.finding import Finding

STRUCTURE: Final = "contrôles de structure"
"""Our own checks, as timelines name them."""


@dataclass(frozen=True, slots=True)
class CdaVerdict:
    """`suites` says what ran, for the timeline; `kit` names the distribution, "" without one.

    Findings are already weighed by `gate.schematron`; none of them carries an identity.
    """

    findings: tuple[Finding, ...]
    suites: tuple[str, ...]
    kit: str

    @property
    def blocking(self) -> bool:
        """True when the document must not be sent."""
        return any(finding.blocking for finding in self.findings)
