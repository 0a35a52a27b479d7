"""From the many exceptions of requests, urllib3 and ssl to one TransportError that says what happened and what left."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3

from connector.base.errors import TransportError
from connector.soap.session import WireProgress

# A server that refuses our certificate says so by one of these alerts. A TLS 1.3 client hears it only after it has
# sent its request, but no server reads a request on a handshake it has refused (RFC 8446 §4.4.2.4, §6.2): on a
# connection opened for that request, nothing has been delivered.
_CERTIFICATE_ALERTS = {
    "CERTIFICATE_REQUIRED": "no client certificate was given",
    "BAD_CERTIFICATE": "client certificate refused",
    "CERTIFICATE_EXPIRED": "client certificate expired",
    "CERTIFICATE_REVOKED": "client certificate revoked",
    "CERTIFICATE_UNKNOWN": "client certificate refused",
    "UNSUPPORTED_CERTIFICATE": "client certificate of an unsupported kind",
    "UNKNOWN_CA": "client certificate from an authority the server does not know",
    "ACCESS_DENIED": "client certificate without access",
    "HANDSHAKE_FAILURE": "no common TLS parameters, or no client certificate",
}


def transport_error(error: BaseException, progress: WireProgress) -> TransportError:
    """The TransportError to raise `from error`; a `progress` that knows nothing counts as sent.

    `context` has `cause` ('server-certificate', 'client-certificate', 'tls', 'name', 'refused', 'timeout',
    'connection') and, for certificates, `reason` in OpenSSL's words.
    """
    left = progress.sent is not False
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message
            return TransportError(
                f"server certificate refused: {reason}", sent=left, cause="server-certificate", reason=reason
            )
    for cause in chain:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return _tls_error(cause, left, progress.fresh)
    if any(isinstance(c, socket.gaierror | urllib3.exceptions.NameResolutionError) for c in chain):
        return TransportError("host name not found", sent=left, cause="name")
    if any(isinstance(c, ConnectionRefusedError) for c in chain):
        return TransportError("connection refused", sent=left, cause="refused")
    timeouts = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
    if any(isinstance(c, timeouts) for c in chain):
        what = "no answer in time" if left else "no connection in time"
        return TransportError(what, sent=left, cause="timeout")
    what = "connection broken before the answer was complete" if left else "connection could not be opened"
    return TransportError(what, sent=left, cause="connection")


def _tls_error(error: ssl.SSLError, sent: bool, fresh: bool) -> TransportError:
    reason = error.reason or "TLS failure"
    alert = reason.partition("_ALERT_")[2] or reason
    meaning = _CERTIFICATE_ALERTS.get(alert)
    if meaning is not None:
        text = f"TLS refused by the server: {meaning}"
        return TransportError(text, sent=sent and not fresh, cause="client-certificate", reason=reason)
    return TransportError(f"TLS failure: {reason}", sent=sent, cause="tls", reason=reason)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was made from: causes, contexts, and those that urllib3 hides in args and reason."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        waiting += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
