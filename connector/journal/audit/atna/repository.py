"""The TLS connection to the audit record repository."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from types import TracebackType
from typing import Final, Self

from connector.base.errors import SettingsError
from connector.journal.audit.config import AtnaConfig

_GOODBYE_SECONDS: Final = 2.0


def tls_context(config: AtnaConfig) -> ssl.SSLContext:
    """Only the authorities given are trusted, the name is checked. Raises SettingsError."""
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Some builds of Python take a connection that just ends for one closed in order: lines would count as received.
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        if config.certificate is not None and config.key is not None:
            context.load_cert_chain(config.certificate, config.key, _password(config.password_env))
    except OSError as error:
        raise SettingsError(
            "audit.atna: TLS files unusable",
            name="audit.atna",
            found=f"{config.ca_file}, {config.certificate}, {config.key} ({type(error).__name__})",
            allowed="PEM authorities, a PEM certificate, its key and password",
        ) from error
    return context


def _password(variable: str) -> str:
    if variable and variable not in os.environ:
        raise SettingsError(
            f"environment variable {variable} is not set",
            name="audit.atna.password_env",
            found=variable,
            allowed='a variable that is set, or ""',
        )
    # an empty password, rather than none, keeps OpenSSL from asking one at the terminal
    return os.environ.get(variable, "")


class Repository:
    """One connection. Every method raises OSError (ssl.SSLError included) when it is broken."""

    def __init__(self, config: AtnaConfig, context: ssl.SSLContext) -> None:
        plain = socket.create_connection((config.host, config.port), timeout=config.timeout)
        try:
            self._socket = context.wrap_socket(plain, server_hostname=config.host)
        except BaseException:
            plain.close()
            raise
        self._timeout = config.timeout

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._timeout)
        self._socket.sendall(data)

    def check(self) -> None:
        """Raises ConnectionError when the far end has closed: it says so by an end of stream, syslog has no answer."""
        self._socket.settimeout(0)
        # TLS needs several reads to see the end behind its session tickets
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            while self._socket.recv(4096):
                pass
            raise ConnectionError("closed by the audit repository")

    def say_goodbye(self) -> bool:
        """Ends the connection in order; True when the far end answered, so that it has read all there was."""
        try:
            self._socket.settimeout(_GOODBYE_SECONDS)
            self._socket.unwrap()
        except (OSError, ValueError):
            return False
        return True

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
