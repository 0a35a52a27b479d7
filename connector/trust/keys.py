"""Key pairs of the structure: loaded once as objects, then checked problem by problem (dmp-interface b.8).

Parsing a PEM key costs 40 ms, 150 signatures' worth: a KeyPair is loaded at start and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connector.base.finding import Finding
from connector.trust.errors import KeyMaterialError

MIN_RSA_BITS = 2048
_REFERENCE = "dmp-interface b.8"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key, its certificate and the certificates above it (nearest first). `repr` shows no key."""

    key: RSAPrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def __repr__(self) -> str:
        return (
            f"KeyPair(serial={self.certificate.serial_number:x}, until={self.certificate.not_valid_after_utc:%Y-%m-%d})"
        )


def load_pem(cert_file: Path, key_file: Path, password: str | None = None) -> KeyPair:
    """The pair in two PEM files (or twice the same one); certificates after the first are the chain.

    Raises KeyMaterialError on an unreadable file, a wrong password or a key that is not RSA.
    """
    secret = password.encode() if password is not None else None
    try:
        leaf, *chain = x509.load_pem_x509_certificates(cert_file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), secret)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(f"{cert_file.name}, {key_file.name}", "PEM") from error
    return KeyPair(_rsa(key, key_file.name), leaf, tuple(chain))


def load_pkcs12(file: Path, password: str | None = None) -> KeyPair:
    """The pair in a PKCS#12 file. Raises KeyMaterialError like `load_pem`."""
    secret = password.encode() if password is not None else None
    try:
        key, leaf, chain = pkcs12.load_key_and_certificates(file.read_bytes(), secret)
    except (OSError, ValueError) as error:
        raise _unreadable(file.name, "PKCS#12") from error
    if leaf is None:
        raise KeyMaterialError("no certificate goes with the key", field=file.name, found="none", expected="one")
    return KeyPair(_rsa(key, file.name), leaf, tuple(chain))


def structure_of(certificate: x509.Certificate) -> str:
    """Struct_IdNat of the certificate: its OU ("" when it has none; the first one when several)."""
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return _text(units[0].value) if units else ""


def check_sign_certificate(pair: KeyPair, structure: str, now: datetime) -> list[Finding]:
    """Problems of an ORG_SIGN pair, [] when fit to sign. `structure` "" skips the OU check."""
    usage = _key_usage(pair.certificate)
    findings = _check_common(pair, structure, now, "SIGN")
    if usage is None or not usage.content_commitment:
        findings.append(
            _finding(
                "TRUST-SIGN-USAGE",
                "certificate.keyUsage",
                _usage_text(usage),
                "nonRepudiation (contentCommitment)",
                "Ce certificat n'est pas un certificat de signature (cachet ORG_SIGN) : il lui manque l'usage"
                " nonRepudiation.",
                code="DMPInvalidCertificate",
            )
        )
    return findings


def check_auth_certificate(pair: KeyPair, structure: str, now: datetime) -> list[Finding]:
    """Problems of an ORG_AUTH_CLI pair, [] when fit for TLS. `structure` "" skips the OU check."""
    findings = _check_common(pair, structure, now, "AUTH_CLI")
    purposes = _extended_usage(pair.certificate)
    if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        findings.append(
            _finding(
                "TRUST-AUTH-USAGE",
                "certificate.extendedKeyUsage",
                ", ".join(oid.dotted_string for oid in purposes) or "none",
                f"clientAuth ({ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string})",
                "Ce certificat n'est pas un certificat d'authentification (ORG_AUTH_CLI) : il lui manque l'usage"
                " clientAuth.",
            )
        )
    return findings


def _check_common(pair: KeyPair, structure: str, now: datetime, role: str) -> list[Finding]:
    certificate = pair.certificate
    findings = []
    if now > certificate.not_valid_after_utc:
        until = certificate.not_valid_after_utc
        findings.append(
            _finding(
                "TRUST-EXPIRED",
                "certificate.notAfter",
                f"{until:%Y-%m-%dT%H:%M:%SZ}",
                f"after {now:%Y-%m-%dT%H:%M:%SZ}",
                f"Le certificat {role} est expiré depuis le {until:%d/%m/%Y}.",
            )
        )
    if now < certificate.not_valid_before_utc:
        since = certificate.not_valid_before_utc
        findings.append(
            _finding(
                "TRUST-NOT-YET-VALID",
                "certificate.notBefore",
                f"{since:%Y-%m-%dT%H:%M:%SZ}",
                f"before {now:%Y-%m-%dT%H:%M:%SZ}",
                f"Le certificat {role} n'est valable qu'à partir du {since:%d/%m/%Y} : vérifier aussi l'heure.",
            )
        )
    if structure and structure_of(certificate) != structure:
        findings.append(
            _finding(
                "TRUST-STRUCTURE",
                "certificate.subject.OU",
                structure_of(certificate) or "none",
                structure,
                f"Le certificat {role} n'est pas celui de la structure configurée.",
            )
        )
    if pair.key.public_key() != certificate.public_key():
        findings.append(
            _finding(
                "TRUST-KEY-MISMATCH",
                "key",
                "another public key",
                "the public key of the certificate",
                f"La clé privée {role} ne correspond pas au certificat.",
            )
        )
    if pair.key.key_size < MIN_RSA_BITS:
        findings.append(
            _finding(
                "TRUST-RSA-SIZE",
                "key",
                f"RSA {pair.key.key_size}",
                f"RSA {MIN_RSA_BITS} or more",
                f"La clé {role} est trop courte : {pair.key.key_size} bits.",
            )
        )
    return findings


def _finding(rule: str, field: str, found: str, expected: str, text: str, code: str = "") -> Finding:
    return Finding(rule, "error", field, found, expected, text, code, _REFERENCE)


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _extended_usage(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []


def _usage_text(usage: x509.KeyUsage | None) -> str:
    if usage is None:
        return "no keyUsage"
    named = (
        ("digitalSignature", usage.digital_signature),
        ("nonRepudiation", usage.content_commitment),
        ("keyEncipherment", usage.key_encipherment),
        ("dataEncipherment", usage.data_encipherment),
        ("keyAgreement", usage.key_agreement),
        ("keyCertSign", usage.key_cert_sign),
        ("cRLSign", usage.crl_sign),
    )
    return ", ".join(name for name, present in named if present)


def _rsa(key: object, name: str) -> RSAPrivateKey:
    if not isinstance(key, RSAPrivateKey):
        raise KeyMaterialError("not an RSA private key", field=name, found=type(key).__name__, expected="RSA key")
    return key


def _unreadable(name: str, form: str) -> KeyMaterialError:
    return KeyMaterialError(
        f"key material unreadable: {name}", field=name, found="unreadable", expected=f"{form}, with its password if any"
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
