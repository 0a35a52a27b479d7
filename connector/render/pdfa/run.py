"""Reads a PDF under limits, then asks each rule."""

from __future__ import annotations

import io
import logging
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from connector.base.finding import Finding, Severity
from connector.render.pdfa.model import Fault, File, direct
from connector.render.pdfa.rules import RULES

# what pypdf raises on garbage, besides its own errors
_GARBAGE: Final = (
    PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError, OSError,
    NotImplementedError, struct.error, zlib.error,
)  # fmt: skip

# what it has to say of a damaged file is said by a finding
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a file, objects looked at, seconds spent looking."""

    size: int = 50 * 1024 * 1024
    objects: int = 200_000
    seconds: float = 10.0


class _Passed(Exception):
    """A limit was passed; its text says which."""


def check_pdfa(
    content: bytes,
    *,
    strict: bool = False,
    limits: Limits = Limits(),
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Finding, ...]:
    """Findings of the PDF/A-1b rules, in their order; () when there are none. Never raises, whatever `content` is.

    They are warnings, for a PDF that was received, or errors with `strict`, for one that we made. A file that cannot be
    read, or within `limits`, has the one finding PDFA-00.
    """
    severity: Severity = "error" if strict else "warning"
    try:
        file = _read(content, limits, clock)
        faults = [(rule.id, rule.clause, fault) for rule in RULES for fault in rule.look(file)]
    except _Passed as passed:
        faults = [
            ("PDFA-00", "", Fault(str(passed), "un PDF de taille ordinaire", "Le PDF est trop grand pour être lu"))
        ]
    except _GARBAGE as error:
        faults = [("PDFA-00", "", Fault(type(error).__name__, "un PDF bien formé", "Le PDF n'est pas lisible"))]
    return tuple(
        Finding(rule, severity, "PDF", fault.found, fault.expected, fault.text, "", f"ISO 19005-1 {clause}".strip())
        for rule, clause, fault in faults
    )


def _read(content: bytes, limits: Limits, clock: Callable[[], float]) -> File:
    if len(content) > limits.size:
        raise _Passed(f"{len(content)} octets")
    deadline = clock() + limits.seconds
    reader = PdfReader(io.BytesIO(content))
    trailer = reader.trailer
    if "/Encrypt" in trailer:
        # what is encrypted cannot be walked: the rules about the file say enough
        return File(content, trailer, DictionaryObject(), (trailer,))
    catalog = direct(trailer["/Root"])
    if not isinstance(catalog, DictionaryObject):
        raise ValueError("no catalog")
    return File(content, trailer, catalog, tuple(_walk(trailer, limits, deadline, clock)))


def _walk(
    trailer: DictionaryObject, limits: Limits, deadline: float, clock: Callable[[], float]
) -> list[DictionaryObject]:
    """Every dictionary that is reached from the trailer, streams among them, in no order that matters."""
    found: list[DictionaryObject] = []
    seen: set[tuple[int, int]] = set()
    pending: list[Any] = [trailer]
    looked = 0
    while pending:
        value = pending.pop()
        looked += 1
        if looked > limits.objects:
            raise _Passed(f"plus de {limits.objects} objets")
        if looked % 64 == 0 and clock() > deadline:
            raise _Passed(f"plus de {limits.seconds:g} secondes")
        if isinstance(value, IndirectObject):
            if (value.idnum, value.generation) in seen:
                continue
            seen.add((value.idnum, value.generation))
            value = value.get_object()
        if isinstance(value, DictionaryObject):
            found.append(value)
            pending.extend(value.raw_get(key) for key in value)
        elif isinstance(value, ArrayObject):
            pending.extend(list.__iter__(value))
    return found
