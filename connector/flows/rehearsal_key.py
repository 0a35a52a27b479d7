"""A key pair for one run, that signs what is never sent: rehearsals need no certificate of the structure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from connector.trust.keys import MIN_RSA_BITS, KeyPair

_ALWAYS: Final = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def throwaway_key() -> RSAPrivateKey:
    """A new key, from the system's randomness, kept nowhere."""
    return generate_private_key(65537, MIN_RSA_BITS)


def throwaway_pair(key: RSAPrivateKey, structure: str) -> KeyPair:
    """`key` under a self-signed certificate whose OU is `structure`, as that of an ORG_SIGN is."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, structure),
            x509.NameAttribute(NameOID.COMMON_NAME, "REHEARSAL"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_ALWAYS[0])
        .not_valid_after(_ALWAYS[1])
        .sign(key, SHA256())
    )
    return KeyPair(key, certificate)
