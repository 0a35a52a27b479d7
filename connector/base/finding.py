"""A finding: what a rule saw wrong, with enough context to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation of one rule (design rule 2).

    rule       rule id ("D-20", "VOLET-3.2", "ACK-101"…)
    severity   'error' refuses, 'warning' and 'info' do not
    field      HL7 path ("PID-3.1"), XPath or setting name
    found      value seen; callers redact identities before it reaches a log
    expected   what would have been right
    text       one sentence for people
    code       error code of the interface concerned (ERR-3, RegistryError code…), "" if none
    reference  where the rule is written (spec file and section, or rule id)
    """

    rule: str
    severity: Severity
    field: str
    found: str
    expected: str
    text: str
    code: str = ""
    reference: str = ""

    @property
    def blocking(self) -> bool:
        return self.severity == "error"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
