"""MLLP over TLS 1.2 or better, with and without client certificates."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from connector.base.errors import SettingsError, TransportError
from connector.hl7.framing import frame
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.hl7.mllp_client import MllpClient
from tests.hl7_core.certificates import Authority
from tests.hl7_core.peers import connect, echo, listening


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


async def subject(message: bytes, peer: PeerInfo) -> bytes | None:
    return peer.subject.encode() + b" " + message[:10]


async def test_a_client_certificate_names_the_peer(authority: Authority) -> None:
    server_pem, client_pem = authority.issue("listener"), authority.issue("sgl")
    async with listening(
        subject, tls_cert=server_pem.certificate, tls_key=server_pem.key, tls_client_ca=authority.file
    ) as server:
        sender = await connect(server, ssl=authority.client(client_pem))
        for n in range(3):
            await sender.write(frame(b"%d" % n) + frame(b"MSH" + b"x" * 300_000))
            assert await sender.reply() == b"commonName=sgl %d" % n
            assert (await sender.reply()).startswith(b"commonName=sgl MSHxxx")
        sender.close()


async def test_the_blocking_client_keeps_its_tls_connection(authority: Authority) -> None:
    pem = authority.issue("listener")
    async with listening(tls_cert=pem.certificate, tls_key=pem.key) as server:
        with MllpClient("127.0.0.1", server.port, 5, authority.client()) as client:
            for n in range(5):
                assert await asyncio.to_thread(client.exchange, b"%d" % n) == b"reply to %d" % n
        assert server.stats.accepted == 1


async def test_without_a_client_certificate_no_message_gets_through(authority: Authority) -> None:
    pem = authority.issue("listener")
    async with listening(tls_cert=pem.certificate, tls_key=pem.key, tls_client_ca=authority.file) as server:
        for context in (authority.client(), _stranger(authority, pem.certificate.parent)):
            with MllpClient("127.0.0.1", server.port, 5, context) as client, pytest.raises(TransportError):
                await asyncio.to_thread(client.exchange, b"A")
        assert server.stats.received == 0


async def test_an_unknown_listener_receives_nothing(authority: Authority, tmp_path: Path) -> None:
    pem = Authority(tmp_path, "other").issue("listener")
    async with listening(tls_cert=pem.certificate, tls_key=pem.key) as server:
        client = MllpClient("127.0.0.1", server.port, 5, authority.client())
        with pytest.raises(TransportError) as caught:
            await asyncio.to_thread(client.exchange, b"A")
        assert caught.value.sent is False
        assert server.stats.received == 0


async def test_a_plain_sender_on_a_tls_port_is_refused(authority: Authority) -> None:
    pem = authority.issue("listener")
    async with listening(tls_cert=pem.certificate, tls_key=pem.key) as server:
        sender = await connect(server)
        await sender.write(frame(b"MSH|^~\\&|SGL"))
        with pytest.raises((EOFError, ConnectionError)):
            await sender.reply()
        assert server.stats.received == 0
        sender.close()


async def test_tls_1_1_is_refused(authority: Authority) -> None:
    pem = authority.issue("listener")
    async with listening(tls_cert=pem.certificate, tls_key=pem.key) as server:
        old = authority.client()
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(TransportError) as caught:
            await asyncio.to_thread(MllpClient("127.0.0.1", server.port, 5, old).exchange, b"A")
        assert caught.value.sent is False
        assert server.stats.received == 0


def _stranger(authority: Authority, folder: Path) -> ssl.SSLContext:
    """A client of another authority, trusting the listener."""
    return authority.client(Authority(folder, "stranger").issue("intruder"))


@pytest.mark.parametrize("content", ["", "not a certificate"])
async def test_unusable_files_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "listener.crt"
    path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        await MllpServer(MllpConfig(port=0, tls_cert=path, tls_key=path), echo).start()
    assert "tls_cert" in caught.value.context["name"]


def test_client_certificates_need_tls(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        MllpConfig(tls_client_ca=tmp_path / "ca.pem")
