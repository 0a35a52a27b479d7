"""What a rendering is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector.base.finding import Finding

R: Final = "urn:dmp-connector:render"
"""Name space of what is written into a document for the stylesheet."""


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file of the document that a page does not show (PDF, TIFF…): `name` is what the page links to."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Html:
    """A page (UTF-8), what its reader should know of how it was made, and the files it speaks of.

    `own_style` is True when the page is what a self-presenting document shows of itself.
    """

    content: bytes
    warnings: tuple[Finding, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    own_style: bool = False


def warning(rule: str, field: str, found: str, expected: str, text: str) -> Finding:
    return Finding(rule, "warning", field, found, expected, text, "", "connector/render/html")
