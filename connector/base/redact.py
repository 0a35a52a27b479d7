"""Redaction by a function at the edge: identities never reach a log (design rule 9)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import MutableMapping
from typing import Any

# A matricule INS: 13 characters with the Corsica letters, with or without its 2-digit key.
_INS = re.compile(r"(?<![0-9A-Za-z])[1-478]\d{4}(?:\d{2}|2[AB])\d{6}(?:\d{2})?(?![0-9A-Za-z])")
_SECRET_KEYS = frozenset(
    {
        "ins",
        "matricule",
        "nir",
        "name",
        "family",
        "given",
        "birth_date",
        "raw",
        "cda",
        "content",
        "document",
        "pid",
    }
)
MASK = "[redacted]"


def redact_text(text: str) -> str:
    """`text` with everything shaped like a matricule INS masked."""
    return _INS.sub(MASK, text)


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: masks secret keys and matricules in every string value, at any depth."""
    return {key: MASK if key.lower() in _SECRET_KEYS else _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return {k: MASK if str(k).lower() in _SECRET_KEYS else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def keyed_hash(key: bytes, value: str) -> str:
    """Hex HMAC-SHA256 prefix, to correlate lines about one patient without naming them."""
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]
