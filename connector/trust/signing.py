"""signxml as this project uses it: RSA with SHA-256, or SHA-1 where an old server still wants it."""

from __future__ import annotations

import logging
from typing import Literal

from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

Digest = Literal["sha256", "sha1"]

_SIGNATURE = {"sha256": SignatureMethod.RSA_SHA256, "sha1": SignatureMethod.RSA_SHA1}
_DIGEST = {"sha256": DigestAlgorithm.SHA256, "sha1": DigestAlgorithm.SHA1}

# At DEBUG level signxml writes what it canonicalises: names and matricules would reach the log.
logging.getLogger("signxml").setLevel(logging.INFO)


class Signer(XMLSigner):
    """One signer per signature: signxml keeps state on the object."""

    def __init__(self, method: SignatureConstructionMethod, digest: Digest, c14n: CanonicalizationMethod) -> None:
        super().__init__(
            method=method,
            signature_algorithm=_SIGNATURE[digest],
            digest_algorithm=_DIGEST[digest],
            c14n_algorithm=c14n,
        )

    def check_deprecated_methods(self) -> None:
        """Allow SHA-1: it is a setting here, never a default of the VIHF (dmp-interface b.8, c.8)."""
