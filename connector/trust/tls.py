"""The TLS client side of the DMP: TLS 1.2 only, the four suites, both ends authenticated (dmp-interface f)."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from connector.trust.errors import KeyMaterialError
from connector.trust.keys import KeyPair, load_pkcs12

DMP_SUITES = (
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-SHA384",
)
"""OpenSSL names of the four suites of PDT-INF-579, the CBC one last."""


def client_context(cert_file: Path, key_file: Path, ca_file: Path, password: str | None = None) -> ssl.SSLContext:
    """Mutual TLS from PEM files; only servers signed by `ca_file` and named as called are trusted.

    Raises KeyMaterialError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(DMP_SUITES))
    try:
        # An empty password, rather than none, keeps OpenSSL from asking one at the terminal.
        context.load_cert_chain(cert_file, key_file, password or "")
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise KeyMaterialError(
            "TLS files unusable",
            field=f"{cert_file.name}, {key_file.name}, {ca_file.name}",
            found=type(error).__name__,
            expected="a PEM certificate, its key and password, and PEM authorities",
        ) from error
    return context


def client_context_pkcs12(file: Path, ca_file: Path, password: str | None = None) -> ssl.SSLContext:
    """The same from a PKCS#12 file, the usual form of AUTH_CLI certificates."""
    return client_context_of(load_pkcs12(file, password), ca_file)


def client_context_of(pair: KeyPair, ca_file: Path) -> ssl.SSLContext:
    """The same from a loaded pair."""
    # ssl only reads files: the key crosses the disk once, encrypted under a password that is never stored.
    password = secrets.token_urlsafe(32)
    certificates = b"".join(c.public_bytes(Encoding.PEM) for c in (pair.certificate, *pair.chain))
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pair.pem")
        file.touch(mode=0o600)
        file.write_bytes(certificates + key)
        return client_context(file, file, ca_file, password)
