"""The judge of the XAdES document of a submission set (dmp-interface c.8), independent of the client's signer.

It recomputes everything from received bytes: the signature value over SignedInfo, the digests of the manifest and of
the signed properties, and the digest of every document named in the manifest. Algorithms are read from their URIs:
SHA-1 and SHA-256 both exist in the field (b.8, c.8 "UNCERTAIN").
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from connector.base.errors import CodecError
from connector.base.finding import Finding
from connector.base.ns import DS, XADES111, q
from connector.base.xmlsafe import parse_xml
from connector.rules.case import METADATA_ERROR, Case, Fault, finding, unique_id
from connector.simulator import canonical
from connector.simulator.model import PartFile

SIGNATURE_CAP = 1024 * 1024
DOCUMENT_CAP = 64 * 1024 * 1024
MANIFEST_ID = "IHEManifest"
MANIFEST_TYPE = "http://www.w3.org/2000/09/xmldsig#Manifest"
PROPERTIES_TYPE = XADES111 + "SignedProperties"
PURPOSE = "1.2.840.10065.1.12.1.14"
DUMMY_DIGEST = "AA=="
"""What stands for the submission set, which has no bytes (c.8, point 4)."""

_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": lambda data: hashlib.sha1(data).digest(),
    "http://www.w3.org/2001/04/xmlenc#sha256": lambda data: hashlib.sha256(data).digest(),
}
_SIGNATURES: dict[str, hashes.HashAlgorithm] = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": hashes.SHA1(),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": hashes.SHA256(),
}
_REFERENCE = "dmp-interface c.8"


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A received document as the manifest must name it: metadata uniqueId, media type and the part's bytes."""

    unique_id: str
    mime_type: str
    content: Callable[[], bytes]


def judge_signature(
    case: Case, files: Mapping[str, PartFile], certificate: x509.Certificate | None
) -> tuple[Finding, ...]:
    """Findings on the signature document of `case`; () when there is none to judge (DMP-02 says so) or all holds.

    `files` are the received parts by Content-ID; `certificate` is the one that signs the VIHF.
    """
    if not case.signatures or case.set is None:
        return ()
    part = files.get(case.cid_of(case.signatures[0]))
    if part is None:
        return ()
    parts = [(entry, files.get(case.cid_of(entry))) for entry in case.documents]
    documents = [
        SignedDocument(unique_id(entry), entry.mime_type, received.path.read_bytes)
        for entry, received in parts
        if received is not None
    ]
    judge = _Judge(case.settings.allow_sha1, certificate, unique_id(case.set), tuple(documents))
    where = case.signatures[0].id
    try:
        root = parse_xml(part.path.read_bytes(), cap=SIGNATURE_CAP, what="signature")
        faults = list(judge.faults(root, manifest=case.settings.manifest_strict))
    except CodecError as error:
        faults = [("SIG-01", Fault(where, "signature", str(error.context.get("found", "")), "du XML bien formé"))]
    return tuple(finding(rule, _REFERENCE, fault, METADATA_ERROR) for rule, fault in faults)


_Faults = Iterator[tuple[str, Fault]]


