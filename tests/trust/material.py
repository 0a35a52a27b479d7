"""Test certificates made at run time: an authority, SIGN and AUTH_CLI pairs, and wrong ones on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connector.trust.keys import KeyPair

NOW = datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=UTC)
STRUCTURE = "1120456789"


@lru_cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key per name and per run: making one costs 100 ms."""
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Wish:
    """What a certificate should look like; the default is a good ORG_SIGN."""

    ou: str | None = STRUCTURE
    sign: bool = True
    client: bool = False
    server: bool = False
    start: datetime = NOW - timedelta(days=30)
    end: datetime = NOW + timedelta(days=365)
    key_usage: bool = True
    key_name: str = "leaf"
    bits: int = 2048
    common_name: str = "connector"
    names: tuple[x509.NameAttribute, ...] = ()
    hosts: tuple[str, ...] = field(default=("localhost",))


def subject(wish: Wish) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Paris (75)"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Organisation-Y"),
    ]
    if wish.ou is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, wish.ou))
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, wish.common_name), *wish.names])


AUTHORITY_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Autorité d'essai"),
        x509.NameAttribute(NameOID.COMMON_NAME, "ESSAI ELEMENTAIRE ORGANISATIONS"),
    ]
)


@lru_cache
def authority(name: str = "authority") -> x509.Certificate:
    key = rsa_key(name)
    return (
        x509.CertificateBuilder()
        .subject_name(AUTHORITY_NAME)
        .issuer_name(AUTHORITY_NAME)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


@lru_cache
def pair(wish: Wish = Wish(), authority_name: str = "authority") -> KeyPair:
    key = rsa_key(wish.key_name, wish.bits)
    above = authority(authority_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(wish))
        .issuer_name(above.subject)
        .public_key(key.public_key())
        .serial_number(0x1234567890ABCDEF)
        .not_valid_before(wish.start)
        .not_valid_after(wish.end)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(rsa_key(authority_name).public_key()), critical=False
        )
    )
    if wish.key_usage:
        builder = builder.add_extension(_usage(digital_signature=True, content_commitment=wish.sign), critical=True)
    purposes = [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    if wish.client:
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if wish.server:
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH]
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in wish.hosts])
        builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return KeyPair(key, builder.sign(rsa_key(authority_name), hashes.SHA256()), (above,))


def write_pem(folder: Path, material: KeyPair, name: str = "leaf") -> tuple[Path, Path, Path]:
    """Certificate, key and authority files."""
    cert, key, ca = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}-ca.pem"
    cert.write_bytes(material.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(material.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    ca.write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in material.chain))
    return cert, key, ca


def _usage(
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
