"""A worker that lost its delivery completes no request: asked before each piece of a body, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connector.base.guard import CHUNK, FenceLost, check, guarded, may_leave
from connector.hl7.mllp_client import MllpClient
from connector.soap.mtom_write import MultipartBody
from connector.soap.parts import Attachment
from connector.soap.session import tls_session


class Sink:
    """A server that counts what it receives on each connection, and answers nothing."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.received: list[bytearray] = []
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            connection, _ = self._server.accept()
        except OSError:
            return
        with connection:
            data = bytearray()
            self.received.append(data)
            while block := connection.recv(65536):
                data += block
        self.closed.set()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@contextmanager
def sink() -> Iterator[Sink]:
    server = Sink()
    try:
        yield server
    finally:
        server.close()


class Allowance:
    """A check that says yes `times` times, then no."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise FenceLost("the delivery belongs to another worker")


def test_outside_a_guarded_block_everything_leaves() -> None:
    check()
    left, right = socket.socketpair()
    with left, right:
        assert may_leave(left, 10 * CHUNK) == 10 * CHUNK


def test_a_guarded_block_ends_with_its_handler() -> None:
    with guarded(Allowance(0)):
        with pytest.raises(FenceLost):
            check()
        with guarded(Allowance(1)):
            check()
        with pytest.raises(FenceLost):
            check()
    check()


def test_no_handler_of_failures_takes_a_lost_fence_for_one() -> None:
    assert not issubclass(FenceLost, Exception)


def test_the_end_of_a_long_body_leaves_alone() -> None:
    left, right = socket.socketpair()
    with left, right, guarded(Allowance(99)):
        sizes, rest = [], 3 * CHUNK
        while rest:
            sizes.append(may_leave(left, rest))
            rest -= sizes[-1]
    assert sizes == [CHUNK, CHUNK, CHUNK - 16384, 16384]


def test_a_far_end_that_does_not_read_keeps_the_check_waiting() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        try:
            while True:
                left.send(bytes(65536))
        except BlockingIOError:
            pass
        left.settimeout(0.05)
        with guarded(Allowance(0)), pytest.raises(TimeoutError):
            may_leave(left, 10)


@pytest.mark.parametrize("times", [0, 1, 3])
def test_an_upload_stops_between_two_chunks(times: int) -> None:
    document = bytes(4 * CHUNK)
    body = MultipartBody(
        b"<root/>", [Attachment("d@c", "text/xml", document)], boundary="MIME-1", action="urn:ihe:iti:2007"
    )
    with sink() as server, tls_session(None) as session:
        with guarded(Allowance(times)), pytest.raises(FenceLost):
            session.post(f"http://127.0.0.1:{server.port}/", data=body, timeout=5)
        assert server.closed.wait(5)
        (received,) = server.received
    # Headers, root, head of the part: one check each. What was refused is nowhere.
    assert len(received) < len(body)
    assert (b"POST" in received, b"--MIME-1--" in received) == (times > 0, False)


@pytest.mark.parametrize("size", [10, 2 * CHUNK])
def test_a_message_whose_delivery_is_lost_does_not_leave_whole(size: int) -> None:
    with sink() as server, MllpClient("127.0.0.1", server.port, timeout=5) as client:
        with guarded(Allowance(size // CHUNK)), pytest.raises(FenceLost):
            client.exchange(b"M" * size)
        assert server.closed.wait(5)
        (received,) = server.received
    assert len(received) < size + 3
    assert not received.endswith(b"\x1c\r")
