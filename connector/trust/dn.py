"""Distinguished names as the VIHF and the signature write them (dmp-interface b.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

IssuerOrder = Literal["rfc2253", "forward"]

# The province is ST (never S); surname and given name go by SN and GN.
_LABELS = {
    NameOID.COMMON_NAME: "CN",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "GN",
}


@lru_cache(maxsize=16)
def issuer_name(certificate: x509.Certificate, order: IssuerOrder = "rfc2253") -> str:
    """DN of the certificate's holder, who issues the assertion: most specific first, or as in the certificate."""
    return format_name(certificate.subject, order)


def format_name(name: x509.Name, order: IssuerOrder = "rfc2253") -> str:
    """`name` with RFC 2253 escapes; a multi-valued RDN keeps its `+`."""
    parts = [rdn.rfc4514_string(_LABELS) for rdn in name.rdns]
    return ",".join(reversed(parts)) if order == "rfc2253" else ", ".join(parts)
