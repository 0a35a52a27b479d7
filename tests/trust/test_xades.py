"""The set signature, verified by xmlsec1 and read back element by element."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.base import ns
from connector.trust.errors import SignatureError
from connector.trust.xades import SignedDocument, manifest_digest, sign_submission_set
from tests.trust.material import NOW, authority, pair
from tests.trust.xmlsec import verify

DS = {"ds": ns.DS, "x": ns.XADES111}
CDA = b"<?p?><ClinicalDocument xmlns='urn:hl7-org:v3'><!-- c --></ClinicalDocument>"
SET = "1.2.250.1.999.1"
LETTER = SignedDocument("1.2.250.1.999.2", manifest_digest(CDA))
KOS = SignedDocument("1.2.250.1.999.3", hashlib.sha1(b"DICM").digest(), canonicalised=False)


def sign(*documents: SignedDocument, **changes: Any) -> bytes:
    given: dict[str, Any] = {"signer": pair(), "now": NOW, "signature_id": "S0", **changes}
    return sign_submission_set(given.pop("set_unique_id", SET), documents, **given)


def test_xmlsec1_verifies_both_references(tmp_path: Path) -> None:
    good, said = verify(sign(LETTER, KOS), authority(), tmp_path, "--ignore-manifests")
    assert good, said
    assert "SignedInfo References (ok/all): 2/2" in said


def test_xmlsec1_verifies_sha256(tmp_path: Path) -> None:
    letter = SignedDocument(LETTER.unique_id, manifest_digest(CDA, "sha256"))
    signature = sign(letter, algorithm="sha256")
    good, said = verify(signature, authority(), tmp_path, "--ignore-manifests")
    assert good, said
    assert b"sha1" not in signature


@pytest.mark.parametrize(
    ("found", "planted"),
    [
        (b"urn:oid:1.2.250.1.999.2", b"urn:oid:1.2.250.1.999.9"),
        (base64.b64encode(LETTER.digest), base64.b64encode(b"x" * 20)),
        (b">2026-11-21T10:00:00Z<", b">2027-11-21T10:00:00Z<"),
        (b">1311768467294899695<", b">1311768467294899696<"),
        (b"SignaturePolicyImplied", b"SignaturePolicyUnknown"),
        (b'Id="IHEManifest"', b'Id="OtherManifest"'),
        (b'Type="http://www.w3.org/2000/09/xmldsig#Manifest"', b'Type="urn:other"'),
    ],
)
def test_xmlsec1_sees_every_change(found: bytes, planted: bytes, tmp_path: Path) -> None:
    signature = sign(LETTER)
    assert signature.count(found) == 1
    good, said = verify(signature.replace(found, planted), authority(), tmp_path, "--ignore-manifests")
    assert not good, said


def test_shape() -> None:
    root = etree.fromstring(sign(LETTER, KOS))
    assert (root.tag, root.get("Id")) == (f"{{{ns.DS}}}Signature", "S0")
    assert [etree.QName(child).localname for child in root] == [
        "SignedInfo",
        "SignatureValue",
        "KeyInfo",
        "Object",
        "Object",
        "Object",
    ]
    assert root.xpath("string(ds:SignedInfo/ds:CanonicalizationMethod/@Algorithm)", namespaces=DS) == (
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
    )
    assert root.xpath("string(ds:SignedInfo/ds:SignatureMethod/@Algorithm)", namespaces=DS) == (
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    )
    references = root.findall("ds:SignedInfo/ds:Reference", DS)
    assert [(r.get("URI"), r.get("Type")) for r in references] == [
        ("#IHEManifest", "http://www.w3.org/2000/09/xmldsig#Manifest"),
        ("#S0-SignedProperties", "http://uri.etsi.org/01903/v1.1.1#SignedProperties"),
    ]
    assert root.find("ds:SignedInfo/ds:Reference/ds:Transforms", DS) is None


def test_purpose_of_signature() -> None:
    (purpose,) = etree.fromstring(sign(LETTER)).findall(".//ds:SignatureProperties/ds:SignatureProperty", DS)
    assert (purpose.get("Id"), purpose.get("Target"), purpose.text) == (
        "purposeOfSignature",
        "#S0",
        "1.2.840.10065.1.12.1.14",
    )


def test_manifest() -> None:
    manifest = etree.fromstring(sign(LETTER, KOS)).find(".//ds:Manifest", DS)
    assert manifest is not None
    assert manifest.get("Id") == "IHEManifest"
    found = [
        (
            reference.get("URI"),
            [str(t.get("Algorithm")).rpartition("#")[2] for t in reference.findall("ds:Transforms/ds:Transform", DS)],
            base64.b64decode(reference.findtext("ds:DigestValue", "", DS)),
        )
        for reference in manifest
    ]
    assert found == [
        (f"urn:oid:{SET}", [], b"\0"),
        (f"urn:oid:{LETTER.unique_id}", ["WithComments"], LETTER.digest),
        (f"urn:oid:{KOS.unique_id}", [], KOS.digest),
    ]


def test_signed_properties() -> None:
    root = etree.fromstring(sign(LETTER))
    qualifying = root.find(".//x:QualifyingProperties", DS)
    assert qualifying is not None
    assert qualifying.get("Target") == "#S0"
    signed = qualifying.find("x:SignedProperties", DS)
    assert signed is not None
    assert signed.get("Id") == "S0-SignedProperties"
    assert [etree.QName(child).localname for child in signed] == [
        "SignedSignatureProperties",
        "SignedDataObjectProperties",
    ]
    assert [etree.QName(child).localname for child in signed[0]] == [
        "SigningTime",
        "SigningCertificate",
        "SignaturePolicyIdentifier",
    ]
    assert signed.findtext(".//x:SigningTime", None, DS) == "2026-11-21T10:00:00Z"
    assert signed.find(".//x:SignaturePolicyIdentifier/x:SignaturePolicyImplied", DS) is not None
    certificates = signed.findall(".//x:SigningCertificate/x:Cert", DS)
    expected = [pair().certificate, authority()]
    assert len(certificates) == 2
    for element, certificate in zip(certificates, expected, strict=True):
        digest = hashlib.sha1(certificate.public_bytes(Encoding.DER)).digest()
        assert base64.b64decode(element.findtext("x:CertDigest/x:DigestValue", "", DS)) == digest
        assert element.findtext("x:IssuerSerial/ds:X509IssuerName", None, DS) == (
            "CN=ESSAI ELEMENTAIRE ORGANISATIONS,O=Autorité d'essai,C=FR"
        )
        assert element.findtext("x:IssuerSerial/ds:X509SerialNumber", None, DS) == str(certificate.serial_number)


def test_key_info_holds_the_leaf() -> None:
    certificates = etree.fromstring(sign(LETTER)).findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", DS)
    assert [base64.b64decode(c.text or "") for c in certificates] == [pair().certificate.public_bytes(Encoding.DER)]


def test_identifiers_are_unique() -> None:
    identifiers = [e.get("Id") for e in etree.fromstring(sign(LETTER)).iter() if e.get("Id")]
    assert len(identifiers) == len(set(identifiers)) == 4


@pytest.mark.parametrize(
    ("documents", "changes", "field"),
    [
        ((), {}, "documents"),
        ((LETTER,), {"set_unique_id": "2.25.x"}, "uniqueId"),
        ((LETTER,), {"set_unique_id": LETTER.unique_id}, "uniqueId"),
        ((LETTER, LETTER), {}, "uniqueId"),
        ((dataclasses.replace(LETTER, unique_id="1.2^3"),), {}, "uniqueId"),
        ((dataclasses.replace(LETTER, digest=b"short"),), {}, "digest"),
        ((LETTER,), {"algorithm": "sha256"}, "digest"),
        ((LETTER,), {"algorithm": "md5"}, "algorithm"),
        ((LETTER,), {"signature_id": "0S"}, "Signature/@Id"),
        ((LETTER,), {"signature_id": "IHEManifest"}, "Signature/@Id"),
    ],
)
def test_refusals_name_the_field(documents: tuple[SignedDocument, ...], changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SignatureError) as caught:
        sign(*documents, **changes)
    assert caught.value.context["field"] == field
    assert caught.value.context["found"]
    assert caught.value.context["expected"]


@settings(max_examples=15, deadline=None)
@given(arcs=st.lists(st.integers(1, 10**9), min_size=1, max_size=8, unique=True))
def test_any_number_of_documents_keeps_its_order(arcs: list[int]) -> None:
    documents = [dataclasses.replace(LETTER, unique_id=f"2.25.{arc}") for arc in arcs]
    references = etree.fromstring(sign(*documents)).findall(".//ds:Manifest/ds:Reference", DS)
    assert [r.get("URI") for r in references[1:]] == [f"urn:oid:2.25.{arc}" for arc in arcs]


def test_the_same_signer_serves_many_sets() -> None:
    assert sign(LETTER) == sign(LETTER), "signing leaves nothing behind"
