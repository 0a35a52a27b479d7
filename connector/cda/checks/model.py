"""What a structural rule sees, says and is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from connector.base.finding import Severity
from connector.cda.checks.marks import Marks
from connector.cda.checks.media import Body
from connector.cda.checks.outline import Letter, Section
from connector.cda.model import CdaHeader
from connector.ins.model import Environment


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A parsed document: `root` as received, `clinical` the ClinicalDocument in it, `header` None if unreadable.

    `body` is what a level-1 document carries, `letter` which letter it is, None when it is none, `environment` that of
    the DMP it is for; `marks` what points inside it, `sections` those of a letter; `now` the moment of checking, None
    when dates are not compared with it.
    """

    root: etree._Element
    clinical: etree._Element
    header: CdaHeader | None
    body: Body
    letter: Letter | None
    environment: Environment
    marks: Marks
    sections: tuple[Section, ...]
    now: datetime | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `found` never quotes the content of the document beyond a code or a media type."""

    field: str
    found: str
    expected: str
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: its id, how grave it is and why, where it is written, and what looks for it.

    severity    that of a finding
    asks        what a document must be, in English, for docs/cda-rules.md
    why         what the severity rests on
    production  severity where the DMP is the real one, None when it is the same
    """

    rule: str
    severity: Severity
    reference: str
    look: Callable[[Document], Iterable[Fault]]
    asks: str
    why: str
    production: Severity | None = None

    def weight(self, environment: Environment) -> Severity:
        return self.production if self.production is not None and environment == "production" else self.severity
