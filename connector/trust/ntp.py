"""One SNTP question (RFC 4330) over UDP: how far is our clock from the reference?"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.base.clock import Clock, utc_now
from connector.base.errors import CodecError, TransportError

_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_ERA = timedelta(seconds=2**32)
_PACKET = struct.Struct("!BBbb11I")
_CLIENT = 0b00_100_011
"""No leap warning, version 4, mode 3 (client)."""


@dataclass(frozen=True, slots=True)
class NtpSample:
    """`offset` = server - ours; `delay` = round trip; both in seconds. `server_time` is ours corrected, UTC."""

    server: str
    offset: float
    delay: float
    stratum: int
    local_time: datetime

    @property
    def server_time(self) -> datetime:
        return self.local_time + timedelta(seconds=self.offset)


def udp_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def query(
    server: str,
    *,
    port: int = 123,
    timeout: float = 2.0,
    clock: Clock = utc_now,
    open_socket: Callable[[], socket.socket] = udp_socket,
) -> NtpSample:
    """Asks `server` once. Raises TransportError when it does not answer, CodecError when the answer is no NTP."""
    with open_socket() as link:
        link.settimeout(timeout)
        sent_at = clock()
        try:
            link.connect((server, port))
            link.send(encode_request(sent_at))
            answer = link.recv(1024)
        except OSError as error:
            raise TransportError(f"no time from {server}", sent=True, server=server, port=port) from error
        received_at = clock()
    return decode_answer(answer, server=server, sent_at=sent_at, received_at=received_at)


def query_offset(server: str, *, clock: Clock = utc_now, port: int = 123) -> float:
    """Seconds that `server` is ahead of us; raises like `query`."""
    return query(server, port=port, clock=clock).offset


def encode_request(sent_at: datetime) -> bytes:
    return _PACKET.pack(_CLIENT, 0, 0, 0, *[0] * 9, *_timestamp(sent_at))


def decode_answer(answer: bytes, *, server: str, sent_at: datetime, received_at: datetime) -> NtpSample:
    """The sample that `answer` gives; raises CodecError when it is not the answer to the request of `sent_at`."""
    if len(answer) < _PACKET.size:
        raise _refused("length", f"{len(answer)} bytes", f"{_PACKET.size} bytes")
    head, stratum, _, _, *words = _PACKET.unpack(answer[: _PACKET.size])
    originate, receive, transmit = ((words[i], words[i + 1]) for i in (5, 7, 9))
    if head & 0b111 != 4:
        raise _refused("mode", str(head & 0b111), "4 (server)")
    if head >> 6 == 3 or not 1 <= stratum <= 15:
        raise _refused("stratum", str(stratum), "a synchronised server, 1 to 15")
    if originate != _timestamp(sent_at):
        raise _refused("originate timestamp", "another", "the one of our request")
    there, back = _datetime(receive, sent_at), _datetime(transmit, sent_at)
    offset = ((there - sent_at) + (back - received_at)) / 2
    delay = (received_at - sent_at) - (back - there)
    return NtpSample(server, offset.total_seconds(), delay.total_seconds(), stratum, received_at)


def _timestamp(moment: datetime) -> tuple[int, int]:
    """Seconds (modulo the era) and 2^-32 fractions, from whole microseconds."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(micros, 1_000_000)
    return seconds % 2**32, (rest << 32) // 1_000_000


def _datetime(stamp: tuple[int, int], near: datetime) -> datetime:
    """The moment of `stamp` in the era that puts it nearest to `near` (the first era ends in 2036)."""
    seconds, fraction = stamp
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=(fraction * 1_000_000) >> 32)
    return moment + round((near - moment) / _ERA) * _ERA


def _refused(field: str, found: str, expected: str) -> CodecError:
    return CodecError(f"not a usable NTP answer: {field}", field=f"NTP {field}", found=found, expected=expected)
