"""What the rules of a document look at, and how they say what they saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from connector.base.finding import Finding
from connector.cda.model import CdaHeader
from connector.dmp.config import DmpConfig
from connector.dmp.facts import DocumentFacts
from connector.ins.model import MatriculeIns


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A document about to be described: its header, the facts around it, whose it is, and the settings.

    `today` is the day of submission in the hospital's zone; without it, nothing that depends on the patient's age is
    judged yet.
    """

    header: CdaHeader
    facts: DocumentFacts
    ins: MatriculeIns
    config: DmpConfig
    today: date | None = None


Rule = Callable[[Draft], Iterator[Finding]]


def error(rule: str, field: str, found: str, expected: str, text: str, reference: str) -> Finding:
    """A finding that refuses the document."""
    return Finding(rule, "error", field, found, expected, text, code=rule, reference=reference)


def warning(rule: str, field: str, found: str, expected: str, text: str, reference: str) -> Finding:
    """A finding the document leaves with."""
    return Finding(rule, "warning", field, found, expected, text, reference=reference)
