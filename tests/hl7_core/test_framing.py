"""Frames out of any cut of the byte stream, garbage and size included (stack.md §6)."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError
from connector.hl7.framing import HEAD, Framer, FramingStats, Oversized, frame

Found = list[bytes | Oversized]


def read(*chunks: bytes, max_frame: int = 100) -> tuple[Found, Framer]:
    framer = Framer(max_frame, FramingStats())
    found: Found = []
    for chunk in chunks:
        framer.feed(chunk)
        while (message := framer.next()) is not None:
            found.append(message)
    return found, framer


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        (b"\x0bMSH|1\x1c\r", [b"MSH|1"]),
        (b"\x0bA\x1c\r\x0bB\x1c\r\x0bC\x1c\r", [b"A", b"B", b"C"]),
        (b"\x0bA\x1c\r\n\x0bB\x1c\r", [b"A", b"B"]),
        (b"\x0bA\x1cB\x1c\r", [b"A\x1cB"]),
        (b"\x0b\x1c\r", [b""]),
        (b"\x0bA\x1c\r\x1c\r\x0bB\x1c\r", [b"A", b"B"]),
        (b"\x0b\x0bMSH|1\x1c\r", [b"MSH|1"]),
        (b"\x0bMSH|cut\r\x0bMSH|2\x1c\r", [b"MSH|2"]),
        (b"\x0bMSH|a\x0bb\x1c\r", [b"MSH|a\x0bb"]),
        (b"GET / HTTP/1.1\r\n\r\n\x0bA\x1c\r", [b"A"]),
        (b"\x0bA\x1c\rgarbage\x1c\r\x0bB\x1c\r", [b"A", b"B"]),
    ],
)
def test_streams(stream: bytes, messages: list[bytes]) -> None:
    found, framer = read(stream)
    assert found == messages
    assert not framer.partial
    byte_by_byte, _ = read(*(stream[i : i + 1] for i in range(len(stream))))
    assert byte_by_byte == messages


def test_what_was_skipped_is_counted() -> None:
    _, framer = read(b"hello\x0bA\x1c\r\n \r\x0bB\x1c\rxx", b"\x0b\x0bMSH|1\x1c\r\x0bMSH|cut\x0bMSH|2\x1c\r")
    assert framer.stats == FramingStats(garbage_bytes=7, garbage_runs=2, cut_frames=1, oversized_frames=0)


def test_a_frame_without_end_is_partial() -> None:
    found, framer = read(b"\x0bA\x1c")
    assert found == []
    assert framer.partial
    assert framer.buffered == 3


@pytest.mark.parametrize("step", [1, 7, 50, 5000])
def test_a_frame_above_the_limit_is_thrown_away_as_it_comes(step: int) -> None:
    stream = b"\x0bMSH|" + b"x" * 9000 + b"\x1cy\x1c\r\x0bB\x1c\r"
    framer = Framer(100, FramingStats())
    found: Found = []
    held = 0
    for start in range(0, len(stream), step):
        framer.feed(stream[start : start + step])
        while (message := framer.next()) is not None:
            found.append(message)
        held = max(held, framer.buffered)
    assert len(found) == 2
    assert isinstance(found[0], Oversized)
    assert found[0].head.startswith(b"MSH|xxx")
    assert len(found[0].head) <= HEAD
    assert found[1] == b"B"
    assert held <= 103 + step
    assert framer.stats.oversized_frames == 1


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
def test_the_limit_is_exact(size: int, fits: bool) -> None:
    for cut in (1, size, size + 2, size + 3):
        stream = frame(b"x" * size)
        found, _ = read(stream[:cut], stream[cut:])
        assert isinstance(found[0], bytes) is fits, cut


def test_large_frames_in_small_pieces_are_read_in_linear_time() -> None:
    stream = frame(b"x" * 5_000_000)
    started = time.perf_counter()
    found, _ = read(*(stream[i : i + 1000] for i in range(0, len(stream), 1000)), max_frame=10_000_000)
    assert found == [b"x" * 5_000_000]
    assert time.perf_counter() - started < 2


def test_many_frames_in_one_piece_are_read_in_linear_time() -> None:
    started = time.perf_counter()
    found, _ = read(frame(b"x") * 100_000)
    assert len(found) == 100_000
    assert time.perf_counter() - started < 2


def test_a_message_that_would_end_early_is_not_framed() -> None:
    with pytest.raises(CodecError):
        frame(b"MSH|\x1c\rPID|")


MESSAGES = st.lists(st.binary(max_size=20).filter(lambda m: b"\x1c" not in m and b"\x0b" not in m), max_size=6)


@given(MESSAGES, st.binary(max_size=8).filter(lambda g: b"\x0b" not in g), st.lists(st.integers(0, 200), max_size=8))
def test_any_cut_gives_the_same_messages(messages: list[bytes], garbage: bytes, cuts: list[int]) -> None:
    stream = b"".join(garbage + frame(m) for m in messages)
    places = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    found, framer = read(*(stream[a:b] for a, b in itertools.pairwise(places)))
    assert found == messages
    assert framer.buffered == 0


@given(st.lists(st.binary(max_size=40) | st.text("\x0b\x1c\rMSH", max_size=40).map(str.encode), max_size=10))
def test_garbage_never_breaks_the_reader(chunks: list[bytes]) -> None:
    found, framer = read(*chunks, b"\x1c\r", frame(b"MSH|last"), max_frame=30)
    assert found[-1] == b"MSH|last"
    assert framer.buffered == 0
