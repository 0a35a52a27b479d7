"""Everything that can break between two machines, and what the client may conclude from it (design rule 7)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses

from connector.base.errors import CodecError, SoapFault, TransportError
from connector.soap.errors import AnswerTooLarge, RelatesToMismatch, UnreadableAnswer
from connector.soap.failures import transport_error
from connector.soap.limits import SoapLimits
from connector.soap.parts import Attachment
from connector.soap.session import WireProgress, tls_session
from tests.soap.conftest import client_context, server_context
from tests.soap.kit import ANSWER, client, echo, envelope, message_id, query
from tests.soap.peer import Peer, Reply, Seen, Tls

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
FAULT12 = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:d='urn:d'>d:DMPInvalidCertificate</s:Value>"
    "</s:Subcode></s:Code><s:Reason><s:Text xml:lang='en'>Not a valid signature certificate</s:Text></s:Reason>"
    "<s:Detail><x>more</x></s:Detail></s:Fault>"
)
FAULT11 = (
    "<s:Fault><faultcode>s:Server</faultcode><faultstring>Structure introuvable ou Inactive</faultstring>"
    "<detail><x/></detail></s:Fault>"
)


def failure(peer: Peer, tls: Tls | None, **options: Any) -> TransportError:
    with pytest.raises(TransportError) as error:
        client(peer, tls, **options).call("RegistryStoredQuery", query())
    return error.value


# --- before any byte has left -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_refused_connection_is_safe_to_retry(tls: Tls, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Peer(Reply(), context=tls.server) as peer:
        error = failure(peer, tls, url=f"{scheme}://localhost:{port}/")
    assert (error.sent, error.context["cause"]) == (False, "refused")


def test_unknown_host_is_safe_to_retry(tls: Tls) -> None:
    with Peer(Reply(), context=tls.server) as peer:
        error = failure(peer, tls, url="https://nowhere.invalid/")
    assert (error.sent, error.context["cause"]) == (False, "name")


@pytest.mark.parametrize(
    ("certificate", "ca", "reason"),
    [
        ("expired", "ca", "certificate has expired"),
        ("elsewhere", "ca", "Hostname mismatch"),
        ("stranger", "ca", "unable to get local issuer certificate"),
        ("server", "other-ca", "self-signed certificate in certificate chain"),
    ],
)
def test_server_certificate_problem_is_named(tls: Tls, certificate: str, ca: str, reason: str) -> None:
    wrong = server_context(tls.folder, certificate, tls.ca)
    session = tls_session(client_context(tls.folder, "client", tls.folder / f"{ca}.pem"))
    with Peer(Reply(), context=wrong) as peer:
        error = failure(peer, tls, session=session)
        assert peer.seen == []
    assert (error.sent, error.context["cause"]) == (False, "server-certificate")
    assert reason in str(error)


def test_public_authorities_are_not_trusted_besides_the_given_one(tls: Tls) -> None:
    """requests adds certifi's bundle to the context it is given unless its adapter is told not to."""
    context = client_context(tls.folder, "client", tls.ca)
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls, session=tls_session(context)).call("RegistryStoredQuery", query())
    assert len(context.get_ca_certs()) == 1


def test_environment_decides_nothing(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.folder / "other-ca.pem"))
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls).call("RegistryStoredQuery", query())
        assert len(peer.seen) == 1


@pytest.mark.parametrize("certificate", [None, "stranger", "expired"])
@pytest.mark.parametrize("tls12", [True, False])
def test_client_certificate_problem(tls: Tls, certificate: str | None, tls12: bool) -> None:
    """TLS 1.2 refuses inside the handshake; TLS 1.3 after the request has left, by an alert when it gets through."""
    context = client_context(tls.folder, certificate, tls.ca)
    if tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Peer(Reply(), context=tls.server) as peer:
        error = failure(peer, tls, session=tls_session(context))
        assert peer.seen == []
    if tls12 or error.context["cause"] == "client-certificate":
        assert not error.sent
    else:
        assert error.sent
        assert error.context["cause"] == "connection"


