"""MSH-18 to a Python codec and back (hl7v2-interface §1.5): strict first, then honest fallbacks with a flag."""

from __future__ import annotations

import re
from typing import NamedTuple

from connector.hl7.errors import Er7Error

UTF8 = "UNICODE UTF-8"
LATIN9 = "8859/15"

_CODECS = {
    "": "ascii",
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "ISO-8859-1": "iso8859-1",
    "ISO8859-1": "iso8859-1",
    "8859/15": "iso8859-15",
    "ISO-8859-15": "iso8859-15",
    "ISO8859-15": "iso8859-15",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UNICODE-UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "CP1252": "cp1252",
    "WINDOWS-1252": "cp1252",
}

# Order of the fallbacks when the declared set does not fit the bytes.
_FALLBACKS = ("utf-8", "iso8859-15", "cp1252")

# 0x80-0x9F are control characters in the 8859 family: text holding them is something else, mostly cp1252.
_C1 = re.compile(rb"[\x80-\x9f]")

# Typographic characters 8859/15 lacks, and what a reader expects instead.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u202f": " "})


class Decoded(NamedTuple):
    """Text of the message, Python codec that read it, and "" or one sentence on how the declaration was wrong."""

    text: str
    codec: str
    flag: str


def codec_of(declared: str) -> str:
    """Python codec of an MSH-18 value, "" counting as ASCII.

    Raises Er7Error 103 on MSH-18 for a set we do not read (ISO IR87, UTF-16…).
    """
    codec = _CODECS.get(declared) or _CODECS.get(" ".join(declared.upper().replace("_", "-").split()))
    if codec is None:
        raise Er7Error(
            "character set not supported",
            err_code="103",
            location="MSH^1^18",
            field="MSH-18",
            found=declared[:40],
            expected=f"{UTF8} or {LATIN9}",
        )
    return codec


def reply_charset(declared: str) -> str:
    """MSH-18 of our answer: the volet allows two values only (hl7v2-interface §1.4). Unknown sets get UTF-8."""
    codec = _CODECS.get(" ".join(declared.upper().replace("_", "-").split()), "utf-8")
    return LATIN9 if codec in ("iso8859-1", "iso8859-15", "cp1252") else UTF8


def decode(raw: bytes, declared: str) -> Decoded:
    """`raw` as text: the declared set strictly, else UTF-8, 8859/15, cp1252 in this order, flagged.

    A message that declares an 8859 set while its bytes are valid UTF-8 is read as declared, and flagged.
    Raises Er7Error 103 (set not supported) or 102 (no set fits).
    """
    codec = codec_of(declared)
    text = _strict(raw, codec)
    if text is not None:
        suspect = codec != "utf-8" and not raw.isascii() and _strict(raw, "utf-8") is not None
        return Decoded(text, codec, f"declared {declared}, the bytes look like UTF-8" if suspect else "")
    for other in _FALLBACKS:
        text = _strict(raw, other)
        if text is not None:
            return Decoded(text, other, f"declared {declared or 'nothing (ASCII)'}, read as {other}")
    raise Er7Error(
        "no character set fits the bytes",
        err_code="102",
        location="MSH^1^18",
        field="MSH-18",
        found=declared[:40],
        expected="text in the declared set",
    )


def encode(text: str, declared: str) -> bytes:
    """`text` in the set declared in MSH-18; a character it lacks becomes its plain form, else `?`.

    Raises Er7Error 103 for a set we do not write.
    """
    codec = codec_of(declared)
    if codec == "utf-8":
        return text.encode("utf-8", "replace")
    return text.translate(_PLAIN).encode(codec, "replace")


def _strict(raw: bytes, codec: str) -> str | None:
    if codec.startswith("iso8859") and not raw.isascii() and _C1.search(raw):
        return None
    try:
        # An ASCII message reads the same in every set, and UTF-8 is the fastest decoder.
        return raw.decode("utf-8" if raw.isascii() else codec)
    except UnicodeDecodeError:
        return None
