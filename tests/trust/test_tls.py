"""The TLS client context against real servers over real sockets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, pkcs12

from connector.trust.errors import KeyMaterialError
from connector.trust.tls import DMP_SUITES, client_context, client_context_of, client_context_pkcs12
from tests.trust.material import Wish, pair, write_pem

# OpenSSL judges by the real clock.
TODAY = datetime.now(UTC)
VALID = {"start": TODAY - timedelta(days=1), "end": TODAY + timedelta(days=30)}
CLIENT = Wish(sign=False, client=True, start=VALID["start"], end=VALID["end"])
SERVER = Wish(sign=False, server=True, key_name="server", start=VALID["start"], end=VALID["end"])


def server_context(folder: Path, wish: Wish = SERVER, authority: str = "authority") -> ssl.SSLContext:
    cert, key, _ = write_pem(folder, pair(wish, authority), "server")
    _, _, ca = write_pem(folder, pair(CLIENT), "for-clients")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def listening(context: ssl.SSLContext) -> Iterator[int]:
    """A server that shakes hands once and says hello."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            try:
                connection, _ = listener.accept()
                with connection, context.wrap_socket(connection, server_side=True) as secure:
                    secure.sendall(b"hello")
            except OSError:
                return  # the client refused us: what the test looks at is on its side

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


def call(context: ssl.SSLContext, port: int, host: str = "localhost") -> tuple[str, str]:
    """Version and suite agreed on."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as link,
        context.wrap_socket(link, server_hostname=host) as secure,
    ):
        assert secure.recv(16) == b"hello"
        suite = secure.cipher()
        assert suite is not None
        return str(secure.version()), suite[0]


@pytest.fixture
def client(tmp_path: Path) -> ssl.SSLContext:
    return client_context(*write_pem(tmp_path, pair(CLIENT), "client"))


def test_the_context_says_what_the_dmp_wants(client: ssl.SSLContext) -> None:
    offered = {str(suite["name"]) for suite in client.get_ciphers() if suite["protocol"] != "TLSv1.3"}
    assert offered == set(DMP_SUITES)
    assert client.minimum_version == client.maximum_version == ssl.TLSVersion.TLSv1_2
    assert client.check_hostname
    assert client.verify_mode is ssl.CERT_REQUIRED


def test_mutual_tls(client: ssl.SSLContext, tmp_path: Path) -> None:
    with listening(server_context(tmp_path)) as port:
        version, suite = call(client, port)
    assert version == "TLSv1.2"
    assert suite in DMP_SUITES


@pytest.mark.parametrize("suite", DMP_SUITES)
def test_each_suite_alone(client: ssl.SSLContext, tmp_path: Path, suite: str) -> None:
    context = server_context(tmp_path)
    context.set_ciphers(suite)
    with listening(context) as port:
        assert call(client, port) == ("TLSv1.2", suite)


def test_another_suite_is_refused(client: ssl.SSLContext, tmp_path: Path) -> None:
    context = server_context(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-SHA256")
    with listening(context) as port, pytest.raises((ssl.SSLError, ConnectionError)):
        call(client, port)


def test_tls_1_3_alone_is_refused(client: ssl.SSLContext, tmp_path: Path) -> None:
    context = server_context(tmp_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with listening(context) as port, pytest.raises((ssl.SSLError, ConnectionError)):
        call(client, port)


def test_a_server_of_another_name_is_refused(client: ssl.SSLContext, tmp_path: Path) -> None:
    with listening(server_context(tmp_path)) as port, pytest.raises(ssl.SSLCertVerificationError):
        call(client, port, "other.example")


def test_a_server_of_another_authority_is_refused(client: ssl.SSLContext, tmp_path: Path) -> None:
    with listening(server_context(tmp_path, authority="stranger")) as port, pytest.raises(ssl.SSLCertVerificationError):
        call(client, port)


def test_an_expired_server_is_refused(client: ssl.SSLContext, tmp_path: Path) -> None:
    expired = Wish(sign=False, server=True, key_name="server", start=TODAY - timedelta(9), end=TODAY - timedelta(1))
    with listening(server_context(tmp_path, expired)) as port, pytest.raises(ssl.SSLCertVerificationError):
        call(client, port)


def test_the_client_certificate_is_what_lets_us_in(tmp_path: Path) -> None:
    _, _, ca = write_pem(tmp_path, pair(CLIENT), "client")
    anonymous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anonymous.load_verify_locations(ca)
    anonymous.maximum_version = ssl.TLSVersion.TLSv1_2
    with listening(server_context(tmp_path)) as port, pytest.raises((ssl.SSLError, ConnectionError)):
        call(anonymous, port)


def test_from_a_loaded_pair_and_nothing_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    _, _, ca = write_pem(tmp_path, pair(CLIENT), "client")
    context = client_context_of(pair(CLIENT), ca)
    assert list(scratch.iterdir()) == []
    with listening(server_context(tmp_path)) as port:
        assert call(context, port)[0] == "TLSv1.2"


def test_from_pkcs12(tmp_path: Path) -> None:
    _, _, ca = write_pem(tmp_path, pair(CLIENT), "client")
    file = tmp_path / "auth.p12"
    material = pair(CLIENT)
    secret = BestAvailableEncryption(b"secret")
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", material.key, material.certificate, material.chain, secret)
    )
    with listening(server_context(tmp_path)) as port:
        assert call(client_context_pkcs12(file, ca, "secret"), port)[0] == "TLSv1.2"
    with pytest.raises(KeyMaterialError):
        client_context_pkcs12(file, ca, "other")


def test_unusable_files_are_named(tmp_path: Path) -> None:
    cert, key, ca = write_pem(tmp_path, pair(CLIENT), "client")
    for files in ((key, key, ca), (cert, cert, ca), (cert, key, key), (tmp_path / "absent", key, ca)):
        with pytest.raises(KeyMaterialError) as caught:
            client_context(*files)
        assert files[0].name in caught.value.context["field"]


def test_an_encrypted_key_without_its_password_never_asks(tmp_path: Path) -> None:
    cert, key, ca = write_pem(tmp_path, pair(CLIENT), "client")
    key.write_bytes(
        pair(CLIENT).key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(KeyMaterialError):
        client_context(cert, key, ca)
    assert client_context(cert, key, ca, "secret").check_hostname