def test_silent_handshake_times_out_unsent(tls: Tls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, Peer(Reply(), context=tls.server) as peer:
        url = f"https://localhost:{mute.getsockname()[1]}/"
        error = failure(peer, tls, url=url, timeout=0.3)
    assert (error.sent, error.context["cause"]) == (False, "timeout")


# --- after ------------------------------------------------------------------------------------------------------


def test_silence_after_the_request_is_an_unknown_outcome(tls: Tls) -> None:
    with Peer(Reply(delay=1.0, body=echo()), context=tls.server) as peer:
        error = failure(peer, tls, timeout=0.3)
        assert len(peer.seen) == 1
    assert (error.sent, error.context["cause"]) == (True, "timeout")


def test_timeout_of_one_call_overrides_the_client(tls: Tls) -> None:
    with Peer(Reply(delay=0.6, body=echo()), context=tls.server) as peer:
        service = client(peer, tls, timeout=0.2)
        service.call("RegistryStoredQuery", query(), timeout=5)
        with pytest.raises(TransportError):
            service.call("RegistryStoredQuery", query())


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_connection_cut_inside_the_answer(tls: Tls, cut: int) -> None:
    with Peer(Reply(body=echo(), cut_after=cut), context=tls.server) as peer:
        error = failure(peer, tls)
    assert error.sent


def test_connection_cut_before_the_status_line(tls: Tls) -> None:
    with Peer(Reply(raw=b"", close=True), context=tls.server) as peer:
        error = failure(peer, tls)
        assert len(peer.seen) == 1
    assert error.sent


def test_peer_that_hangs_up_during_the_upload(tls: Tls) -> None:
    with Peer(Reply(before_reading=True, raw=b"", close=True), context=tls.server) as peer:
        service = client(peer, tls)
        with pytest.raises(TransportError) as error:
            service.call("RegistryStoredQuery", query(), attachments=[Attachment("a", "a/b", b"x" * 5_000_000)])
    assert error.value.sent


def test_truncated_multipart_without_length(tls: Tls) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=b\r\nConnection: close\r\n\r\n--b\r\n\r\n<a/>"
    with Peer(Reply(raw=raw, close=True), context=tls.server) as peer:
        error = failure(peer, tls)
    assert isinstance(error, UnreadableAnswer)
    assert error.sent
    assert error.context["http_status"] == 200


def test_slow_drip_is_stopped_by_the_deadline(tls: Tls) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.05)
            yield b" "

    with Peer(Reply(length=100, blocks=drip), context=tls.server) as peer:
        started = time.monotonic()
        error = failure(peer, tls, limits=SoapLimits(answer_seconds=0.4))
        assert time.monotonic() - started < 3
    assert (error.sent, error.context["cause"]) == (True, "timeout")


def test_answer_to_another_message(tls: Tls) -> None:
    with Peer(Reply(body=envelope(ANSWER, "urn:uuid:another")), context=tls.server) as peer:
        error = failure(peer, tls)
        expected = message_id(peer.seen[0])
    assert isinstance(error, RelatesToMismatch)
    assert error.sent
    assert (error.context["found"], error.context["expected"]) == ("urn:uuid:another", expected)


def test_answer_without_relates_to_passes(tls: Tls) -> None:
    with Peer(Reply(body=envelope(ANSWER)), context=tls.server) as peer:
        assert client(peer, tls).call("RegistryStoredQuery", query()).relates_to == ""


# --- the server's words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 400, 200])
def test_soap12_fault(tls: Tls, status: int) -> None:
    reply = Reply(status, body=echo(FAULT12), headers={"Date": "Sat, 21 Nov 2026 20:00:00 GMT"})
    with Peer(reply, context=tls.server) as peer, pytest.raises(SoapFault) as fault:
        client(peer, tls).call("RegistryStoredQuery", query())
    assert (fault.value.code, fault.value.subcode) == ("Sender", "DMPInvalidCertificate")
    assert fault.value.text == "Not a valid signature certificate"
    assert fault.value.http_status == status
    assert fault.value.context["qsubcode"] == "d:DMPInvalidCertificate"
    assert fault.value.context["date"] == datetime(2026, 11, 21, 20, 0, 0, tzinfo=UTC)
    assert "<x>more</x>" in fault.value.context["detail"]


def test_soap11_fault(tls: Tls) -> None:
    def body(request: Seen) -> bytes:
        return envelope(FAULT11, message_id(request), SOAP11)

    with Peer(Reply(500, "text/xml", body), context=tls.server) as peer, pytest.raises(SoapFault) as fault:
        client(peer, tls).call("RegistryStoredQuery", query())
    assert (fault.value.code, fault.value.text) == ("Server", "Structure introuvable ou Inactive")


def test_fault_prefers_the_french_text(tls: Tls) -> None:
    french = FAULT12.replace("</s:Reason>", "<s:Text xml:lang='fr-FR'>Certificat non valide</s:Text></s:Reason>")
    with Peer(Reply(500, body=echo(french)), context=tls.server) as peer, pytest.raises(SoapFault) as fault:
        client(peer, tls).call("RegistryStoredQuery", query())
    assert fault.value.text == "Certificat non valide"


