"""Who calls POST /letters, and how often: tokens compared in constant time, names of certificates, a rate for each."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from connector.base.credentials import secret
from connector.base.errors import SettingsError
from connector.flows.letters.config import LetterClient, LettersConfig

SHORTEST: Final = 24
"""Characters a token must have: what is shorter could be guessed."""

_STRANGERS: Final = 1_000
"""Addresses of strangers whose rate is remembered."""


class Callers:
    """The clients of [letters], their tokens read once, at the start.

    Raises SettingsError when a token is nowhere, or too short.
    """

    def __init__(
        self, config: LettersConfig, *, read: Callable[[str], str | None] = secret,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._by_token = [(client, _digest(_token(client, read))) for client in config.clients if client.secret_env]
        self._by_name = {client.certificate: client for client in config.clients if client.certificate}
        self._rate, self._burst, self._monotonic = config.rate, config.burst, monotonic
        self._buckets: dict[str, _Bucket] = {}

    def known(self, authorization: str, certificates: Iterable[str]) -> LetterClient | None:
        """The client of a Bearer token, else of the CN of a certificate the TLS layer verified; None for nobody.

        Every token is compared, whether one fits or not: the time says nothing.
        """
        scheme, _, token = authorization.partition(" ")
        given = _digest(token.strip()) if scheme.lower() == "bearer" else b""
        found = None
        for client, digest in self._by_token:
            if hmac.compare_digest(digest, given):
                found = client
        if found is not None or authorization:
            return found
        return next((self._by_name[name] for name in certificates if name in self._by_name), None)

    def wait(self, who: str) -> float:
        """Seconds `who` must wait, 0 when it may go on; that is counted.

        `who` is "client:<name>", or "address:<IP>" of a stranger.
        """
        if len(self._buckets) > _STRANGERS:
            self._buckets = {name: one for name, one in self._buckets.items() if name.startswith("client:")}
        now = self._monotonic()
        bucket = self._buckets.setdefault(who, _Bucket(float(self._burst), now))
        bucket.tokens = min(float(self._burst), bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._rate
        bucket.tokens -= 1
        return 0.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


def names_of(certificate: Mapping[str, object] | None) -> tuple[str, ...]:
    """The CN of a verified peer certificate, as `ssl.SSLSocket.getpeercert` gives it."""
    subject = certificate.get("subject", ()) if certificate else ()
    assert isinstance(subject, tuple)
    return tuple(value for part in subject for name, value in part if name == "commonName")


def _token(client: LetterClient, read: Callable[[str], str | None]) -> str:
    token = (read(client.secret_env) or "").strip()
    if len(token) < SHORTEST:
        raise SettingsError(
            f"letters.clients: no usable token for {client.name}",
            name=f"letters.clients.{client.name}.secret_env",
            found=f"{client.secret_env}: {len(token)} characters",
            allowed=f"an environment variable or credential of {SHORTEST} characters or more",
        )
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
