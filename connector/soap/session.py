"""The HTTP session: mutual TLS from one SSLContext, keep-alive, nothing taken from the environment.

The connections tell whether a byte of the request has left: that is what `TransportError.sent` stands on. They ask the
guard before each piece of a request: a worker that lost its delivery sends nothing more (`connector.base.guard`).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connector.base import guard


@dataclass(slots=True)
class WireProgress:
    """What is certain about one request.

    sent   None until an adapter of ours takes the request (a foreign session proves nothing), then whether a byte left
    fresh  the connection was opened for this very request: a refused handshake is then ours
    """

    sent: bool | None = None
    fresh: bool = False


_progress: ContextVar[WireProgress | None] = ContextVar("soap_wire_progress", default=None)


def watch(progress: WireProgress) -> None:
    """Makes the connections of this thread report on `progress`, until the next call replaces it."""
    _progress.set(progress)


def tls_session(context: ssl.SSLContext | None, pool: int = 8) -> requests.Session:
    """A session with `pool` kept-alive connections per host, verified and authenticated by `context`.

    `context` None is the system's trust without a client certificate. Proxies, REQUESTS_CA_BUNDLE, .netrc and
    cookies are all ignored (stack.md §1: the environment overrides a private CA otherwise). Safe across threads.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers["User-Agent"] = "connector"
    adapter = _TlsAdapter(context or ssl.create_default_context(), pool)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _TlsAdapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext, pool: int) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=pool, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block=block, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _WatchedHttpPool, "https": _WatchedHttpsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # requests would load certifi's public CAs into the context here: trust is the context's alone.
        conn.cert_reqs = "CERT_REQUIRED"

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        progress = _progress.get()
        if progress is not None:
            progress.sent = False
        return super().send(request, *args, **kwargs)


def _mark_sent() -> None:
    progress = _progress.get()
    if progress is not None:
        progress.sent = True


def _pieces(connection: Any, data: Any) -> Iterator[Any]:
    """`data` piece by piece, each when the guard lets it leave."""
    view = memoryview(data)
    while len(view):
        size = guard.may_leave(connection, len(view))
        _mark_sent()
        yield view[:size]
        view = view[size:]


class _WatchedHttp(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        for piece in _pieces(self.sock, data):
            super().send(piece)


class _WatchedHttps(HTTPSConnection):
    def connect(self) -> None:
        progress = _progress.get()
        if progress is not None:
            progress.fresh = True
        super().connect()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        for piece in _pieces(self.sock, data):
            super().send(piece)


class _WatchedHttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _WatchedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps
