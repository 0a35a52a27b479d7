"""A throw-away signing pair of the structure, made once per test run (dmp-interface b.8: OU = Struct_IdNat)."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connector.trust.keys import KeyPair
from connector.trust.roles import AUTOMATE
from connector.trust.vihf import Caller, VihfConfig
from tests.dmp.samples import NOW


@lru_cache
def signing_pair() -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Organisation-Y"),
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
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(key, certificate)


VIHF = VihfConfig(lps_name="dmp-connector", lps_version="0.1", homologation_id="TEST-1")
CALLER = Caller(
    name_id="801234564895",
    subject_id="Eric THOMAS",
    structure_id="1120456789",
    sector="SA01",
    roles=(AUTOMATE,),
)
