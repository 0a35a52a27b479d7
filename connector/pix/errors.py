"""An answer of the identity server that cannot be believed."""

from __future__ import annotations

from typing import Any

from connector.base.errors import CodecError, TransportError


class PixAnswerError(TransportError, CodecError):
    """Unreadable answer, or the answer to another query; `context` has `field`, `found`, `expected`.

    A TransportError, because a query changes nothing: asking again is the remedy.
    """

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message, sent=True, **context)
