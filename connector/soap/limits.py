"""Limits and wire habits of a SOAP endpoint: two frozen values, one per concern."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MIB = 1024 * 1024
BLOCK = 256 * 1024
"""Bytes read or written at once: what a 50 MB document costs in memory (stack.md §1)."""

MustUnderstand = Literal["qualified", "unqualified"]


@dataclass(frozen=True, slots=True)
class SoapLimits:
    """Caps on one answer, in bytes unless said otherwise (design rule 9).

    root             SOAP envelope; 26 times that in memory once parsed (stack.md §6)
    part, total      one attachment, the whole answer
    parts            number of MIME parts
    part_headers     MIME header block of one part
    spool_threshold  attachments above it go to a temporary file
    spool_folder     where; None is the system's temporary folder
    answer_seconds   from the first byte sent to the last byte read
    connect_seconds  TCP and TLS opening
    """

    root: int = 16 * MIB
    part: int = 256 * MIB
    total: int = 512 * MIB
    parts: int = 200
    part_headers: int = 16 * 1024
    spool_threshold: int = BLOCK
    spool_folder: Path | None = None
    answer_seconds: float = 600.0
    connect_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class WireProfile:
    """How a server wants its requests.

    must_understand         on wsa:ReplyTo and wsa:Action: `soap:mustUnderstand` as SOAP 1.2 §5.2.3 wants it, or the
                            bare attribute that the DMP's own samples carry (dmp-interface a.1)
    content_type            of a request without attachment, the `action` parameter put aside
    action_in_content_type  adds `; action="…"` to it
    """

    must_understand: MustUnderstand = "qualified"
    content_type: str = "application/soap+xml; charset=UTF-8"
    action_in_content_type: bool = True


IHE = WireProfile()
DMP = WireProfile(must_understand="unqualified")
