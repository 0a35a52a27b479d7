"""The TLS door: TLS 1.2, the four suites, client certificates of the right kind and CA (dmp-interface b.8, f)."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.http import DMP_SUITES
from connector.simulator.server import Simulator
from tests.simulator.rig import Client, client_context, exchange, path_of


def port_of(sim: Simulator, name: str = "base") -> int:
    return int(sim.urls[name].split(":")[2].split("/")[0])


def events(sim: Simulator) -> list[str]:
    """Events of the log; the server's thread writes them just after the client saw its refusal."""
    deadline = time.monotonic() + 5
    while not sim.log.events() and time.monotonic() < deadline:
        time.sleep(0.005)
    return [event for event, _ in sim.log.events()]


@pytest.mark.parametrize("pair", [None, "sign", "auth-unknown-ca", "auth-expired"])
def test_refused_in_the_handshake(sim: Simulator, pair: str | None) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(sim, pair).post(path_of("patients"), b"")
    assert sim.log.lines() == ()
    assert events(sim) == ["tls"]


def test_unknown_structure_passes_tls_and_not_the_judge(sim: Simulator) -> None:
    client = Client(sim, "auth-unknown-structure")
    assert client.exists().status == 500
    assert client.last_rule() == "VIHF-TLS-STRUCTURE"


def handshake(sim: Simulator, context: ssl.SSLContext) -> tuple[str, str]:
    with (
        socket.create_connection(("127.0.0.1", port_of(sim)), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        cipher = secure.cipher()
        assert cipher is not None
        return secure.version() or "", cipher[0]


@pytest.mark.parametrize("suite", DMP_SUITES)
def test_each_suite_is_served(sim: Simulator, suite: str) -> None:
    context = client_context(sim.pki)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    assert handshake(sim, context) == ("TLSv1.2", suite)


def test_tls_1_3_is_not_offered(sim: Simulator) -> None:
    assert handshake(sim, client_context(sim.pki))[0] == "TLSv1.2"
    context = client_context(sim.pki)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError):
        handshake(sim, context)


@pytest.mark.parametrize("suite", ["ECDHE-RSA-AES128-SHA256", "AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384"])
def test_other_suites_are_refused(sim: Simulator, suite: str) -> None:
    context = client_context(sim.pki)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    with pytest.raises(ssl.SSLError):
        handshake(sim, context)


def test_wrong_port_shows_a_certificate_of_another_ca(sim: Simulator) -> None:
    client = Client(sim)
    with pytest.raises(ssl.SSLCertVerificationError), client.connection(port_of(sim, "wrong")) as made:
        exchange(made, path_of("patients"), b"")


def test_server_certificate_names_localhost_and_loopback(sim: Simulator) -> None:
    context = client_context(sim.pki)
    for name in ("localhost", "127.0.0.1"):
        with (
            socket.create_connection(("127.0.0.1", port_of(sim)), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            assert secure.getpeercert()


def test_keep_alive(client: Client) -> None:
    with client.connection() as made:
        first = exchange(made, path_of("patients"), b"<x/>")
        kept = made.sock
        second = exchange(made, path_of("patients"), b"<x/>")
        assert made.sock is kept
    assert (first.status, second.status) == (500, 500)


def test_a_silent_client_blocks_nobody(sim: Simulator) -> None:
    with closing(socket.create_connection(("127.0.0.1", port_of(sim)), timeout=5)):
        assert Client(sim).exists().status == 200


def test_garbage_instead_of_tls_is_an_event(sim: Simulator) -> None:
    with closing(socket.create_connection(("127.0.0.1", port_of(sim)), timeout=5)) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        plain.recv(100)
    assert Client(sim).exists().status == 200
    assert events(sim) == ["tls"]


def test_stop_is_quick_with_open_connections(config: SimConfig) -> None:
    sim = Simulator(config).start()
    with Client(sim).connection() as made:
        exchange(made, path_of("patients"), b"<x/>")
        started = time.monotonic()
        sim.stop()
        assert time.monotonic() - started < 1.0


def test_restart_on_the_same_folder_keeps_the_certificates(config: SimConfig) -> None:
    with Simulator(config) as sim:
        before = sim.pki.sign.certificate.read_bytes()
    with Simulator(config) as sim:
        assert sim.pki.sign.certificate.read_bytes() == before
        assert Client(sim).exists().status == 200
