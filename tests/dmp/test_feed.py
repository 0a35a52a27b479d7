"""The submission set: two entries, three associations, a signature over the canonicalised document, same bytes."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from connector.base.ns import DS, RIM, XDSB, XOP, q
from connector.base.xmlsafe import parse_xml
from connector.dmp.errors import DmpMetadataError
from connector.dmp.feed import PreparedFeed, prepare
from connector.xds import iti41
from connector.xds.model import HAS_MEMBER, RPLC, SIGNS
from tests.dmp.keys import signing_pair
from tests.dmp.samples import CONFIG, CONTENT, FEED, HEADER, INS, NOW

IHE = replace(CONFIG, profile="ihe")


def prepared(**changes: object) -> PreparedFeed:
    return prepare(replace(FEED, **changes), INS, CONFIG, signer=signing_pair(), signed_at=NOW)  # type: ignore[arg-type]


def signature_bytes(feed: PreparedFeed) -> bytes:
    source = feed.attachments[1].source
    assert isinstance(source, bytes)
    return source


def test_the_set_the_document_the_signature_and_their_links() -> None:
    feed = prepared()
    submission = feed.submission
    assert [entry.entry_uuid for entry in submission.entries] == ["Document01", "Signature01"]
    assert [(a.type, a.source, a.target) for a in submission.associations] == [
        (HAS_MEMBER, "SubmissionSet01", "Document01"),
        (HAS_MEMBER, "SubmissionSet01", "Signature01"),
        (SIGNS, "Signature01", "SubmissionSet01"),
    ]
    assert all(dict(a.slots) == {"SubmissionSetStatus": ("Original",)} for a in submission.associations)


def test_the_signature_entry_is_hidden_from_everybody() -> None:
    document, signature = prepared().submission.entries
    assert [code.code for code in signature.confidentiality] == ["N", "MASQUE_PS", "INVISIBLE_PATIENT"]
    assert (signature.language, signature.title, signature.unique_id) == ("art", "Source", "2.25.1002")
    assert signature.source_patient_id == INS.cx()
    assert signature.source_patient_info == ()
    assert signature.creation_time == signature.service_start == signature.service_stop == "20261121093000"
    assert (signature.facility_type, signature.practice_setting) == (document.facility_type, document.practice_setting)
    codes = {signature.class_code, signature.type_code, signature.format_code}
    assert {(c.code, c.scheme) for c in codes if c} == {
        ("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN"),
        ("E1762", "ASTM"),
        ("http://www.w3.org/2000/09/xmldsig#", "URN"),
    }


def test_the_manifest_names_the_set_and_the_canonicalised_document() -> None:
    root = parse_xml(signature_bytes(prepared()))
    (manifest,) = root.iter(q(DS, "Manifest"))
    digests = {r.get("URI"): r.findtext(q(DS, "DigestValue")) for r in manifest.iter(q(DS, "Reference"))}
    canonical = etree.tostring(parse_xml(CONTENT).getroottree(), method="c14n", with_comments=True)
    expected = base64.b64encode(hashlib.sha1(canonical, usedforsecurity=False).digest()).decode()
    assert digests == {"urn:oid:2.25.1001": "AA==", "urn:oid:1.2.250.1.999.1.1.42": expected}


def test_the_same_feed_gives_the_same_bytes() -> None:
    def wire(feed: PreparedFeed) -> bytes:
        return etree.tostring(iti41.build_request(feed.submission, feed.cids())) + signature_bytes(feed)

    assert wire(prepared()) == wire(prepared())


def test_every_entry_has_its_part_in_order() -> None:
    feed = prepared()
    body = iti41.build_request(feed.submission, feed.cids())
    hrefs = {d.get("id"): d[0].get("href") for d in body.iter(q(XDSB, "Document")) if d[0].tag == q(XOP, "Include")}
    assert hrefs == {"Document01": "cid:Document01@2.25.1001", "Signature01": "cid:Signature01@2.25.1001"}
    assert [a.cid for a in feed.attachments] == ["Document01@2.25.1001", "Signature01@2.25.1001"]
    assert feed.attachments[0].source == CONTENT


def test_a_replacement_points_at_the_entry_it_replaces() -> None:
    old = "urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-0d9d6a8f1c11"
    last = prepared(replaces=old).submission.associations[-1]
    assert (last.id, last.type, last.source, last.target) == ("Association04", RPLC, "Document01", old)


def test_the_official_request_carries_no_hash_unless_asked(tmp_path: Path) -> None:
    assert all(entry.hash == "" and entry.size is None for entry in prepared().submission.entries)
    file = tmp_path / "letter.xml"
    file.write_bytes(CONTENT)
    config = replace(CONFIG, send_hash=True)
    feed = prepare(replace(FEED, content=file), INS, config, signer=signing_pair(), signed_at=NOW)
    document, signature = feed.submission.entries
    assert document.hash == hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest()
    assert document.size == len(CONTENT)
    assert signature.size == len(signature_bytes(feed))
    assert feed.attachments[0].source == file


def test_the_ihe_profile_signs_nothing() -> None:
    feed = prepare(FEED, INS, IHE, signer=None, signed_at=NOW)
    (document,) = feed.submission.entries
    assert document.hash
    assert document.size == len(CONTENT)
    assert [a.type for a in feed.submission.associations] == [HAS_MEMBER]


def test_the_dmp_profile_refuses_to_go_unsigned() -> None:
    with pytest.raises(ValueError, match="signer"):
        prepare(FEED, INS, CONFIG, signer=None, signed_at=NOW)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_document_over_the_cap_is_refused_before_any_work(as_file: bool, tmp_path: Path) -> None:
    content: bytes | Path = CONTENT
    if as_file:
        content = tmp_path / "letter.xml"
        content.write_bytes(CONTENT)
    config = replace(CONFIG, size_cap=len(CONTENT) - 1)
    with pytest.raises(DmpMetadataError) as refused:
        prepare(replace(FEED, content=content), INS, config, signer=signing_pair(), signed_at=NOW)
    assert [f.rule for f in refused.value.findings] == ["DMP-SIZE"]


def test_warnings_travel_with_the_feed() -> None:
    feed = prepared(facts=replace(FEED.facts, patient_class="P"))
    assert [(f.rule, f.severity) for f in feed.warnings] == [("DMP-CONTENT-TYPE", "warning")]


def test_a_blocked_document_is_never_signed() -> None:
    with pytest.raises(DmpMetadataError):
        prepared(header=replace(HEADER, title=""))


def test_the_set_alone_has_the_set_identifiers() -> None:
    feed = prepared()
    body = iti41.build_request(feed.submission, feed.cids())
    (package,) = body.iter(q(RIM, "RegistryPackage"))
    values = {node.get("value") for node in package.iter(q(RIM, "ExternalIdentifier"))}
    assert values == {INS.cx(), "1.2.250.1.999.9.1", "2.25.1001"}


@pytest.mark.parametrize(("profile", "signature", "entries"), [("dmp", False, 1), ("ihe", True, 2)])
def test_a_domain_may_sign_or_not_whatever_its_profile(profile: str, signature: bool, entries: int) -> None:
    config = replace(CONFIG, profile=profile, signature=signature)  # type: ignore[arg-type]
    submission = prepare(FEED, INS, config, signer=signing_pair(), signed_at=NOW).submission
    assert len(submission.entries) == entries
    assert sum(association.type == SIGNS for association in submission.associations) == entries - 1
