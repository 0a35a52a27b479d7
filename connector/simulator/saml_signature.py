"""The signature of a VIHF: who signed, with what, over what. Only what was signed is handed back.

Wrapping attacks are refused by construction (stack.md §2): the one assertion of the envelope is taken out alone, its
signature must be its direct child after Issuer, refer to its own ID, and the caller gets the verified copy.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature as CryptoInvalidSignature
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connector.base.errors import CodecError
from connector.base.ns import DS, SAML2, q
from connector.base.xmlsafe import parse_xml
from connector.simulator.model import SimFault

EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_ID_NAMES = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")
_METHODS = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA1})
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA1})


@dataclass(frozen=True, slots=True)
class SignedAssertion:
    """`content` is the verified copy (without the signature); `sha1` tells a legacy algorithm was used."""

    content: etree._Element
    certificate: x509.Certificate
    sha1: bool


def verify_signature(
    envelope: etree._Element, assertion: etree._Element, authority: x509.Certificate, now: datetime
) -> SignedAssertion:
    """Verifies `assertion`, found in `envelope`, against certificates issued by `authority` at `now` (aware).

    Raises SimFault, rule VIHF-SIGNATURE-…, or DMPInvalidCertificate when the signer is not a signature certificate.
    """
    signature = _place(assertion)
    identifier = assertion.get("ID", "")
    holders = [element for element in envelope.iter("*") if any(element.get(n) == identifier for n in _ID_NAMES)]
    if not identifier or len(holders) != 1:
        raise failed("VIHF-SIGNATURE-ID", "l'attribut ID de l'assertion est absent ou n'est pas unique")
    sha1 = _shape(signature, identifier)
    certificate = _certificate(signature)
    check_signer(certificate, authority, now)
    alone = _parse_alone(assertion)
    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=now,
    )
    try:
        result = XMLVerifier().verify(alone, x509_cert=certificate, id_attribute="ID", expect_config=config)
    except (SignXMLException, CryptoInvalidSignature, etree.LxmlError, ValueError) as error:
        raise failed("VIHF-SIGNATURE-VALUE", "la signature de l'assertion est invalide") from error
    content = None if isinstance(result, list) else result.signed_xml
    if content is None or content.tag != q(SAML2, "Assertion") or content.get("ID") != identifier:
        raise failed("VIHF-SIGNATURE-REFERENCE", "la signature ne couvre pas l'assertion")
    return SignedAssertion(content, certificate, sha1)


def check_signer(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> None:
    """Issued by `authority`, in its validity period, with nonRepudiation (b.8). Raises SimFault otherwise."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, CryptoInvalidSignature) as error:
        raise failed("VIHF-CERTIFICATE-CHAIN", "le certificat signataire n'est pas émis par l'IGC attendue") from error
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise failed("VIHF-CERTIFICATE-EXPIRED", "le certificat signataire n'est pas en cours de validité")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        signs = usage.content_commitment
    except x509.ExtensionNotFound:
        signs = False
    if not signs:
        # Text observed on the DMP when the authentication certificate signs (a.11).
        raise SimFault(
            "Sender", "DMPInvalidCertificate", "Not a valid signature certificate", rule="VIHF-CERTIFICATE-USAGE"
        )


def failed(rule: str, text: str) -> SimFault:
    return SimFault("Sender", "wsse:FailedCheck", f"VIHF refusé : {text}", rule=rule)


def _place(assertion: etree._Element) -> etree._Element:
    children = [child for child in assertion if isinstance(child.tag, str)]
    signatures = list(assertion.iter(q(DS, "Signature")))
    if not signatures:
        raise failed("VIHF-SIGNATURE-ABSENT", "l'assertion n'est pas signée")
    if len(signatures) > 1 or len(children) < 2 or children[1] is not signatures[0]:
        raise failed("VIHF-SIGNATURE-PLACE", "une seule signature est attendue, juste après Issuer")
    return signatures[0]


def _shape(signature: etree._Element, identifier: str) -> bool:
    """Checks the SignedInfo against b.8 before any cryptography; True when SHA-1 is used anywhere."""
    info = signature.find(q(DS, "SignedInfo"))
    references = [] if info is None else info.findall(q(DS, "Reference"))
    if info is None or len(references) != 1 or references[0].get("URI") != f"#{identifier}":
        raise failed("VIHF-SIGNATURE-REFERENCE", "la signature doit désigner l'assertion, et elle seule")
    transforms = [item.get("Algorithm") for item in references[0].iter(q(DS, "Transform"))]
    canonical = info.find(q(DS, "CanonicalizationMethod"))
    if transforms != [ENVELOPED, EXC_C14N] or canonical is None or canonical.get("Algorithm") != EXC_C14N:
        raise failed("VIHF-SIGNATURE-TRANSFORMS", "transformations attendues : enveloped-signature puis exc-c14n")
    names = {item.get("Algorithm", "") for item in info.iter(q(DS, "SignatureMethod"), q(DS, "DigestMethod"))}
    known = {method.value for method in _METHODS} | {digest.value for digest in _DIGESTS}
    if not names <= known:
        raise failed("VIHF-SIGNATURE-ALGORITHM", "algorithme de signature non admis")
    return any(name.endswith("sha1") for name in names)


def _certificate(signature: etree._Element) -> x509.Certificate:
    found = list(signature.iter(q(DS, "X509Certificate")))
    if len(found) != 1:
        raise failed("VIHF-SIGNATURE-KEYINFO", "KeyInfo doit porter le certificat signataire, et lui seul")
    try:
        return x509.load_der_x509_certificate(base64.b64decode("".join((found[0].text or "").split()), validate=True))
    except (ValueError, binascii.Error) as error:
        raise failed("VIHF-SIGNATURE-KEYINFO", "le certificat signataire est illisible") from error


def _parse_alone(assertion: etree._Element) -> etree._Element:
    # Serialised with the namespaces in scope and parsed again: the copy has no envelope around it.
    try:
        return parse_xml(etree.tostring(assertion, with_tail=False), what="assertion")
    except CodecError as error:
        raise failed("VIHF-SIGNATURE-VALUE", "assertion illisible") from error
