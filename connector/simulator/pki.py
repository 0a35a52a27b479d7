"""A test public-key infrastructure made at run time: one CA, and each certificate a judge needs to see.

Shapes follow the IGC-Santé organisation certificates (dmp-interface b.8): SIGN has digitalSignature+nonRepudiation
and EKU emailProtection, AUTH_CLI digitalSignature and clientAuth, OU is the Struct_IdNat, ST "Department (nn)".
Keys are made on first use, kept in the folder, and made again near expiry. They protect nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MAIN_STRUCTURE = "1120456789"
OTHER_STRUCTURE = "1120459876"
UNKNOWN_STRUCTURE = "1999999999"

_LIFETIME = timedelta(days=90)
_MARGIN = timedelta(days=7)

Usage = Literal["server", "sign", "auth", "ca"]


@dataclass(frozen=True, slots=True)
class PairFiles:
    """PEM files of one key pair: certificate (leaf only) and unencrypted PKCS#8 key."""

    certificate: Path
    key: Path

    def load_certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    def load_key(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{self.key.name} is not an RSA key")
        return key


@dataclass(frozen=True, slots=True)
class _Profile:
    usage: Usage
    structure: str = MAIN_STRUCTURE
    organisation: str = "Organisation-Y"
    name: str = "connecteur"
    issuer: str = "ca"
    expired: bool = False


_PROFILES: dict[str, _Profile] = {
    "ca": _Profile("ca"),
    "unknown-ca": _Profile("ca"),
    "server": _Profile("server", name="localhost"),
    "server-unknown-ca": _Profile("server", name="localhost", issuer="unknown-ca"),
    "sign": _Profile("sign"),
    "auth": _Profile("auth"),
    "sign-other": _Profile("sign", OTHER_STRUCTURE, "labo"),
    "auth-other": _Profile("auth", OTHER_STRUCTURE, "labo"),
    "sign-expired": _Profile("sign", expired=True),
    "auth-expired": _Profile("auth", expired=True),
    "sign-unknown-structure": _Profile("sign", UNKNOWN_STRUCTURE, "Inconnue"),
    "auth-unknown-structure": _Profile("auth", UNKNOWN_STRUCTURE, "Inconnue"),
    "sign-unknown-ca": _Profile("sign", issuer="unknown-ca"),
    "auth-unknown-ca": _Profile("auth", issuer="unknown-ca"),
}


class Pki:
    """Certificates under one folder. `Pki.create(folder, now)`; every attribute gives file paths, made lazily."""

    def __init__(self, folder: Path, now: datetime) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._now = now
        self._lock = threading.RLock()

    @classmethod
    def create(cls, folder: Path, now: datetime) -> Pki:
        """Opens or starts the store; `now` (aware) dates new certificates and decides which ones are stale."""
        pki = cls(folder, now)
        if pki._stale("ca"):
            # A new CA voids all it signed.
            for file in (*folder.glob("*.pem"), *folder.glob("*.p12")):
                file.unlink()
        pki.pair("ca")
        return pki

    @property
    def ca(self) -> Path:
        return self.pair("ca").certificate

    @property
    def server(self) -> PairFiles:
        return self.pair("server")

    @property
    def server_unknown_ca(self) -> PairFiles:
        return self.pair("server-unknown-ca")

    @property
    def sign(self) -> PairFiles:
        return self.pair("sign")

    @property
    def auth(self) -> PairFiles:
        return self.pair("auth")

    @property
    def sign_other(self) -> PairFiles:
        """SIGN of another known structure (1120459876)."""
        return self.pair("sign-other")

    @property
    def auth_other(self) -> PairFiles:
        return self.pair("auth-other")

    @property
    def sign_expired(self) -> PairFiles:
        return self.pair("sign-expired")

    @property
    def auth_expired(self) -> PairFiles:
        return self.pair("auth-expired")

    @property
    def sign_unknown_structure(self) -> PairFiles:
        """SIGN whose OU is in no directory."""
        return self.pair("sign-unknown-structure")

    @property
    def auth_unknown_structure(self) -> PairFiles:
        return self.pair("auth-unknown-structure")

    @property
    def sign_unknown_ca(self) -> PairFiles:
        return self.pair("sign-unknown-ca")

    @property
    def auth_unknown_ca(self) -> PairFiles:
        return self.pair("auth-unknown-ca")

    def pair(self, name: str) -> PairFiles:
        """The pair called `name`, made now when absent or near expiry. Raises KeyError for an unknown name."""
        files = self._files(name)
        with self._lock:
            if self._stale(name):
                self._make(name, _PROFILES[name], files)
        return files

    def pkcs12(self, name: str, password: str) -> Path:
        """A PKCS#12 file of pair `name` with the CA as chain, protected by `password`."""
        files = self.pair(name)
        authority = self.pair(_PROFILES[name].issuer).load_certificate()
        path = self.folder / f"{name}.p12"
        protection = serialization.BestAvailableEncryption(password.encode())
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                name.encode(), files.load_key(), files.load_certificate(), [authority], protection
            )
        )
        return path

    def _files(self, name: str) -> PairFiles:
        return PairFiles(self.folder / f"{name}.pem", self.folder / f"{name}.key.pem")

    def _stale(self, name: str) -> bool:
        files = self._files(name)
        if not (files.certificate.exists() and files.key.exists()):
            return True
        certificate = files.load_certificate()
        if _PROFILES[name].expired:
            return certificate.not_valid_after_utc >= self._now
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return not start <= self._now < end - _MARGIN

    def _make(self, name: str, profile: _Profile, files: PairFiles) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = _authority_name(name) if profile.usage == "ca" else _subject(profile)
        if profile.usage == "ca":
            issuer, issuer_key = subject, key
        else:
            authority = self.pair(profile.issuer)
            issuer, issuer_key = authority.load_certificate().subject, authority.load_key()
        start = self._now - timedelta(days=30 if profile.expired else 1)
        # The CA outlives its leaves, so that a leaf never expires after its issuer.
        end = self._now - timedelta(days=1) if profile.expired else start + _LIFETIME * (2 if issuer == subject else 1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        )
        certificate = _with_usage(builder, profile.usage).sign(issuer_key, hashes.SHA256())
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        files.key.touch(mode=0o600)
        files.key.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        files.certificate.write_bytes(certificate.public_bytes(pem))


def _authority_name(name: str) -> x509.Name:
    label = "AC TEST ELEMENTAIRE ORGANISATIONS" if name == "ca" else "AC INCONNUE"
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SIMULATEUR DMP"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 000000000"),
            x509.NameAttribute(NameOID.COMMON_NAME, label),
        ]
    )


def _subject(profile: _Profile) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Paris (75)"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, profile.organisation),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, profile.structure),
            x509.NameAttribute(NameOID.COMMON_NAME, profile.name),
        ]
    )


def _with_usage(builder: x509.CertificateBuilder, usage: Usage) -> x509.CertificateBuilder:
    extended = {
        "server": ExtendedKeyUsageOID.SERVER_AUTH,
        "sign": ExtendedKeyUsageOID.EMAIL_PROTECTION,
        "auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    builder = builder.add_extension(
        x509.BasicConstraints(ca=usage == "ca", path_length=0 if usage == "ca" else None), critical=True
    ).add_extension(
        x509.KeyUsage(
            digital_signature=usage != "ca",
            content_commitment=usage == "sign",
            key_encipherment=usage == "server",
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=usage == "ca",
            crl_sign=usage == "ca",
            encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )
    if usage != "ca":
        builder = builder.add_extension(x509.ExtendedKeyUsage([extended[usage]]), critical=False)
    if usage == "server":
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder
