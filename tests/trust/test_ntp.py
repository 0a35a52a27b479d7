"""SNTP against a real UDP socket, and its codec on its own."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError, TransportError
from connector.trust.ntp import decode_answer, encode_request, query, query_offset
from tests.trust.material import NOW

EPOCH = datetime(1900, 1, 1, tzinfo=UTC)


def stamp(moment: datetime) -> bytes:
    elapsed = (moment - EPOCH) / timedelta(seconds=1)
    return struct.pack("!II", int(elapsed) % 2**32, int(elapsed % 1 * 2**32))


def answer(request: bytes, at: datetime, *, head: int = 0b00_100_100, stratum: int = 2) -> bytes:
    """What a good server says to `request` at `at`."""
    return bytes([head, stratum, 6, 236]) + bytes(12) + stamp(at) + request[40:48] + stamp(at) + stamp(at)


@contextmanager
def server(reply: Callable[[bytes], bytes | None]) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(5)

        def serve() -> None:
            request, peer = link.recvfrom(1024)
            said = reply(request)
            if said is not None:
                link.sendto(said, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield link.getsockname()[1]
        finally:
            thread.join()


@pytest.mark.parametrize("offset", [0, 42.5, -3600])
def test_offset_of_a_real_exchange(offset: float) -> None:
    times = iter([NOW, NOW + timedelta(milliseconds=20)])
    middle = NOW + timedelta(milliseconds=10) + timedelta(seconds=offset)
    with server(lambda request: answer(request, middle)) as port:
        sample = query("127.0.0.1", port=port, clock=lambda: next(times))
    assert sample.offset == pytest.approx(offset, abs=1e-4)
    assert sample.delay == pytest.approx(0.02, abs=1e-4)
    assert sample.stratum == 2
    assert sample.server_time - sample.local_time == timedelta(seconds=sample.offset)


def test_the_offset_alone() -> None:
    with server(lambda request: answer(request, NOW + timedelta(seconds=7))) as port:
        assert query_offset("127.0.0.1", port=port, clock=lambda: NOW) == pytest.approx(7, abs=1e-4)


def test_a_silent_server() -> None:
    with server(lambda request: None) as port, pytest.raises(TransportError) as caught:
        query("127.0.0.1", port=port, timeout=0.2)
    assert caught.value.context["server"] == "127.0.0.1"


def test_the_request_is_a_client_question() -> None:
    request = encode_request(NOW)
    assert len(request) == 48
    assert request[0] == 0x23
    assert request[1:40] == bytes(39)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda good: good[:47], "NTP length"),
        (lambda good: bytes([0b00_100_011]) + good[1:], "NTP mode"),
        (lambda good: bytes([0b11_100_100]) + good[1:], "NTP stratum"),
        (lambda good: good[:1] + b"\0" + good[2:], "NTP stratum"),
        (lambda good: good[:1] + b"\x10" + good[2:], "NTP stratum"),
        (lambda good: good[:24] + bytes(8) + good[32:], "NTP originate timestamp"),
    ],
)
def test_refused_answers(change: Callable[[bytes], bytes], field: str) -> None:
    good = answer(encode_request(NOW), NOW)
    assert decode_answer(good, server="s", sent_at=NOW, received_at=NOW).offset == pytest.approx(0, abs=1e-4)
    with pytest.raises(CodecError) as caught:
        decode_answer(change(good), server="s", sent_at=NOW, received_at=NOW)
    assert caught.value.context["field"] == field


def test_the_era_after_2036() -> None:
    later = datetime(2040, 5, 1, tzinfo=UTC)
    sample = decode_answer(answer(encode_request(later), later), server="s", sent_at=later, received_at=later)
    assert sample.offset == pytest.approx(0, abs=1e-4)


@given(st.binary(max_size=100))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode_answer(data, server="s", sent_at=NOW, received_at=NOW)


@given(st.floats(-1e8, 1e8), st.floats(0, 10))
def test_any_offset_is_found(offset: float, delay: float) -> None:
    received = NOW + timedelta(seconds=delay)
    middle = NOW + timedelta(seconds=offset + delay / 2)
    sample = decode_answer(answer(encode_request(NOW), middle), server="s", sent_at=NOW, received_at=received)
    assert sample.offset == pytest.approx(offset, abs=1e-3)
    assert sample.delay == pytest.approx(delay, abs=1e-3)
