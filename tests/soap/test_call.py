"""One call over mutual TLS: what leaves, what comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from connector.base.errors import CodecError
from connector.base.resources import resource_dir
from connector.soap.client import SoapClient
from connector.soap.limits import DMP, WireProfile
from connector.soap.transport import WireEvent
from tests.soap.kit import QUERY, STORED_QUERY, client, counting_uuids, echo, query
from tests.soap.peer import Peer, Reply, Tls

NS = {"s": "http://www.w3.org/2003/05/soap-envelope", "a": "http://www.w3.org/2005/08/addressing"}


def test_answer_carries_body_addressing_and_server_date(tls: Tls) -> None:
    reply = Reply(body=echo(), headers={"date": "Sat, 21 Nov 2026 20:00:00 GMT"})
    with Peer(reply, context=tls.server) as peer:
        answer = client(peer, tls).call("RegistryStoredQuery", query())
    assert answer.body.tag == f"{{{QUERY}}}AdhocQueryResponse"
    assert answer.action == STORED_QUERY + "Response"
    assert answer.message_id == "urn:uuid:answer"
    assert answer.date == datetime(2026, 11, 21, 20, 0, 0, tzinfo=UTC)
    assert 0 < answer.seconds < 5


def test_header_order_and_forms(tls: Tls) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls, uuid_factory=counting_uuids())
        service.call("RegistryStoredQuery", query(), assertion=b"<x:Assertion xmlns:x='urn:x'/>")
        seen = peer.seen[0]
        url = peer.url
    header = etree.fromstring(seen.body).find("s:Header", NS)
    assert header is not None
    names = [etree.QName(child).localname for child in header]
    assert names == ["MessageID", "To", "ReplyTo", "Action", "Security"]
    assert header.findtext("a:MessageID", None, NS) == "urn:uuid:00000000-0000-0000-0000-000000000001"
    assert header.findtext("a:To", None, NS) == url
    assert header.findtext("a:ReplyTo/a:Address", None, NS) == "http://www.w3.org/2005/08/addressing/anonymous"
    assert header.findtext("a:Action", None, NS) == STORED_QUERY
    for name in ("ReplyTo", "Action"):
        element = header.find(f"a:{name}", NS)
        assert element is not None
        assert dict(element.items()) == {"{http://www.w3.org/2003/05/soap-envelope}mustUnderstand": "true"}
    assert seen.headers["content-type"] == f'application/soap+xml; charset=UTF-8; action="{STORED_QUERY}"'
    assert seen.headers["accept-encoding"] == "identity"


def test_dmp_profile_writes_bare_must_understand_and_one_call_can_differ(tls: Tls) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls, profile=DMP)
        service.call("RegistryStoredQuery", query())
        service.call("RegistryStoredQuery", query(), must_understand="qualified")
        first, second = peer.seen
    assert first.body.count(b' mustUnderstand="true"') == 2
    assert second.body.count(b':mustUnderstand="true"') == 2


def test_content_type_is_a_setting(tls: Tls) -> None:
    bare = WireProfile(content_type="application/soap+xml", action_in_content_type=False)
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls, profile=bare).call("RegistryStoredQuery", query())
        assert peer.seen[0].headers["content-type"] == "application/soap+xml"


def test_connection_is_kept_alive(tls: Tls) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls)
        for _ in range(3):
            service.call("RegistryStoredQuery", query())
        assert len(peer.seen) == 3
        assert peer.connections == 1


def test_wire_hook_sees_the_exact_bytes(tls: Tls) -> None:
    events: list[WireEvent] = []
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls, on_wire=events.append).call("RegistryStoredQuery", query())
        sent = peer.seen[0].body
    assert [event.direction for event in events] == ["request", "answer"]
    assert events[0].root == sent
    assert events[0].headers["Content-Length"] == str(len(sent))
    assert b"AdhocQueryResponse" in events[1].root


def test_request_that_breaks_the_contract_never_leaves(tls: Tls) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls)
        with pytest.raises(CodecError) as unknown:
            service.call("NoSuchOperation", query())
        with pytest.raises(CodecError) as wrong:
            service.call("UpdateDocumentSet", query())
        assert peer.seen == []
    assert unknown.value.context["field"] == "operation"
    assert wrong.value.context["expected"].endswith("SubmitObjectsRequest")


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("patients", ("PRPA_IN201307UV02",)),
        ("habilitations", ("setAuthorization",)),
        ("registry", ("RegistryStoredQuery", "UpdateDocumentSet")),
        ("repository", ("ProvideAndRegisterDocumentSet-b", "RetrieveDocumentSet")),
        ("pixv3", ("PRPA_IN201309UV02",)),
    ],
)
def test_contracts_load(name: str, operations: tuple[str, ...]) -> None:
    service = SoapClient(resource_dir("wsdl") / f"{name}.wsdl", "https://localhost/")
    assert service.operations == operations
