"""A plain IHE domain on a real socket: the bytes of the four requests, judged by the shapes of the standards."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from lxml import etree

from connector.base.errors import ServerRefusal, SettingsError, TransportError
from connector.base.ns import QUERY, RIM, SOAP12, WSA, XDSB, XOP, q
from connector.dmp.domain import DomainConfig
from connector.dmp.domain_client import DomainClient
from connector.dmp.errors import DmpMetadataError
from connector.dmp.feed import DOCUMENT_ID, SET_ID
from connector.dmp.metadata import build_entry, build_submission_set
from connector.soap.session import tls_session
from connector.xds import iti57
from connector.xds.model import APPROVED, DEPRECATED, RPLC, STATUS_FAILURE, DocumentEntry, SubmissionSet
from connector.xds.queries import FindDocuments, GetAssociations
from tests.dmp.peer import Peer, Received, Reply, serving
from tests.dmp.samples import CONTENT, FACTS, HEADER, INS, NOW
from tests.dmp.test_client import errors_xml, registry, retrieved
from tests.xds.samples import ANSWER_XML, ENTRY
from tests.xds.shape import faults

PURE = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
OLD = "urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-0d9d6a8f1c11"
FRENCH = (b"^NH", b"IDNST", b"IDNPS", b"Assertion", b"wsse:Security", b"xmldsig", b"^D^^^", b"urn:asip:ci-sis:2010")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as running:
        yield running


@pytest.fixture
def config(peer: Peer) -> DomainConfig:
    return DomainConfig(
        source_id="1.2.250.1.999.9.1",
        registry=f"{peer.url}/registry",
        repository=f"{peer.url}/repository",
        urls={"ITI-57": f"{peer.url}/update"},
        insecure=True,
    )


@pytest.fixture
def client(config: DomainConfig) -> Iterator[DomainClient]:
    numbers = count(1)
    with tls_session(None) as session:
        yield DomainClient(
            config.client_config(),
            session=session,
            clock=lambda: NOW,
            uuid_factory=lambda: uuid.UUID(int=next(numbers)),
        )


@pytest.fixture
def described(client: DomainClient) -> tuple[SubmissionSet, DocumentEntry]:
    entry = build_entry(HEADER, FACTS, INS, client.config, entry_uuid=DOCUMENT_ID)
    made = build_submission_set(
        entry, FACTS, client.config, set_uuid=SET_ID, unique_id="2.25.1001", submission_time=NOW
    )
    return made, entry


def envelope(request: Received) -> etree._Element:
    """The root part, whichever form the request has."""
    if not request.content_type.startswith("multipart/"):
        return etree.fromstring(request.body)
    start = request.body.index(b"<?xml")
    return etree.fromstring(request.body[start : request.body.index(b"\r\n--", start)])


def check_headers(root: etree._Element, action: str) -> None:
    """ihe-rules D-52: Action with mustUnderstand, MessageID, To, once each."""
    header = root[0]
    (found,) = header.findall(q(WSA, "Action"))
    assert (found.text, found.get(q(SOAP12, "mustUnderstand"))) == (action, "true")
    (identifier,) = header.findall(q(WSA, "MessageID"))
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", identifier.text or "")
    assert len(header.findall(q(WSA, "To"))) == len(header.findall(q(WSA, "ReplyTo"))) == 1


def check_multipart(request: Received, action: str) -> None:
    """The Content-Type of the message and of its root part, as MTOM wants them."""
    kind = request.content_type
    for parameter in ('type="application/xop+xml"', 'start-info="application/soap+xml"', f'action="{action}"'):
        assert parameter in kind
    (start,) = re.findall(r'start="(<[^>]+>)"', kind)
    head = request.body.split(b"\r\n\r\n", 1)[0].decode()
    assert f"Content-ID: {start}" in head
    assert 'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"' in head


def test_a_submission_is_pure_xds(
    client: DomainClient, peer: Peer, described: tuple[SubmissionSet, DocumentEntry]
) -> None:
    made, entry = described
    peer.answers(Reply(registry()))
    result = client.submit(made, [(entry, CONTENT)], signed_at=NOW, replaces={DOCUMENT_ID: OLD})
    assert result.unique_ids == (entry.unique_id,)
    (request,) = peer.received
    action = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
    check_multipart(request, action)
    root = envelope(request)
    check_headers(root, action)
    assert faults(root) == []
    assert not [text for text in FRENCH if text in request.body]
    (node,) = root.iter(q(RIM, "ExtrinsicObject"))
    values = {
        slot.get("name"): [value.text for value in slot.iter(q(RIM, "Value"))] for slot in node.iter(q(RIM, "Slot"))
    }
    assert values["hash"] == [hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest()]
    assert values["size"] == [str(len(CONTENT))]
    assert values["languageCode"] == ["fr-FR"]
    assert {one.get("value") for one in root.iter(q(RIM, "ExternalIdentifier"))} >= {PURE}


def test_a_replacement_ties_the_new_entry_to_the_old_one(
    client: DomainClient, peer: Peer, described: tuple[SubmissionSet, DocumentEntry]
) -> None:
    made, entry = described
    peer.answers(Reply(registry()))
    client.submit(made, [(entry, CONTENT)], signed_at=NOW, replaces={DOCUMENT_ID: OLD})
    member, replaces = envelope(peer.received[0]).iter(q(RIM, "Association"))
    assert (replaces.get("associationType"), replaces.get("sourceObject"), replaces.get("targetObject")) == (
        RPLC,
        DOCUMENT_ID,
        OLD,
    )
    assert len(replaces) == 0
    assert [value.text for value in member.iter(q(RIM, "Value"))] == ["Original"]


def test_each_document_is_one_xop_part_of_its_entry(
    client: DomainClient, peer: Peer, described: tuple[SubmissionSet, DocumentEntry], tmp_path: Path
) -> None:
    made, entry = described
    second = replace(entry, entry_uuid="Document02", unique_id="1.2.250.1.999.1.1.43", mime_type="application/pdf")
    (tmp_path / "x.pdf").write_bytes(b"%PDF\r\n")
    peer.answers(Reply(registry()))
    client.submit(made, [(entry, CONTENT), (second, tmp_path / "x.pdf")], signed_at=NOW)
    (request,) = peer.received
    documents = list(envelope(request).iter(q(XDSB, "Document")))
    assert [one.get("id") for one in documents] == ["Document01", "Document02"]
    for document in documents:
        (include,) = document
        assert include.tag == q(XOP, "Include")
        cid = (include.get("href") or "").removeprefix("cid:")
        assert request.body.count(f"Content-ID: <{cid}>".encode()) == 1
    assert b"Content-Type: application/pdf\r\n" in request.body


def test_a_query_is_plain_soap(client: DomainClient, peer: Peer) -> None:
    peer.answers(Reply(ANSWER_XML))
    found = client.query(FindDocuments(f"{PURE}^NH", created_from=datetime(2026, 1, 1, tzinfo=UTC)))
    assert found.entries == (ENTRY,)
    (request,) = peer.received
    assert request.path == "/services/registry"
    assert request.content_type == (
        'application/soap+xml; charset=UTF-8; action="urn:ihe:iti:2007:RegistryStoredQuery"'
    )
    root = envelope(request)
    check_headers(root, "urn:ihe:iti:2007:RegistryStoredQuery")
    assert faults(root) == []
    (body,) = root[1]
    assert [child.tag for child in body] == [q(QUERY, "ResponseOption"), q(RIM, "AdhocQuery")]
    assert f"'{PURE.replace('&', '&amp;')}'" in request.text


def test_a_retrieval_is_mtom_even_without_a_document(client: DomainClient, peer: Peer, tmp_path: Path) -> None:
    entry = replace(ENTRY, hash="", size=None)
    xml = retrieved("urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success", (entry.unique_id, "a"))
    peer.answers(Reply(xml, parts=(("a", b"<x/>"),)))
    (saved,) = client.retrieve([entry], tmp_path)
    assert saved.path.read_bytes() == b"<x/>"
    check_multipart(peer.received[0], "urn:ihe:iti:2007:RetrieveDocumentSet")
    check_headers(envelope(peer.received[0]), "urn:ihe:iti:2007:RetrieveDocumentSet")


@pytest.mark.parametrize("kind", ["status", "version"])
def test_an_update_goes_where_updates_go(
    client: DomainClient, peer: Peer, described: tuple[SubmissionSet, DocumentEntry], kind: str
) -> None:
    made, entry = described
    known = replace(
        entry,
        entry_uuid=OLD,
        logical_id=OLD[:-1] + "2",
        version="1",
        repository_id="1.2.3",
        hash="0" * 40,
        size=1,
        title="Nouveau",
    )
    change = (
        iti57.status_change(made, OLD, APPROVED, DEPRECATED) if kind == "status" else iti57.new_version(made, known)
    )
    peer.answers(Reply(registry()))
    client.update(change)
    (request,) = peer.received
    assert request.path == "/services/update"
    assert request.content_type.startswith("application/soap+xml")
    root = envelope(request)
    check_headers(root, "urn:ihe:iti:2010:UpdateDocumentSet")
    assert faults(root) == []
    assert not [text for text in FRENCH if text in request.body]


def test_a_refusal_and_an_unknown_outcome_are_told_apart(
    client: DomainClient, peer: Peer, described: tuple[SubmissionSet, DocumentEntry]
) -> None:
    made, entry = described
    peer.answers(Reply(registry(STATUS_FAILURE, errors_xml("XDSUnknownPatientId"))), Reply(cut=True))
    with pytest.raises(ServerRefusal) as refused:
        client.submit(made, [(entry, CONTENT)], signed_at=NOW)
    assert refused.value.code == "XDSUnknownPatientId"
    with pytest.raises(TransportError) as failed:
        client.submit(made, [(entry, CONTENT)], signed_at=NOW)
    assert failed.value.sent


def test_what_breaks_a_rule_does_not_leave(
    client: DomainClient, peer: Peer, described: tuple[SubmissionSet, DocumentEntry]
) -> None:
    made, entry = described
    with pytest.raises(DmpMetadataError) as refused:
        client.submit(made, [(replace(entry, type_code=None), CONTENT)], signed_at=NOW)
    assert refused.value.findings[0].rule == "D-20"
    assert peer.received == []


def test_a_domain_that_wants_an_assertion_wants_somebody_to_speak(config: DomainConfig) -> None:
    with tls_session(None) as session, pytest.raises(SettingsError):
        DomainClient(replace(config, assertion=True).client_config(), session=session)


def test_a_domain_of_one_actor_speaks_to_it_alone(config: DomainConfig, peer: Peer) -> None:
    alone = replace(config, repository="", urls={}).client_config()
    peer.answers(Reply(ANSWER_XML))
    with tls_session(None) as session:
        assert DomainClient(alone, session=session).query(GetAssociations((OLD,))).entries == (ENTRY,)
