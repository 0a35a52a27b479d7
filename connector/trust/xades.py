"""The signature of a submission set: XAdES 1.1.1 over a manifest of the documents (dmp-interface c.8).

signxml signs; its own XAdESSigner cannot write this shape (stack.md §2), so `_SetSigner` fits XMLSigner to it: the
manifest and the signed properties are made first, signed as two references, then moved under the signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod

from connector.base import ns
from connector.base.ns import q
from connector.base.oid import is_oid
from connector.trust.dn import format_name
from connector.trust.errors import SignatureError
from connector.trust.keys import KeyPair
from connector.trust.manifest import Algorithm, binary_digest, manifest_digest
from connector.trust.signing import Digest, Signer

__all__ = ["SignedDocument", "binary_digest", "manifest_digest", "sign_submission_set"]

MANIFEST_ID = "IHEManifest"
PROPERTIES_ID = "S0-SignedProperties"
PURPOSE_ID = "purposeOfSignature"
SOURCE_PURPOSE = "1.2.840.10065.1.12.1.14"
"""Purpose of the signature: Source (ASTM E1762)."""

C14N_WITH_COMMENTS = CanonicalizationMethod.CANONICAL_XML_1_0_WITH_COMMENTS
_TYPES = {f"#{MANIFEST_ID}": f"{ns.DS}Manifest", f"#{PROPERTIES_ID}": f"{ns.XADES111}SignedProperties"}
_DIGEST_URI = {"sha1": f"{ns.DS}sha1", "sha256": "http://www.w3.org/2001/04/xmlenc#sha256"}
# The set does not exist as bytes: its reference carries one null byte.
_NO_DIGEST = "AA=="
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """One document of the set: uniqueId (an OID), digest, and whether it was canonicalised (CDA) or not (KOS)."""

    unique_id: str
    digest: bytes
    canonicalised: bool = True


def sign_submission_set(
    set_unique_id: str,
    documents: Sequence[SignedDocument],
    *,
    signer: KeyPair,
    now: datetime,
    signature_id: str,
    algorithm: Algorithm = "sha1",
) -> bytes:
    """The signature document, UTF-8 with XML declaration, ready to be sent as a part.

    `algorithm` serves every digest and the RSA signature; SHA-1 is what the DMP is known to take. `now` is aware.
    Raises SignatureError (`field`, `found`, `expected`).
    """
    _check(set_unique_id, documents, signature_id, algorithm)
    parts = etree.Element(q(ns.DS, "Signature"), {"Id": signature_id}, {"ds": ns.DS})
    _add_purpose(parts, signature_id)
    _add_manifest(parts, set_unique_id, documents, algorithm)
    _add_properties(parts, signature_id, signer, now, algorithm)
    signed = _SetSigner(algorithm, parts).sign(
        parts,
        key=signer.key,
        cert=[signer.certificate],
        reference_uri=list(_TYPES),
        id_attribute="Id",
        exclude_c14n_transform_element=True,
    )
    return etree.tostring(signed, encoding="UTF-8", xml_declaration=True)


class _SetSigner(Signer):
    """Detached signature over two elements that end up inside it."""

    def __init__(self, digest: Digest, parts: etree._Element) -> None:
        super().__init__(SignatureConstructionMethod.detached, digest, C14N_WITH_COMMENTS)
        self.parts = parts
        self.signature_annotators.append(self._fit)

    def _fit(self, signature: etree._Element, signing_settings: object) -> None:
        """Runs after the digests, before SignedInfo is signed."""
        signature.set("Id", str(self.parts.get("Id")))
        for reference in signature.iterfind(f"{q(ns.DS, 'SignedInfo')}/{q(ns.DS, 'Reference')}"):
            reference.set("Type", _TYPES[str(reference.get("URI"))])
            # No transform: inclusive C14N 1.0 is then the rule, and an empty Transforms is invalid.
            for transforms in reference.findall(q(ns.DS, "Transforms")):
                reference.remove(transforms)
        signature.extend(list(self.parts))


def _add_purpose(parts: etree._Element, signature_id: str) -> None:
    properties = _ds(_ds(parts, "Object"), "SignatureProperties")
    _ds(properties, "SignatureProperty", SOURCE_PURPOSE, Id=PURPOSE_ID, Target=f"#{signature_id}")


def _add_manifest(
    parts: etree._Element, set_unique_id: str, documents: Sequence[SignedDocument], algorithm: Algorithm
) -> None:
    manifest = _ds(_ds(parts, "Object"), "Manifest", Id=MANIFEST_ID)
    _add_reference(manifest, set_unique_id, _NO_DIGEST, algorithm, canonicalised=False)
    for document in documents:
        _add_reference(manifest, document.unique_id, _base64(document.digest), algorithm, document.canonicalised)


def _add_reference(
    manifest: etree._Element, unique_id: str, digest: str, algorithm: Algorithm, canonicalised: bool
) -> None:
    reference = _ds(manifest, "Reference", URI=f"urn:oid:{unique_id}")
    if canonicalised:
        _ds(_ds(reference, "Transforms"), "Transform", Algorithm=C14N_WITH_COMMENTS.value)
    _ds(reference, "DigestMethod", Algorithm=_DIGEST_URI[algorithm])
    _ds(reference, "DigestValue", digest)


def _add_properties(
    parts: etree._Element, signature_id: str, signer: KeyPair, now: datetime, algorithm: Algorithm
) -> None:
    holder = _ds(parts, "Object")
    qualifying = etree.SubElement(
        holder, q(ns.XADES111, "QualifyingProperties"), {"Target": f"#{signature_id}"}, {"xad": ns.XADES111}
    )
    properties = _xad(qualifying, "SignedProperties", Id=PROPERTIES_ID)
    signature = _xad(properties, "SignedSignatureProperties")
    _xad(signature, "SigningTime", f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    certificates = _xad(signature, "SigningCertificate")
    for certificate in (signer.certificate, *signer.chain):
        _add_certificate(certificates, certificate, algorithm)
    _xad(_xad(signature, "SignaturePolicyIdentifier"), "SignaturePolicyImplied")
    _xad(properties, "SignedDataObjectProperties")


def _add_certificate(parent: etree._Element, certificate: x509.Certificate, algorithm: Algorithm) -> None:
    der = certificate.public_bytes(Encoding.DER)
    one = _xad(parent, "Cert")
    # In XAdES 1.1.1 the two digest elements are XAdES's own; from 1.2 on they are xmldsig's.
    digest = _xad(one, "CertDigest")
    _xad(digest, "DigestMethod", Algorithm=_DIGEST_URI[algorithm])
    _xad(digest, "DigestValue", _base64(hashlib.new(algorithm, der, usedforsecurity=False).digest()))
    serial = _xad(one, "IssuerSerial")
    _ds(serial, "X509IssuerName", format_name(certificate.issuer))
    _ds(serial, "X509SerialNumber", str(certificate.serial_number))


def _check(set_unique_id: str, documents: Sequence[SignedDocument], signature_id: str, algorithm: Algorithm) -> None:
    _want(algorithm in _DIGEST_URI, "algorithm", str(algorithm), "sha1 or sha256")
    _want(_NCNAME.fullmatch(signature_id) is not None, "Signature/@Id", signature_id, "an XML name")
    _want(signature_id not in (MANIFEST_ID, PROPERTIES_ID, PURPOSE_ID), "Signature/@Id", signature_id, "another name")
    _want(bool(documents), "documents", "none", "one or more")
    for unique_id in (set_unique_id, *(document.unique_id for document in documents)):
        _want(is_oid(unique_id), "uniqueId", unique_id, "an OID")
    identifiers = {document.unique_id for document in documents} | {set_unique_id}
    _want(len(identifiers) == len(documents) + 1, "uniqueId", "the same one twice", "different ones")
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    for document in documents:
        _want(len(document.digest) == size, "digest", f"{len(document.digest)} bytes", f"{size} bytes of {algorithm}")


def _want(condition: bool, field: str, found: str, expected: str) -> None:
    if not condition:
        raise SignatureError(f"the set cannot be signed: {field}", field=field, found=found, expected=expected)


def _ds(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    return _element(parent, q(ns.DS, tag), text, attributes)


def _xad(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    return _element(parent, q(ns.XADES111, tag), text, attributes)


def _element(parent: etree._Element, tag: str, text: str | None, attributes: dict[str, str]) -> etree._Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
