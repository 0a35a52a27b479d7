"""A PDF is searched outside its streams and inside its compressed objects, whatever its size."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cda.checks.pdf import acts

_PIECES = st.sampled_from(
    [b"stream\n", b"stream\r\n", b"endstream", b"end", b"stream", b"\n", b"/JS ", b"/Launch ", b"x"]
)


@given(st.lists(_PIECES, max_size=12).map(b"".join))
def test_what_is_in_a_stream_is_no_name(content: bytes) -> None:
    outside = re.sub(rb"stream\r?\n.*?endstream", b"", content, flags=re.DOTALL)
    assert acts(content) == acts(outside.replace(b"stream\n", b"").replace(b"stream\r\n", b""))


def _compressed(names: bytes, after: bytes = b"") -> bytes:
    return b"/Type /ObjStm >>\nstream\n" + zlib.compress(names) + after + b"\nendstream\n"


@pytest.mark.parametrize(
    "content",
    [
        _compressed(b"x" * 300_000 + b" /JS (a)"),
        _compressed(b"harmless") + _compressed(b"/J#53 (a)"),
        _compressed(b"/JS (a)")[:-20],
        b"/Type /ObjStm >>\nstream\n" + zlib.compress(b"/JS (a) " * 9, 0)[:-4] + b"cut!",
    ],
    ids=["long", "second", "unfinished", "damaged"],
)
def test_compressed_objects_are_looked_into(content: bytes) -> None:
    assert acts(b"%PDF-1.5\n" + content) == ("JavaScript",)


def test_streams_of_compressed_objects_that_hold_nothing_are_no_fault() -> None:
    assert acts(b"%PDF-1.5\n" + _compressed(b"/Type /Page") * 50 + b"/Type /ObjStm >>\nstream\nno zlib") == ()
