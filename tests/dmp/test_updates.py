"""TD3.3 against the scripted peer: deletion, archiving, masking, and what their answers mean."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from lxml import etree

from connector.base.calls import CallRecord
from connector.base.errors import CodecError, ServerRefusal, TransportError
from connector.base.ns import RIM, q
from connector.dmp.client import DmpClient, UpdateIds, UpdateResult
from connector.dmp.errors import DmpMetadataError
from connector.soap.session import tls_session
from connector.xds.model import ARCHIVED, STATUS_FAILURE
from tests.dmp.keys import CALLER, VIHF, signing_pair
from tests.dmp.peer import Peer, Reply, serving
from tests.dmp.samples import CONFIG, FACTS, INS, NOW
from tests.dmp.test_client import errors_xml, registry
from tests.xds.samples import ENTRY

IDS = UpdateIds("2.25.2001", datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
TARGET = "urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-0d9d6a8f1c11"
APPROVED_URN = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DELETED_URN = "urn:asip:ci-sis:2010:StatusType:Deleted"

Act = Callable[[DmpClient], UpdateResult]


def deletion(client: DmpClient) -> UpdateResult:
    return client.delete(INS, CALLER, TARGET, IDS, unique_id=ENTRY.unique_id)


def archiving(client: DmpClient) -> UpdateResult:
    return client.archive(INS, CALLER, TARGET, IDS)


def unarchiving(client: DmpClient) -> UpdateResult:
    return client.archive(INS, CALLER, TARGET, IDS, undo=True)


def masking(client: DmpClient) -> UpdateResult:
    return client.update_metadata(INS, CALLER, ENTRY, IDS)


def showing(client: DmpClient) -> UpdateResult:
    return client.update_metadata(INS, CALLER, ENTRY, IDS, visibility=True)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as running:
        yield running


@pytest.fixture
def told() -> list[CallRecord]:
    return []


@pytest.fixture
def client(peer: Peer, told: list[CallRecord]) -> Iterator[DmpClient]:
    numbers = count(1)
    with tls_session(None) as session:
        yield DmpClient(
            replace(CONFIG, base_url=peer.url),
            session=session,
            signer=signing_pair(),
            vihf=VIHF,
            clock=lambda: NOW,
            uuid_factory=lambda: uuid.UUID(int=next(numbers)),
            on_call=told.append,
        )


def sent(peer: Peer) -> etree._Element:
    return etree.fromstring(peer.received[0].body)


def slot_values(root: etree._Element, name: str) -> list[str | None]:
    return [value.text for value in root.iterfind(f".//{q(RIM, 'Slot')}[@name='{name}']//{q(RIM, 'Value')}")]


@pytest.mark.parametrize(
    ("act", "row", "original", "new"),
    [
        (deletion, "TD3.3c", APPROVED_URN, DELETED_URN),
        (archiving, "TD3.3d", APPROVED_URN, ARCHIVED),
        (unarchiving, "TD3.3d", ARCHIVED, APPROVED_URN),
    ],
)
def test_a_status_goes_from_one_to_the_other(
    client: DmpClient, peer: Peer, told: list[CallRecord], act: Act, row: str, original: str, new: str
) -> None:
    peer.answers(Reply(registry()))
    assert act(client).set_id == "2.25.2001"
    (association,) = sent(peer).iter(q(RIM, "Association"))
    assert association.get("targetObject") == TARGET
    assert slot_values(association, "OriginalStatus") == [original]
    assert slot_values(association, "NewStatus") == [new]
    (record,) = told
    assert (record.transaction, record.set_id, record.outcome) == (row, "2.25.2001", "success")
    assert record.unique_ids == ((ENTRY.unique_id,) if act is deletion else ())


def test_it_leaves_as_plain_soap_with_its_action_and_the_assertion(client: DmpClient, peer: Peer) -> None:
    peer.answers(Reply(registry()))
    deletion(client)
    (request,) = peer.received
    assert request.path == "/services/registry"
    assert request.content_type.startswith("application/soap+xml")
    assert ">urn:ihe:iti:2010:UpdateDocumentSet<" in request.text
    assert "saml2:Assertion" in request.text
    assert "IHEManifest" not in request.text


def test_the_author_is_the_software_or_the_sender_of_the_message(client: DmpClient, peer: Peer) -> None:
    peer.answers(Reply(registry()), Reply(registry()))
    deletion(client)
    client.delete(INS, CALLER, TARGET, IDS, facts=FACTS)
    software, sender = (slot_values(etree.fromstring(one.body), "authorPerson") for one in peer.received)
    assert software == ["3120456789/connector^dmp-connector^PFI^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"]
    assert sender == ["801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"]


@pytest.mark.parametrize(("act", "row"), [(masking, "TD3.3a"), (showing, "TD3.3b")])
def test_a_masking_sends_the_entry_with_its_version(
    client: DmpClient, peer: Peer, told: list[CallRecord], act: Act, row: str
) -> None:
    peer.answers(Reply(registry()))
    act(client)
    assert slot_values(sent(peer), "PreviousVersion") == ["2"]
    assert (told[0].transaction, told[0].unique_ids) == (row, (ENTRY.unique_id,))


@pytest.mark.parametrize("act", [deletion, archiving, masking])
def test_a_refusal_is_a_refusal(client: DmpClient, peer: Peer, act: Act) -> None:
    peer.answers(Reply(registry(STATUS_FAILURE, errors_xml("XDSMetadataUpdateError"))))
    with pytest.raises(ServerRefusal) as refused:
        act(client)
    assert refused.value.code == "XDSMetadataUpdateError"
    assert INS.value not in str(refused.value)


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply("<other/>")], ids=["cut", "unreadable"])
def test_no_usable_answer_is_an_unknown_outcome(
    client: DmpClient, peer: Peer, told: list[CallRecord], reply: Reply
) -> None:
    peer.answers(reply)
    with pytest.raises(TransportError) as failed:
        deletion(client)
    assert failed.value.sent
    assert told[0].outcome == "unknown"


def test_nothing_leaves_without_a_version(client: DmpClient, peer: Peer) -> None:
    with pytest.raises(CodecError):
        client.update_metadata(INS, CALLER, replace(ENTRY, version=""), IDS)
    with pytest.raises(DmpMetadataError):
        client.update_metadata(INS, CALLER, replace(ENTRY, title="a\x01b"), IDS)
    assert peer.received == []
