"""Every outgoing call is told once, whatever became of it, and written as one line of the delivery that made it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connector.base.calls import CallRecord, recorded
from connector.base.errors import CodecError, ConnectorError, ServerError, ServerRefusal, SoapFault, TransportError
from connector.dmp.client import DmpClient
from connector.flows.config import ZamConfig, ZamDestination
from connector.flows.sessions import PscConfig, TokenSession
from connector.flows.zam import ZamFlow
from connector.pix.client import open_client
from connector.soap.session import tls_session
from connector.xds.model import STATUS_FAILURE, STATUS_PARTIAL, STATUS_SUCCESS
from tests.dmp.keys import CALLER, VIHF, signing_pair
from tests.dmp.peer import Peer, Reply, fault, serving
from tests.dmp.samples import CONFIG, FEED, INS, NOW
from tests.dmp.test_client import errors_xml, registry, retrieved
from tests.dmp.test_td02 import ANSWER as EXISTS
from tests.dmp.test_td03 import ANSWER as AUTHORIZED
from tests.pix.kit import INS as PIX_INS
from tests.pix.kit import LOCAL, MllpPeer, v2_config, v3_config
from tests.pix.test_v2_answer import FOUND
from tests.pix.test_v2_client import echo
from tests.xds.samples import ANSWER_XML, ENTRY

Told = list[CallRecord]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as running:
        yield running


@pytest.fixture
def client(peer: Peer, told: Told) -> Iterator[DmpClient]:
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


# -- the DMP ---------------------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[Reply, Callable[[DmpClient, Path], object]]] = {
    "TD0.2": (Reply(EXISTS), lambda client, _: client.test_existence(INS, CALLER)),
    "TD0.3": (Reply(AUTHORIZED), lambda client, _: client.add_authorization(INS, CALLER)),
    "TD2.1": (Reply(registry()), lambda client, _: client.submit(INS, CALLER, FEED)),
    "TD3.1": (Reply(ANSWER_XML), lambda client, _: client.find_documents(INS, CALLER, since=None)),
    "TD3.1b": (Reply(ANSWER_XML), lambda client, _: client.find_stored(INS, CALLER, "1.2.3.4")),
    "TD3.2": (
        Reply(retrieved(STATUS_SUCCESS, (ENTRY.unique_id, "a")), parts=(("a", b"<x/>"),)),
        lambda client, folder: client.retrieve(INS, CALLER, [replace(ENTRY, hash="", size=None)], folder),
    ),
}


def attempt(client: DmpClient, transaction: str, folder: Path) -> None:
    """The call, whatever it raises."""
    try:
        CALLS[transaction][1](client, folder)
    except ConnectorError:
        return


@pytest.mark.parametrize("transaction", CALLS)
def test_a_call_that_went_well(client: DmpClient, peer: Peer, told: Told, tmp_path: Path, transaction: str) -> None:
    peer.answers(CALLS[transaction][0])
    attempt(client, transaction, tmp_path)
    (record,) = told
    assert (record.transaction, record.outcome, record.code) == (transaction, "success", "")
    assert (record.at, record.purpose, record.ins) == (NOW, "normal", INS.value)
    assert record.name_id == CALLER.name_id
    assert record.name_id in peer.received[0].text
    assert record.message_id == record.relates_to
    assert record.message_id in peer.received[0].text
    assert record.destination == peer.url + peer.received[0].path.removeprefix("/services")
    assert INS.value not in repr(record)


def test_the_structure_is_the_one_presented(client: DmpClient, peer: Peer, told: Told, tmp_path: Path) -> None:
    peer.answers(CALLS["TD0.2"][0])
    attempt(client, "TD0.2", tmp_path)
    assert f">{told[0].structure}<" in peer.received[0].text


def test_a_feeding_names_its_submission_set_and_every_document_with_the_signature(
    client: DmpClient, peer: Peer, told: Told, tmp_path: Path
) -> None:
    peer.answers(CALLS["TD2.1"][0])
    attempt(client, "TD2.1", tmp_path)
    assert told[0].set_id == FEED.ids.set_id
    assert FEED.ids.signature_id in told[0].unique_ids
    assert len(told[0].unique_ids) == 2


FAILURES: dict[str, tuple[Reply, str, str]] = {
    "a fault": (fault("DMPAccessDeniedByRightsService", "non"), "refused", "DMPAccessDeniedByRightsService"),
    "a cut": (Reply(cut=True), "unknown", "connection"),
    "no fault": (Reply("<x/>", status=503), "unknown", "http-503"),
    "nonsense": (Reply("<x/>"), "unknown", "UnreadableAnswer"),
}


@pytest.mark.parametrize("transaction", CALLS)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_call_that_failed(
    client: DmpClient, peer: Peer, told: Told, tmp_path: Path, transaction: str, failure: str
) -> None:
    reply, outcome, code = FAILURES[failure]
    peer.answers(reply)
    attempt(client, transaction, tmp_path)
    assert [(record.transaction, record.outcome, record.code) for record in told] == [(transaction, outcome, code)]
    assert told[0].message_id
    if failure == "a fault":
        assert told[0].relates_to == told[0].message_id


def test_a_refusal_of_the_registry_by_its_code(client: DmpClient, peer: Peer, told: Told, tmp_path: Path) -> None:
    peer.answers(Reply(registry(STATUS_FAILURE, errors_xml("XDSDuplicateUniqueIdInRegistry"))))
    attempt(client, "TD2.1", tmp_path)
    assert [(record.outcome, record.code) for record in told] == [("refused", "XDSDuplicateUniqueIdInRegistry")]


def test_an_answer_with_errors_is_partial(client: DmpClient, peer: Peer, told: Told, tmp_path: Path) -> None:
    xml = ANSWER_XML.replace(STATUS_SUCCESS, STATUS_PARTIAL)
    peer.answers(Reply(xml.replace("</query:Adhoc", errors_xml("XDSRegistryError") + "</query:Adhoc")))
    peer.answers(Reply(retrieved(STATUS_PARTIAL, errors=errors_xml("XDSDocumentUniqueIdError"))))
    attempt(client, "TD3.1", tmp_path)
    attempt(client, "TD3.2", tmp_path)
    assert [(record.outcome, record.code) for record in told] == [
        ("partial", "XDSRegistryError"),
        ("partial", "XDSDocumentUniqueIdError"),
    ]


def test_a_server_that_is_not_there_got_nothing(told: Told) -> None:
    with tls_session(None) as session:
        config = replace(CONFIG, base_url="http://127.0.0.1:1")
        lonely = DmpClient(config, session=session, signer=signing_pair(), vihf=VIHF, on_call=told.append)
        with pytest.raises(TransportError):
            lonely.test_existence(INS, CALLER)
    assert [(record.outcome, record.code) for record in told] == [("failed", "refused")]


def test_what_is_refused_before_it_is_a_call_is_not_told(client: DmpClient, peer: Peer, told: Told) -> None:
    nobody = replace(CALLER, name_id="")
    with pytest.raises(ConnectorError):
        client.test_existence(INS, nobody)
    assert told == []
    assert peer.received == []


# -- the identity server, the senders, Pro Santé Connect -------------------------------------------------------------


def test_an_identity_query_by_hl7v2(told: Told) -> None:
    with MllpPeer(echo(*FOUND)) as peer:
        client = open_client(v2_config(peer.port), clock=lambda: NOW, on_call=told.append)
        assert client is not None
        client.query("000003", LOCAL)
        client.close()
        port = peer.port
    (record,) = told
    assert (record.transaction, record.outcome, record.ins) == ("ITI-9", "success", PIX_INS)
    assert record.destination == f"mllp://127.0.0.1:{port}"
    assert record.message_id == record.relates_to != ""
    assert record.message_id.encode() in peer.seen[0]


def test_an_identity_server_that_hangs_up(told: Told) -> None:
    with MllpPeer(lambda raw: None) as peer:
        client = open_client(v2_config(peer.port), on_call=told.append)
        assert client is not None
        with pytest.raises(TransportError):
            client.query("000003", LOCAL)
        client.close()
    assert [(record.outcome, record.code) for record in told] == [("unknown", "connection closed before the reply")]


def test_an_identity_query_by_hl7v3(peer: Peer, told: Told) -> None:
    peer.answers(fault("Nope", "non"))
    client = open_client(v3_config(f"{peer.url}/pix"), on_call=told.append)
    assert client is not None
    with pytest.raises(ServerRefusal):
        client.query("000003", LOCAL)
    client.close()
    (record,) = told
    assert (record.transaction, record.outcome, record.code) == ("ITI-45", "refused", "Nope")
    assert record.message_id in peer.received[0].text


def ack(code: str, control_id: str = "ZAM1") -> bytes:
    return f"MSH|^~\\&|A|B|C|D|20261102||ACK|1|P|2.5\rMSA|{code}|{control_id}\r".encode()


@pytest.mark.parametrize(
    ("reply", "outcome", "code"),
    [
        (ack("AA"), "success", ""),
        (ack("AE"), "refused", "AE"),
        (ack("AA", "another"), "unknown", "MSA-2"),
        (b"nonsense", "unknown", "unreadable"),
        (TransportError("silence", sent=True, cause="no reply"), "unknown", "no reply"),
        (TransportError("closed", sent=False, cause="cannot connect"), "failed", "cannot connect"),
    ],
)
def test_a_business_acknowledgement(told: Told, reply: bytes | TransportError, outcome: str, code: str) -> None:
    def exchange(destination: ZamDestination, message: bytes) -> bytes:
        if isinstance(reply, TransportError):
            raise reply
        return reply

    flow = ZamFlow(
        ZamConfig((ZamDestination("*", "sender.example", 2576),)), exchange, clock=lambda: NOW, on_call=told.append
    )
    flow(_ZamJob())  # type: ignore[arg-type]
    (record,) = told
    assert (record.transaction, record.outcome, record.code) == ("ZAM^Z01", outcome, code)
    assert (record.destination, record.message_id) == ("mllp://sender.example:2576", "ZAM1")
    assert record.unique_ids == ("1.2.3.4",)


class _ZamJob:
    """What ZamFlow reads of a job."""

    document_id = "1.2.3.4"
    fence = None
    payload: dict[str, Any] = {  # noqa: RUF012
        "sender": "DPI|CHU-X",
        "success": True,
        "code": "",
        "label": "",
        "table": "",
        "control_id": "ZAM1",
        "event_time": NOW.isoformat(),
    }

    def raw(self) -> bytes:
        return b"MSH|^~\\&|DPI|CHU-X|PFI|CHU-X|20261102083000||MDM^T02^MDM_T02|M1|P|2.5\r"

    def confirm(self) -> None:
        """Nobody takes this one over."""


class _UserInfo(BaseHTTPRequestHandler):
    """Answers what the test wrote: a status and a body, or nothing at all."""

    status, body = 200, b""

    def do_GET(self) -> None:
        if self.status:
            self.send_response(self.status)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code", "name_id"),
    [
        (200, b'{"SubjectNameID": "801234564895"}', "success", "", "801234564895"),
        (401, b"no", "refused", "http-401", ""),
        (200, b"[]", "unknown", "unreadable", ""),
        (0, b"", "unknown", "ConnectionError", ""),
    ],
)
def test_the_question_who_holds_the_token(
    told: Told, tmp_path: Path, status: int, body: bytes, outcome: str, code: str, name_id: str
) -> None:
    token = tmp_path / "token"
    token.write_text("secret", encoding="ascii")
    handler = type("Handler", (_UserInfo,), {"status": status, "body": body})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = PscConfig(f"http://127.0.0.1:{server.server_port}/userinfo", token)
        TokenSession(config, clock=lambda: NOW - timedelta(days=999), tell=str, on_call=told.append)()  # type: ignore[arg-type]
        server.shutdown()
    (record,) = told
    assert (record.transaction, record.outcome, record.code) == ("PSC-userinfo", outcome, code)
    assert record.name_id == name_id
    assert "secret" not in "".join(str(getattr(record, name)) for name in ("destination", "code", "message_id"))


# -- any call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (TransportError("x", sent=True, cause="timeout"), "unknown", "timeout"),
        (TransportError("x", sent=False, cause="tls"), "failed", "tls"),
        (TransportError("x", sent=True), "unknown", "TransportError"),
        (SoapFault("Sender", "", "x", http_status=500), "refused", "Sender"),
        (ServerRefusal((), status="urn:failure"), "refused", "urn:failure"),
        (ServerRefusal((ServerError("42", "x"),)), "refused", "42"),
        (CodecError("x"), "failed", "CodecError"),
        (ZeroDivisionError(), "unknown", "ZeroDivisionError"),
        (KeyboardInterrupt(), "unknown", "KeyboardInterrupt"),
    ],
)
def test_what_is_raised_is_told_and_goes_on(told: Told, error: BaseException, outcome: str, code: str) -> None:
    with pytest.raises(type(error)), recorded(told.append, CallRecord(NOW, "TD0.2")):
        raise error
    assert [(record.outcome, record.code) for record in told] == [(outcome, code)]
