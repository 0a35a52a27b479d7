"""What a structural rule sees, says and is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lxml import etree

from connector.base.finding import Severity
from connector.cda.checks.media import Body
from connector.cda.model import CdaHeader


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A parsed document: `root` as received, `clinical` the ClinicalDocument in it, `header` None if unreadable.

    `body` is what a level-1 document carries.
    """

    root: etree._Element
    clinical: etree._Element
    header: CdaHeader | None
    body: Body


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `found` never quotes the content of the document beyond a code or a media type."""

    field: str
    found: str
    expected: str
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: its id, how grave it is, where it is written, and what looks for it."""

    rule: str
    severity: Severity
    reference: str
    look: Callable[[Document], Iterable[Fault]]