@dataclass(frozen=True, slots=True)
class _Judge:
    allow_sha1: bool
    certificate: x509.Certificate | None
    set_unique_id: str
    documents: tuple[SignedDocument, ...]

    def faults(self, root: etree._Element, *, manifest: bool) -> _Faults:
        if root.tag != q(DS, "Signature") or not root.get("Id"):
            yield "SIG-01", Fault("", "signature", str(root.tag), "ds:Signature avec un Id")
            return
        leaf = _leaf(root)
        if leaf is None:
            yield "SIG-02", Fault("", "KeyInfo", "pas de certificat lisible", "X509Data/X509Certificate")
            return
        if self.certificate is not None and leaf != self.certificate:
            yield "SIG-02", Fault("", "KeyInfo", "un autre certificat", "le certificat qui signe le VIHF")
        yield from self._value(root, leaf)
        yield from self._references(root)
        yield from _purpose(root)
        yield from self._properties(root, leaf)
        if manifest:
            yield from self._manifest(root)

    def _value(self, root: etree._Element, leaf: x509.Certificate) -> _Faults:
        info = root.find(q(DS, "SignedInfo"))
        if info is None:
            yield "SIG-03", Fault("", "SignedInfo", "absent", "ds:SignedInfo")
            return
        method, algorithm = _algorithm(info, "CanonicalizationMethod"), _algorithm(info, "SignatureMethod")
        if method not in canonical.METHODS:
            yield "SIG-03", Fault("", "CanonicalizationMethod", method, canonical.C14N_COMMENTS)
            return
        hash_algorithm = _SIGNATURES.get(algorithm)
        key = leaf.public_key()
        if hash_algorithm is None or not isinstance(key, rsa.RSAPublicKey) or self._weak(algorithm):
            yield "SIG-03", Fault("", "SignatureMethod", algorithm, "rsa-sha256" + " ou rsa-sha1" * self.allow_sha1)
            return
        value = _base64(root.findtext(q(DS, "SignatureValue")))
        try:
            key.verify(value or b"", canonical.canonical_subtree(info, method), padding.PKCS1v15(), hash_algorithm)
        except InvalidSignature:
            yield "SIG-03", Fault("", "SignatureValue", "fausse", "la signature de SignedInfo par le certificat")

    def _references(self, root: etree._Element) -> _Faults:
        wanted = {MANIFEST_TYPE: "Manifest", PROPERTIES_TYPE: "SignedProperties"}
        references = root.findall(f"{q(DS, 'SignedInfo')}/{q(DS, 'Reference')}")
        for kind, local in wanted.items():
            found = [item for item in references if item.get("Type") == kind]
            if len(found) != 1:
                yield "SIG-04", Fault("", "Reference", f"{len(found)} de type {kind}", "exactement une")
                continue
            target = _by_id(root, found[0].get("URI", "").removeprefix("#"))
            if target is None or etree.QName(target).localname != local:
                yield "SIG-04", Fault("", "Reference/@URI", found[0].get("URI", ""), f"l'Id du {local}")
                continue
            yield from self._digest("SIG-05", local, found[0], _same_document_octets(found[0], target))
        if len(references) != len(wanted):
            yield "SIG-04", Fault("", "Reference", str(len(references)), "deux : manifeste et propriétés signées")
        manifests = root.findall(f"{q(DS, 'Object')}/{q(DS, 'Manifest')}")
        if [item.get("Id") for item in manifests] != [MANIFEST_ID]:
            yield "SIG-04", Fault("", "Manifest/@Id", str(len(manifests)), f"un Manifest, Id {MANIFEST_ID}")

    def _properties(self, root: etree._Element, leaf: x509.Certificate) -> _Faults:
        base = f"{q(DS, 'Object')}/{q(XADES111, 'QualifyingProperties')}"
        qualifying = root.find(base)
        if qualifying is None or qualifying.get("Target") != f"#{root.get('Id')}":
            yield "SIG-06", Fault("", "QualifyingProperties", "absent ou autre Target", "Target = Id de la signature")
            return
        signed = f"{q(XADES111, 'SignedProperties')}/{q(XADES111, 'SignedSignatureProperties')}"
        properties = qualifying.find(signed)
        if properties is None:
            yield "SIG-06", Fault("", "SignedSignatureProperties", "absent", "les propriétés signées XAdES 1.1.1")
            return
        if not (properties.findtext(q(XADES111, "SigningTime")) or "").strip():
            yield "SIG-06", Fault("", "SigningTime", "absent", "l'heure de signature")
        policy = f"{q(XADES111, 'SignaturePolicyIdentifier')}/{q(XADES111, 'SignaturePolicyImplied')}"
        if properties.find(policy) is None:
            yield "SIG-06", Fault("", "SignaturePolicyIdentifier", "absent", "SignaturePolicyImplied")
        certificates = properties.findall(f"{q(XADES111, 'SigningCertificate')}/{q(XADES111, 'Cert')}")
        if not certificates:
            yield "SIG-06", Fault("", "SigningCertificate", "absent", "l'empreinte du certificat signataire")
            return
        yield from self._certificate(certificates[0], leaf)

    def _certificate(self, cert: etree._Element, leaf: x509.Certificate) -> _Faults:
        # XAdES 1.1.1 spells these two in its own namespace, later versions in xmldsig's: read by local name.
        local = {etree.QName(item).localname: item for item in cert.iter() if isinstance(item.tag, str)}
        method = local["DigestMethod"].get("Algorithm", "") if "DigestMethod" in local else ""
        value = local["DigestValue"].text if "DigestValue" in local else None
        serial = (local["X509SerialNumber"].text or "").strip() if "X509SerialNumber" in local else ""
        digest = _DIGESTS.get(method)
        der = leaf.public_bytes(serialization.Encoding.DER)
        if digest is None or self._weak(method) or _base64(value) != digest(der):
            yield "SIG-07", Fault("", "SigningCertificate/CertDigest", method, "l'empreinte du certificat de KeyInfo")
        if serial != str(leaf.serial_number):
            yield "SIG-07", Fault("", "X509SerialNumber", serial, str(leaf.serial_number))

    def _manifest(self, root: etree._Element) -> _Faults:
        references = root.findall(f"{q(DS, 'Object')}/{q(DS, 'Manifest')}/{q(DS, 'Reference')}")
        by_uri: dict[str, list[etree._Element]] = {}
        for item in references:
            by_uri.setdefault(item.get("URI", ""), []).append(item)
        expected = {f"urn:oid:{self.set_unique_id}": None} | {f"urn:oid:{d.unique_id}": d for d in self.documents}
        for uri in by_uri.keys() - expected.keys():
            yield "SIG-08", Fault("", "Manifest/Reference", uri, "le lot et ses documents, rien d'autre")
        for uri, document in expected.items():
            found = by_uri.get(uri, [])
            if len(found) != 1:
                yield "SIG-08", Fault("", "Manifest/Reference", f"{uri} : {len(found)}", "exactement une référence")
            elif document is None:
                value = (found[0].findtext(q(DS, "DigestValue")) or "").strip()
                if value != DUMMY_DIGEST:
                    yield "SIG-09", Fault("", "DigestValue du lot", value, DUMMY_DIGEST)
            else:
                yield from self._document(found[0], document)

    def _document(self, reference: etree._Element, document: SignedDocument) -> _Faults:
        transforms = [item.get("Algorithm", "") for item in reference.iter(q(DS, "Transform"))]
        is_xml = document.mime_type in ("text/xml", "application/xslt+xml")
        if transforms != ([canonical.C14N_COMMENTS] if is_xml else []):
            wanted = canonical.C14N_COMMENTS if is_xml else "aucune transformation (contenu binaire)"
            yield "SIG-10", Fault("", "Manifest/Transform", " ".join(transforms) or "aucune", wanted)
            return
        content = document.content()
        if is_xml:
            try:
                content = canonical.canonical_document(content, canonical.C14N_COMMENTS, DOCUMENT_CAP)
            except CodecError as error:
                yield "SIG-10", Fault("", "document", str(error.context.get("found", "")), "du XML bien formé")
                return
        yield from self._digest("SIG-11", f"document {document.unique_id}", reference, content)

    def _digest(self, rule: str, what: str, reference: etree._Element, octets: bytes | None) -> _Faults:
        method = _algorithm(reference, "DigestMethod")
        digest = _DIGESTS.get(method)
        if digest is None or self._weak(method):
            yield rule, Fault("", f"DigestMethod ({what})", method, "sha256" + " ou sha1" * self.allow_sha1)
            return
        if octets is None:
            yield rule, Fault("", f"Transform ({what})", "inconnue", "aucune, ou une canonicalisation connue")
            return
        found = (reference.findtext(q(DS, "DigestValue")) or "").strip()
        if _base64(found) != digest(octets):
            yield rule, Fault("", f"DigestValue ({what})", found, base64.b64encode(digest(octets)).decode())

    def _weak(self, algorithm: str) -> bool:
        return algorithm.endswith("sha1") and not self.allow_sha1


