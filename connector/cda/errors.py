"""Refusal of a document that is not the CDA it claims to be."""

from __future__ import annotations

from connector.base.errors import CodecError


class CdaError(CodecError):
    """Bytes that are not a readable ClinicalDocument; `context` has `field`, `found`, `expected`."""
