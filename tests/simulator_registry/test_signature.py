"""The XAdES judge: what it accepts, and one mutation per check (dmp-interface c.8)."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from connector.simulator.canonical import C14N, C14N_COMMENTS, canonical_document, canonical_subtree
from tests.simulator_registry import samples
from tests.simulator_registry.samples import CDA, DOC_UID, Desk, Sample, assertion, canonical_cda, sign, signer

META = "XDSRepositoryMetadataError"
GOOD = {DOC_UID: canonical_cda(CDA)}


def swap(old: str, new: str) -> Callable[[str], str]:
    """Replaces `old` where it is, and nowhere else."""
    return lambda text: text.replace(old, new)


def told(desk: Desk, signature: bytes) -> set[tuple[str, str]]:
    return set(desk.told(Sample(signature=signature)))


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_both_algorithms_are_read_from_their_uris(desk: Desk, algorithm: str) -> None:
    assert told(desk, sign(GOOD, algorithm=algorithm)) == set()


def test_sha1_can_be_refused(desk: Desk) -> None:
    desk.repository.settings = replace(desk.repository.settings, allow_sha1=False)
    assert {rule for rule, _ in told(desk, sign(GOOD, algorithm="sha1"))} == {"SIG-03", "SIG-05", "SIG-07", "SIG-11"}


def test_explicit_transform_on_the_manifest_reference_verifies_too(desk: Desk) -> None:
    transforms = f'<ds:Transforms><ds:Transform Algorithm="{C14N_COMMENTS}"></ds:Transform></ds:Transforms>'
    edit = swap('URI="#IHEManifest">', f'URI="#IHEManifest">{transforms}')
    assert told(desk, sign(GOOD, edit=edit)) == set()


def test_signature_properties_without_namespace_as_in_the_official_sample(desk: Desk) -> None:
    def bare(text: str) -> str:
        return text.replace("<ds:SignatureProp", "<SignatureProp").replace("</ds:SignatureProp", "</SignatureProp")

    assert told(desk, sign(GOOD, edit=bare)) == set()


# What is edited before signing stays correctly signed: only the structure is wrong.
STRUCTURE = [
    ("SIG-03", swap(samples.C14N + '"></ds:CanonicalizationMethod>', 'urn:unknown"></ds:CanonicalizationMethod>')),
    ("SIG-04", swap('URI="#IHEManifest"', 'URI="#Elsewhere"')),
    ("SIG-04", swap('SignedProperties" URI', 'Properties" URI')),
    ("SIG-06", swap("<xad:SigningTime>2026-11-21T09:59:00Z</xad:SigningTime>", "")),
    ("SIG-06", swap("<xad:SignaturePolicyImplied></xad:SignaturePolicyImplied>", "")),
    ("SIG-07", swap("<ds:X509SerialNumber>4321", "<ds:X509SerialNumber>1234")),
    ("SIG-08", swap(f"urn:oid:{DOC_UID}", "urn:oid:2.25.9")),
    ("SIG-09", swap(">AA==<", ">AAAA<")),
    ("SIG-10", swap(f'<ds:Transforms><ds:Transform Algorithm="{samples.C14N}"></ds:Transform></ds:Transforms>', "")),
    ("SIG-12", swap('Target="#S0">1.2.840', 'Target="#S1">1.2.840')),
    ("SIG-12", swap(">1.2.840.10065.1.12.1.14<", ">1.2.840.10065.1.12.1.1<")),
]


@pytest.mark.parametrize(("rule", "edit"), STRUCTURE, ids=[f"{i}-{r}" for i, (r, _) in enumerate(STRUCTURE)])
def test_structure(desk: Desk, rule: str, edit: Callable[[str], str]) -> None:
    assert told(desk, sign(GOOD, edit=edit)) == {(rule, META)}


# What is edited after signing breaks a digest or the signature itself.
TAMPERED = [
    ("SIG-05", swap("<xad:SigningTime>2026", "<xad:SigningTime>2025")),
    ("SIG-05", swap('Id="IHEManifest"><ds:Ref', 'Id="IHEManifest"> <ds:Ref')),
    (
        "SIG-03",
        swap(
            'Type="http://www.w3.org/2000/09/xmldsig#Manifest" ',
            'Type="http://www.w3.org/2000/09/xmldsig#Manifest"  Id="x" ',
        ),
    ),
    ("SIG-01", swap('xad="http://uri.etsi.org/01903/v1.1.1#" Id="S0"', 'xad="http://uri.etsi.org/01903/v1.1.1#"')),
    ("SIG-06", swap('QualifyingProperties Target="#S0"', 'QualifyingProperties Target="#S9"')),
]


@pytest.mark.parametrize(("rule", "edit"), TAMPERED, ids=[f"{i}-{r}" for i, (r, _) in enumerate(TAMPERED)])
def test_tampering(desk: Desk, rule: str, edit: Callable[[str], str]) -> None:
    assert (rule, META) in told(desk, sign(GOOD, late_edit=edit))


def test_a_document_changed_after_signing_is_refused(desk: Desk) -> None:
    signature = sign(GOOD)
    sample = Sample(signature=signature, document=CDA.replace(b"<!-- kept too -->", b"<!-- kept two -->"))
    assert list(desk.told(sample)) == [("SIG-11", META)]


def test_a_comment_or_instruction_is_part_of_what_was_signed(desk: Desk) -> None:
    without = canonical_cda(CDA).replace(b"<!-- kept -->\n", b"")
    assert told(desk, sign({DOC_UID: without})) == {("SIG-11", META)}


def test_manifest_may_be_ignored_by_parameter(desk: Desk) -> None:
    desk.repository.settings = replace(desk.repository.settings, manifest_strict=False)
    assert told(desk, sign({DOC_UID: b"something else"})) == set()


def test_manifest_must_name_each_document_once(desk: Desk) -> None:
    assert told(desk, sign({})) == {("SIG-08", META)}
    assert told(desk, sign(GOOD | {"2.25.77": b"x"})) == {("SIG-08", META)}


def test_signer_must_be_the_signer_of_the_assertion(desk: Desk) -> None:
    assert told(desk, sign(GOOD, who="another")) == {("SIG-02", META)}
    sample = Sample(signature=sign(GOOD, who="another"), caller=assertion(certificate=signer("another")[1]))
    assert list(desk.told(sample)) == []


def test_signature_by_another_key_under_our_certificate(desk: Desk) -> None:
    ours, theirs = sign(GOOD), sign(GOOD, who="another")
    start, end = b"<ds:SignatureValue>", b"</ds:SignatureValue>"
    value = theirs.partition(start)[2].partition(end)[0]
    forged = ours.partition(start)[0] + start + value + end + ours.partition(end)[2]
    assert told(desk, forged) == {("SIG-03", META)}


@pytest.mark.parametrize("content", [b"", b"not xml", b"<a/>", b"<!DOCTYPE a><a/>", b"\x00\xff"])
def test_anything_else_than_a_signature(desk: Desk, content: bytes) -> None:
    assert told(desk, content) == {("SIG-01", META)}


def test_two_elements_of_the_same_id_are_none(desk: Desk) -> None:
    """Signature wrapping: a second manifest under the same Id must not be the one that is read."""
    wrapped = swap("</ds:Signature>", '<ds:Object><x Id="IHEManifest"/></ds:Object></ds:Signature>')
    assert ("SIG-04", META) in told(desk, sign(GOOD, late_edit=wrapped))


def test_unreadable_certificate(desk: Desk) -> None:
    signature = sign(GOOD)
    start = signature.index(b"<ds:X509Certificate>") + len(b"<ds:X509Certificate>")
    end = signature.index(b"</ds:X509Certificate>")
    for bad in (b"", b"!!!", base64.b64encode(b"not a certificate")):
        assert told(desk, signature[:start] + bad + signature[end:]) == {("SIG-02", META)}


def test_document_that_is_not_xml(desk: Desk) -> None:
    sample = Sample(document=b"%PDF-1.4", signature=sign({DOC_UID: b"%PDF-1.4"}))
    assert list(desk.told(sample)) == [("SIG-10", META)]


def test_canonical_forms() -> None:
    document = b'<?p a?><!-- c --><r xmlns="urn:r" xmlns:u="urn:u"  b="2" a="1"><!-- d --><e/></r><!-- z -->'
    expected = b'<?p a?>\n<!-- c -->\n<r xmlns="urn:r" xmlns:u="urn:u" a="1" b="2"><!-- d --><e></e></r>\n<!-- z -->'
    assert canonical_document(document, C14N_COMMENTS, 1000) == expected
    assert canonical_subtree(etree.fromstring(document)[1], C14N) == b'<e xmlns="urn:r" xmlns:u="urn:u"></e>'


@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 absent: the sample is not cross-checked")
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_an_independent_tool_accepts_our_sample(tmp_path: Path, algorithm: str) -> None:
    file = tmp_path / "signature.xml"
    file.write_bytes(sign(GOOD, algorithm=algorithm))
    command = ["xmlsec1", "verify", "--insecure", "--ignore-manifests", "--enabled-reference-uris", "same-doc"]
    ids = ["--id-attr:Id", "Manifest", "--id-attr:Id", "http://uri.etsi.org/01903/v1.1.1#:SignedProperties"]
    done = subprocess.run([*command, *ids, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
