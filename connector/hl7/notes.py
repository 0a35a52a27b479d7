"""What a reader writes down while it reads: errors for the acknowledgement, findings for people."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.base.finding import Finding
from connector.hl7.ack import AckError


@dataclass(slots=True)
class Notes:
    """Collector of one reading: every fault of a message is told at once, so it is corrected at once."""

    errors: list[AckError] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, error: AckError) -> None:
        self.errors.append(error)

    def warn(self, rule: str, where: str, found: str, expected: str, text: str, *, reference: str) -> None:
        """A finding that does not refuse; `found` must never be an identity."""
        self.findings.append(Finding(rule, "warning", where, found, expected, text, reference=reference))
