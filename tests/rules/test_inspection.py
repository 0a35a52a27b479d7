"""What `connector check` is told of metadata files and captured SOAP: kind and findings, never an exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.ns import LCM, RIM, SOAP12, WSA, XDSB, q
from connector.simulator.inspection import REGISTER_ACTION, Profile, inspect
from tests.rules.sample import SAMPLES, remove

PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
CDA = (
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="2.25.1002"/><code code="11490-0" '
    b'codeSystem="2.16.840.1.113883.6.1"/></ClinicalDocument>'
)


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.xml").read_bytes()


def envelope(body: bytes, action: str = PROVIDE, *, understood: str = "true", to: str = "https://dmp.test") -> bytes:
    root = etree.Element(q(SOAP12, "Envelope"))
    header = etree.SubElement(root, q(SOAP12, "Header"))
    written = etree.SubElement(header, q(WSA, "Action"))
    written.text = action
    written.set(q(SOAP12, "mustUnderstand"), understood)
    etree.SubElement(header, q(WSA, "MessageID")).text = "urn:uuid:1"
    if to:
        etree.SubElement(header, q(WSA, "To")).text = to
    etree.SubElement(root, q(SOAP12, "Body")).append(etree.fromstring(body))
    return etree.tostring(root)


def multipart(root: bytes, parts: dict[str, bytes], root_type: str = "") -> bytes:
    wanted = root_type or 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
    head = f"Content-Type: {wanted}\r\nContent-ID: <root>\r\n\r\n"
    body = b"--cut\r\n" + head.encode() + root
    for cid, content in parts.items():
        body += f"\r\n--cut\r\nContent-Type: text/xml\r\nContent-ID: <{cid}>\r\n\r\n".encode() + content
    return body + b"\r\n--cut--\r\n"


def rules(raw: bytes, profile: Profile) -> list[str]:
    return [found.rule for found in inspect(raw, profile=profile).findings]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.xml")), ids=lambda path: path.stem)
def test_every_good_sample_is_named_and_clean(path: Path) -> None:
    found = inspect(path.read_bytes(), profile="ihe" if "ihe" in path.stem else "dmp")
    assert found.findings == ()
    expected = {"iti42": "metadata", "answer": f"ITI-{path.stem[-2:]} answer"}
    kind = path.stem.split("-")[0]
    assert found.kind == expected.get(kind, f"ITI-{kind.removeprefix('iti')}")


def test_a_mistake_in_a_file_is_told_with_its_rule() -> None:
    broken = sample("iti41-dmp").replace(b'"SA01"', b'"SA999"', 1)
    found = inspect(broken, profile="dmp").findings
    assert [(item.rule, item.found) for item in found] == [("D-42", "SA999^^1.2.250.1.71.4.2.4")]


def test_the_profile_changes_the_list() -> None:
    assert set(rules(sample("iti41-dmp"), "ihe")) == {"D-09", "D-22", "D-40"}
    assert "DMP-02" in rules(sample("iti41-ihe"), "dmp")


def test_a_whole_request_is_judged_with_its_documents_and_its_soap() -> None:
    body = sample("iti41-dmp")
    parts = {"document@test": CDA, "signature@test": b"<Signature/>"}
    good = inspect(multipart(envelope(body), parts), profile="dmp")
    assert (good.kind, good.findings) == ("ITI-41", ())
    other = parts | {"document@test": CDA.replace(b"11490-0", b"34112-3")}
    assert rules(multipart(envelope(body), other), "dmp") == ["DMP-19"]
    assert rules(multipart(envelope(body), {"document@test": CDA}), "dmp") == ["D-38a"]
    assert rules(multipart(envelope(body), parts, "text/xml"), "dmp") == ["D-52b"]


def test_an_envelope_kept_without_its_parts_is_not_blamed_for_it() -> None:
    body = sample("iti41-dmp")
    alone = inspect(envelope(body), profile="dmp")
    assert (alone.kind, alone.findings) == ("ITI-41", ())
    inline = etree.fromstring(body)
    for document in inline.iter(q(XDSB, "Document")):
        del document[:]
        document.text = "PENsaW5pY2FsRG9jdW1lbnQvPg=="
    assert "D-52b" in rules(envelope(etree.tostring(inline)), "dmp")


def test_headers_of_a_capture_are_skipped() -> None:
    http = b'POST /repository HTTP/1.1\r\nContent-Type: multipart/related; boundary="cut"\r\n\r\n'
    parts = {"document@test": CDA, "signature@test": b"<Signature/>"}
    assert inspect(http + multipart(envelope(sample("iti41-dmp")), parts), profile="dmp").findings == ()


@pytest.mark.parametrize(
    "broken",
    [
        envelope(sample("iti18-dmp"), "urn:ihe:iti:2007:RetrieveDocumentSet"),
        envelope(sample("iti18-dmp"), "urn:ihe:iti:2007:RegistryStoredQuery", understood="0"),
        envelope(sample("iti18-dmp"), "urn:ihe:iti:2007:RegistryStoredQuery", to=""),
        envelope(sample("iti18-dmp"), ""),
    ],
    ids=["action of another transaction", "not mustUnderstand", "no To", "no Action"],
)
def test_addressing(broken: bytes) -> None:
    assert rules(broken, "dmp") == ["D-52a"]
    assert rules(envelope(sample("iti18-dmp"), "urn:ihe:iti:2007:RegistryStoredQuery"), "dmp") == []


def test_the_action_tells_a_registration_from_an_update() -> None:
    registered = envelope(sample("iti42-ihe"), REGISTER_ACTION)
    assert (inspect(registered, profile="ihe").kind, rules(registered, "ihe")) == ("ITI-42", [])
    without = registered.replace(b'name="hash"', b'name="urn:x:hash"')
    assert rules(without, "ihe") == ["D-13"]
    updated = envelope(sample("iti57-version-dmp"), "urn:ihe:iti:2010:UpdateDocumentSet")
    assert (inspect(updated, profile="dmp").kind, rules(updated, "dmp")) == ("ITI-57", [])


def test_a_bare_list_is_metadata() -> None:
    root = etree.fromstring(sample("iti41-dmp"))
    listing = next(root.iter(q(RIM, "RegistryObjectList")))
    assert (inspect(etree.tostring(listing), profile="dmp").kind, rules(etree.tostring(listing), "dmp")) == (
        "metadata",
        [],
    )


def test_a_document_of_a_retrieval_is_found_by_its_cid() -> None:
    raw = multipart(envelope(sample("answer-43"), "urn:ihe:iti:2007:RetrieveDocumentSetResponse"), {"other": b"x"})
    assert rules(raw, "dmp") == ["D-63a"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nothing at all",
        b"<a/>",
        b"<a",
        b"--cut\r\n",
        b"--cut--\r\n",
        f'<lcm:SubmitObjectsRequest xmlns:lcm="{LCM}"/>'.encode(),
        envelope(b"<a/>"),
        b'<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body/></Envelope>',
    ],
)
def test_what_is_nothing_known_is_said_so(raw: bytes) -> None:
    found = inspect(raw, profile="dmp")
    assert found.kind == "unknown"
    assert found.findings


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    for prefix in (b"", b"--cut\r\nContent-ID: <root>\r\n\r\n", b"<?xml version='1.0'?>"):
        assert inspect(prefix + raw, profile="dmp").kind


def test_metadata_of_an_exchange_that_signs_nothing_need_no_signature() -> None:
    root = etree.fromstring(sample("iti57-version-dmp"))
    entry = next(root.iter(q(RIM, "ExtrinsicObject")))
    del entry.attrib["lid"]
    for slot in list(root.iter(q(RIM, "Slot"))):
        if slot.get("name") == "PreviousVersion":
            remove(slot)
    assert (inspect(etree.tostring(root), profile="dmp").kind, rules(etree.tostring(root), "dmp")) == ("metadata", [])


def test_elements_of_no_namespace_are_told_for_what_they_are() -> None:
    raw = sample("iti41-dmp").replace(b'<rim:Slot name="languageCode">', b'<Slot name="languageCode">', 1)
    raw = raw.replace(b"fr-FR</rim:Value></rim:ValueList></rim:Slot>", b"fr-FR</rim:Value></rim:ValueList></Slot>", 1)
    found = inspect(raw, profile="dmp").findings
    assert {item.rule for item in found} == {"D-46", "D-15"}
    assert "{}Slot" in next(item.found for item in found if item.rule == "D-46")


@pytest.mark.parametrize(("understood", "found"), [("true", []), ("1", []), ("false", ["D-52a"]), (None, ["D-52a"])])
def test_must_understand_counts_without_its_namespace_too(understood: str | None, found: list[str]) -> None:
    root = etree.fromstring(envelope(sample("iti18-dmp"), "urn:ihe:iti:2007:RegistryStoredQuery"))
    (action,) = root.iter(q(WSA, "Action"))
    del action.attrib[q(SOAP12, "mustUnderstand")]
    if understood is not None:
        action.set("mustUnderstand", understood)
    assert rules(etree.tostring(root), "dmp") == found


@pytest.mark.parametrize(
    ("body", "action", "kind"),
    [
        ('<PRPA_IN201307UV02 xmlns="urn:hl7-org:v3"/>', "urn:hl7-org:v3:PRPA_IN201307UV02", "TD0.2"),
        (
            '<setAuthorization xmlns="urn:si-dmp-habilitations"/>',
            "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization",
            "TD0.3",
        ),
    ],
)
def test_requests_about_the_record_itself_are_judged_by_their_addressing(body: str, action: str, kind: str) -> None:
    good = inspect(envelope(body.encode(), action), profile="dmp")
    assert (good.kind, good.findings) == (kind, ())
    assert rules(envelope(body.encode(), PROVIDE), "dmp") == ["D-52a"]
    assert rules(envelope(body.encode(), action, to=""), "dmp") == ["D-52a"]
