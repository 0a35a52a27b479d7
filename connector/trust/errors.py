"""Refusals of the trust room; each keeps field, found and expected in `context`."""

from __future__ import annotations

from connector.base.errors import ConnectorError


class KeyMaterialError(ConnectorError):
    """A key or certificate file that cannot be used; `context` has `field`, `found`, `expected`."""


class VihfError(ConnectorError):
    """An assertion that the rules of the VIHF forbid; `context` has `field`, `found`, `expected`."""


class SignatureError(ConnectorError):
    """A submission-set signature that cannot be made; `context` has `field`, `found`, `expected`."""


class ClockError(ConnectorError):
    """Our clock is too far from a server's; `context` has `source`, `offset_seconds`, `limit_seconds`."""


class SessionError(ConnectorError):
    """A professional session that cannot be used; `context` has `field`, `found`, `expected`."""
