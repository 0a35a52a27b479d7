"""What can go wrong once a request has left: every class here says "the outcome is unknown" (design rule 7).

They are TransportError with `sent=True`, so a caller that knows nothing of SOAP asks before it resends. Where the
cause is an answer that cannot be read they are CodecError too, for the caller that wants to tell both apart.
"""

from __future__ import annotations

from typing import Any

from connector.base.errors import CodecError, LimitError, TransportError


class UnreadableAnswer(TransportError, CodecError):
    """Bytes came back that are not a SOAP answer; `context` has `field`, `found`, `expected`, `http_status`."""

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message, sent=True, **context)


class AnswerTooLarge(UnreadableAnswer, LimitError):
    """The answer passed a limit of SoapLimits; `context` has `limit` and `found` besides."""


class RelatesToMismatch(TransportError):
    """The answer names another request (wsa:RelatesTo): ours may have been served or not.

    `context` has `field`, `found` and `expected` (message ids, no identity in them).
    """

    def __init__(self, *, found: str, expected: str) -> None:
        super().__init__(
            f"answer to another message: wsa:RelatesTo is {found}, expected {expected}",
            sent=True,
            field="wsa:RelatesTo",
            found=found,
            expected=expected,
        )