def _purpose(root: etree._Element) -> _Faults:
    # The official sample writes SignatureProperties in no namespace: read by local name (c.8, quirks).
    found = [e for e in root.iter() if isinstance(e.tag, str) and etree.QName(e).localname == "SignatureProperty"]
    values = ["".join(str(text) for text in item.itertext()).strip() for item in found]
    if values != [PURPOSE]:
        yield "SIG-12", Fault("", "SignatureProperty", " ".join(values), PURPOSE)
    elif found[0].get("Target") != f"#{root.get('Id')}":
        yield "SIG-12", Fault("", "SignatureProperty/@Target", found[0].get("Target", ""), f"#{root.get('Id')}")


def _same_document_octets(reference: etree._Element, target: etree._Element) -> bytes | None:
    """Octets of a `#Id` reference: its transform, or inclusive C14N without one; None for an unknown transform.

    A bare `#Id` never selects comments (XMLDSig 4.4.3.3), whatever the transform keeps.
    """
    methods = [item.get("Algorithm", "") for item in reference.iter(q(DS, "Transform"))] or [canonical.C14N]
    if len(methods) != 1 or methods[0] not in canonical.METHODS:
        return None
    exclusive = methods[0] in (canonical.EXCLUSIVE, canonical.EXCLUSIVE_COMMENTS)
    return canonical.canonical_subtree(target, canonical.EXCLUSIVE if exclusive else canonical.C14N)


def _by_id(root: etree._Element, value: str) -> etree._Element | None:
    """The only element whose Id is `value`: two of them would be a wrapping attack, so none."""
    found = [item for item in root.iter() if isinstance(item.tag, str) and item.get("Id") == value]
    return found[0] if value and len(found) == 1 else None


def _algorithm(parent: etree._Element, local: str) -> str:
    child = parent.find(q(DS, local))
    return child.get("Algorithm", "") if child is not None else ""


def _base64(text: str | None) -> bytes | None:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except binascii.Error:
        return None


def _leaf(root: etree._Element) -> x509.Certificate | None:
    text = root.findtext(f"{q(DS, 'KeyInfo')}/{q(DS, 'X509Data')}/{q(DS, 'X509Certificate')}")
    der = _base64(text)
    if not der:
        return None
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None
