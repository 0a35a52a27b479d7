"""The base64 of an OBX-5, as hospitals really write it (hl7v2-interface §3.4, §9.2-8, §9.2-11)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from connector.base.errors import CodecError

_ALPHABET = re.compile(r"[A-Za-z0-9+/]*")


@dataclass(frozen=True, slots=True, repr=False)
class Payload:
    """Decoded bytes; `repaired` is True when the padding had to be mended."""

    content: bytes
    repaired: bool = False


def decode_payload(encoded: str) -> Payload:
    """Bytes of a base64 component: strictly first, then with its padding mended; blanks and line breaks are dropped.

    Raises CodecError (field, found, expected) on a foreign character or on a length no padding can mend: a cut
    document is never guessed.
    """
    try:
        # the text itself, without the copies that base64.b64decode makes: it may be a document of several megabytes
        return Payload(binascii.a2b_base64(encoded, strict_mode=True))
    except ValueError:
        # a blank, or what follows: nothing is dropped from a text that has nothing to drop
        compact = _without_blanks(encoded)
    try:
        return Payload(binascii.a2b_base64(compact, strict_mode=True))
    except ValueError:
        # binascii.Error, or a character outside ASCII: the padding may still be all that is wrong.
        bare = compact.rstrip("=")
    if _ALPHABET.fullmatch(bare) is None:
        raise _undecodable("a character outside the base64 alphabet")
    if len(bare) % 4 == 1:
        raise _undecodable(f"{len(bare)} characters, one too many or three too few")
    return Payload(base64.b64decode(bare + "=" * (-len(bare) % 4)), repaired=True)


def decode_text(encoded: str) -> str | None:
    """Text of a mail body, where losing the last character beats losing the mail; None when nothing can be read."""
    bare = _without_blanks(encoded).rstrip("=")
    if _ALPHABET.fullmatch(bare) is None:
        return None
    if len(bare) % 4 == 1:
        bare = bare[:-1]
    content = base64.b64decode(bare + "=" * (-len(bare) % 4))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("iso8859-15")


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _undecodable(found: str) -> CodecError:
    return CodecError("payload is not base64", field="OBX-5.5", found=found, expected="base64 (RFC 4648)")
