"""What the DMP room refuses by itself, before anything leaves."""

from __future__ import annotations

from collections.abc import Sequence

from connector.base.errors import ConnectorError
from connector.base.finding import Finding


class DmpMetadataError(ConnectorError):
    """A document that cannot be described as the DMP wants it.

    `findings` holds every blocking observation; `context` has `field`, `found`, `expected` of the first one.
    The text is for hospital staff, in French, and names no patient.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = findings[0]
        super().__init__(first.text, field=first.field, found=first.found, expected=first.expected, rule=first.rule)
        self.findings = tuple(findings)
