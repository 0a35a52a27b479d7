"""A signed VIHF against the floor nobody can go below: one raw RSA-2048 SHA-256 signature.

`run()["ratio"]` is the median over rounds of (whole assertion) / (raw signature), both in the same round; at most 3.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from benchmarks.timing import microseconds
from connector.trust.keys import KeyPair
from connector.trust.roles import PROFESSION, SKILL, role
from connector.trust.vihf import Caller, VihfConfig, build_assertion

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
CALLER = Caller(
    "801234564895",
    "THOMAS Eric",
    "1120456789",
    "SA01",
    (role("10", PROFESSION), role("SM26", SKILL)),
    authn_instant=NOW,
)
CONFIG = VihfConfig("connector", "0.1.0", "DMP-0000", lps_id="POSTE-1")
RESOURCE = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"


def key_pair() -> KeyPair:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "1120456789"),
            x509.NameAttribute(NameOID.COMMON_NAME, "connector"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(key, certificate)


def assertion(signer: KeyPair) -> bytes:
    """The whole assertion, as the connector sends it."""
    return build_assertion(CALLER, CONFIG, resource_id=RESOURCE, signer=signer, now=NOW, assertion_id="_a")


def raw_signature(signer: KeyPair) -> bytes:
    return signer.key.sign(b"x" * 1024, padding.PKCS1v15(), hashes.SHA256())


def run(rounds: int = 15, calls: int = 40) -> dict[str, float]:
    """Microseconds of both, and the median ratio; measured in alternation."""
    signer = key_pair()
    ours, raw = [], []
    for _ in range(rounds):
        raw.append(microseconds(partial(raw_signature, signer), calls))
        ours.append(microseconds(partial(assertion, signer), calls))
    return {
        "assertion_us": statistics.median(ours),
        "raw_signature_us": statistics.median(raw),
        "ratio": statistics.median(o / r for o, r in zip(ours, raw, strict=True)),
    }


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name:18} {value:8.2f}")