def test_fault_may_relate_to_unspecified_but_not_to_another(tls: Tls) -> None:
    unspecified = envelope(FAULT12, "http://www.w3.org/2005/08/addressing/unspecified")
    replies = Reply(500, body=unspecified), Reply(500, body=envelope(FAULT12, "urn:uuid:another"))
    with Peer(*replies, context=tls.server) as peer:
        with pytest.raises(SoapFault):
            client(peer, tls).call("RegistryStoredQuery", query())
        assert isinstance(failure(peer, tls), RelatesToMismatch)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 502, 503])
def test_http_error_without_soap(tls: Tls, status: int) -> None:
    reply = Reply(status, "text/html", b"<html>no", headers={"Location": "https://elsewhere.invalid/"})
    with Peer(reply, context=tls.server) as peer:
        error = failure(peer, tls)
        assert len(peer.seen) == 1
    assert error.sent
    assert error.context["http_status"] == status


MUTATIONS = {
    "html": (b"<html/>", "root element"),
    "truncated": (envelope(ANSWER)[:-4], "SOAP envelope"),
    "doctype": (b"<!DOCTYPE s:Envelope>" + envelope(ANSWER), "SOAP envelope"),
    "empty": (b"", "SOAP envelope"),
    "no body": (envelope(""), "soap:Body"),
    "too large": (envelope(ANSWER + " " * 5000), "answer"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_unreadable_200_is_an_unknown_outcome(tls: Tls, name: str) -> None:
    data, field = MUTATIONS[name]
    with Peer(Reply(body=data), context=tls.server) as peer:
        error = failure(peer, tls, limits=replace(SoapLimits(), root=4000))
    assert error.sent
    assert isinstance(error, CodecError)
    assert isinstance(error, AnswerTooLarge) == (name == "too large")
    assert error.context["field"] == field


def test_error_status_with_an_ordinary_answer_is_not_success(tls: Tls) -> None:
    with Peer(Reply(500, body=echo()), context=tls.server) as peer:
        error = failure(peer, tls)
    assert (error.sent, error.context["http_status"]) == (True, 500)


# --- what no server would do ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exception", [requests.exceptions.ContentDecodingError("x"), requests.exceptions.InvalidHeader("x")]
)
def test_library_errors_are_transport_errors(tls: Tls, exception: Exception) -> None:
    with responses.RequestsMock() as mock, Peer(Reply(), context=tls.server) as peer:
        mock.post(peer.url, body=exception)
        failure(peer, tls)


def test_a_foreign_session_proves_nothing_about_what_left(tls: Tls) -> None:
    with responses.RequestsMock() as mock, Peer(Reply(), context=tls.server) as peer:
        mock.post(peer.url, body=requests.ConnectionError("x"))
        assert failure(peer, tls, session=requests.Session()).sent


# --- threads ----------------------------------------------------------------------------------------------------


@contextmanager
def joined(*threads: threading.Thread) -> Iterator[None]:
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(20)


def test_threads_share_a_client_without_mixing_calls(tls: Tls) -> None:
    seen: dict[int, str] = {}

    def one(number: int) -> None:
        answer = service.call("RegistryStoredQuery", query(), assertion=f"<a n='{number}'/>".encode())
        seen[number] = answer.body.get("n", "")

    def mirror(request: Seen) -> bytes:
        number = request.body.partition(b"<a n='")[2].partition(b"'")[0].decode()
        return echo(ANSWER.replace("status", f"n='{number}' status"))(request)

    with Peer(Reply(body=mirror), context=tls.server) as peer:
        service = client(peer, tls)
        with joined(*(threading.Thread(target=one, args=(n,)) for n in range(24))):
            pass
    assert seen == {n: str(n) for n in range(24)}


# --- what an alert proves ---------------------------------------------------------------------------------------


def alert(reason: str) -> requests.exceptions.SSLError:
    error = ssl.SSLError(1, "alert")
    error.reason = reason
    return requests.exceptions.SSLError(error)


@pytest.mark.parametrize(
    ("progress", "sent"),
    [
        (WireProgress(sent=False, fresh=True), False),
        (WireProgress(sent=True, fresh=True), False),
        (WireProgress(sent=True, fresh=False), True),
        (WireProgress(), True),
    ],
)
def test_a_certificate_alert_proves_something_only_on_a_new_connection(progress: WireProgress, sent: bool) -> None:
    error = transport_error(alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), progress)
    assert error.sent is sent
    assert "no client certificate was given" in str(error)


def test_another_alert_proves_nothing() -> None:
    error = transport_error(alert("TLSV1_ALERT_INTERNAL_ERROR"), WireProgress(sent=True, fresh=True))
    assert (error.sent, error.context["cause"]) == (True, "tls")
