"""The blocking client against scripted listeners: reconnection, cuts, and what `sent` promises."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from connector.base.errors import CodecError, TransportError
from connector.hl7.framing import frame
from connector.hl7.mllp_client import MllpClient

Script = Callable[[socket.socket], None]


@contextmanager
def scripted(*scripts: Script) -> Iterator[int]:
    """A listener that plays one script per accepted connection, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def play() -> None:
        for script in scripts:
            connection, _ = listener.accept()
            with connection:
                script(connection)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(5)
        listener.close()
    assert not thread.is_alive()


def receive(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\x1c\r"):
        data += connection.recv(65536)
    return data[1:-2]


def answer(*replies: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        for reply in replies:
            receive(connection)
            connection.sendall(reply)

    return script


def failure(port: int, timeout: float = 5.0, max_reply: int = 1024) -> TransportError:
    with MllpClient("127.0.0.1", port, timeout, max_reply=max_reply) as client, pytest.raises(TransportError) as caught:
        client.exchange(b"MSH|1")
    return caught.value


def test_exchanges_share_one_connection() -> None:
    with scripted(answer(frame(b"A"), frame(b"B"))) as port, MllpClient("127.0.0.1", port, 5) as client:
        assert [client.exchange(b"1"), client.exchange(b"2")] == [b"A", b"B"]


def test_a_reply_in_pieces_and_large_messages() -> None:
    large = b"x" * 3_000_000

    def script(connection: socket.socket) -> None:
        assert receive(connection) == large
        for piece in (b"\n\x0bMS", b"H|\x1c", b"\r"):
            connection.sendall(piece)

    with scripted(script) as port, MllpClient("127.0.0.1", port, 5) as client:
        assert client.exchange(large) == b"MSH|"


def test_an_idle_connection_closed_by_the_far_end_is_reopened() -> None:
    with scripted(answer(frame(b"A")), answer(frame(b"B"))) as port, MllpClient("127.0.0.1", port, 5) as client:
        assert client.exchange(b"1") == b"A"
        _wait_for_end(client)
        assert client.exchange(b"2") == b"B"


def test_a_stray_reply_is_never_taken_for_an_answer() -> None:
    with (
        scripted(answer(frame(b"A") + frame(b"stray")), answer(frame(b"B"))) as port,
        MllpClient("127.0.0.1", port, 5) as client,
    ):
        assert client.exchange(b"1") == b"A"
        assert client.exchange(b"2") == b"B"


def test_nobody_listens() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    listener.close()
    error = failure(port)
    assert error.sent is False
    assert error.context["port"] == port


def test_closed_before_the_reply() -> None:
    with scripted(answer(b"")) as port:
        assert failure(port).sent is True


def test_closed_within_the_reply() -> None:
    with scripted(answer(b"\x0bMSH|")) as port:
        assert failure(port).sent is True


def test_no_reply_in_time() -> None:
    done = threading.Event()

    def script(connection: socket.socket) -> None:
        receive(connection)
        done.wait(5)

    with scripted(script) as port:
        error = failure(port, timeout=0.1)
        done.set()
    assert error.sent is True


def test_a_reply_dripping_byte_by_byte_does_not_outlive_the_timeout() -> None:
    done = threading.Event()

    def script(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(b"\x0b")
        while not done.wait(0.02):
            connection.sendall(b"x")

    with scripted(script) as port:
        error = failure(port, timeout=0.2)
        done.set()
    assert error.sent is True


def test_a_reply_too_large() -> None:
    with scripted(answer(frame(b"x" * 2000))) as port:
        assert failure(port).context["cause"] == "reply too large"


def test_after_a_failure_the_next_exchange_starts_afresh() -> None:
    with scripted(answer(b"\x0bMSH|"), answer(frame(b"B"))) as port, MllpClient("127.0.0.1", port, 5) as client:
        with pytest.raises(TransportError):
            client.exchange(b"1")
        assert client.exchange(b"2") == b"B"


def test_a_message_that_cannot_be_framed_is_not_sent() -> None:
    with pytest.raises(CodecError):
        MllpClient("127.0.0.1", 9, 1).exchange(b"MSH|\x1c\r")


def test_threads_take_turns() -> None:
    def script(connection: socket.socket) -> None:
        for _ in range(20):
            connection.sendall(frame(b"re " + receive(connection)))

    results: dict[bytes, bytes] = {}
    with scripted(script) as port, MllpClient("127.0.0.1", port, 5) as client:

        def work(n: int) -> None:
            for i in range(5):
                message = b"%d-%d" % (n, i)
                results[message] = client.exchange(message)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert len(results) == 20
    assert all(reply == b"re " + message for message, reply in results.items())


def _wait_for_end(client: MllpClient) -> None:
    """Until the far end's close has arrived: recv with MSG_PEEK sees it without reading."""
    connection = client._socket
    assert connection is not None
    connection.settimeout(5)
    assert connection.recv(1, socket.MSG_PEEK) == b""
