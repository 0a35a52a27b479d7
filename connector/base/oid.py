"""Object identifiers: shape check and the UUID-derived form (2.25.)."""

from __future__ import annotations

import re
import uuid

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def is_oid(value: str) -> bool:
    """True for a dotted OID of at most 64 characters without leading zero in an arc (ihe-rules D-06)."""
    return len(value) <= 64 and _OID.fullmatch(value) is not None


def oid_from_uuid(value: uuid.UUID) -> str:
    """`2.25.<decimal uuid>` (dmp-interface a.7, EX_2.1-1130)."""
    return f"2.25.{value.int}"
