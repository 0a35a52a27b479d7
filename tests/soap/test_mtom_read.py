"""The splitter alone: every way a multipart answer can be cut into blocks, and every trap in one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError, ConnectorError, LimitError, TransportError
from connector.soap.errors import AnswerTooLarge, UnreadableAnswer
from connector.soap.limits import SoapLimits
from connector.soap.mtom_read import Multipart, bare_cid, read_multipart

LIMITS = SoapLimits()
TYPE = 'multipart/related; type="application/xop+xml"; start="<root@x>"; boundary="B=1"'


def body(*parts: tuple[str, bytes], boundary: str = "B=1", preamble: bytes = b"", epilogue: bytes = b"") -> bytes:
    out = preamble
    for cid, content in parts:
        out += f"--{boundary}\r\nContent-Type: text/xml\r\nContent-ID: <{cid}>\r\n\r\n".encode() + content + b"\r\n"
    return out + f"--{boundary}--\r\n".encode() + epilogue


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


def read(data: bytes, size: int = 1 << 20, content_type: str = TYPE, limits: SoapLimits = LIMITS) -> Multipart:
    return read_multipart(cut(data, size), content_type, limits)


TRAPS = [
    b"\r\n%PDF\r\n%%EOF\r\n",
    b"\n",
    b"\r",
    b"",
    b"\r\n--B=1extra\r\nnot a delimiter",
    b"--B=1\r\nno line break before",
    b"\r\n--B=1 \t x",
    b"\r\n--B=1-\r\n\r\n--B=1--no\r\n\r\n--B",
    b"\r\n\r\n--B=\r\n-",
]


@pytest.mark.parametrize("content", TRAPS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_content_comes_back_byte_for_byte(content: bytes, size: int) -> None:
    answer = read(body(("root@x", b"<root/>"), ("doc", content), ("last", b"z")), size)
    assert answer.root == b"<root/>"
    assert answer.parts["doc"].read() == content
    assert answer.parts["doc"].sha1 == hashlib.sha1(content).hexdigest()
    assert answer.parts["doc"].size == len(content)
    assert answer.parts["last"].read() == b"z"


@given(
    contents=st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"B=1", b"\r\n--B=1x", b"A", b"\x00\xff"])).map(b"".join),
        max_size=4,
    ),
    size=st.integers(1, 64),
    root_at=st.integers(0, 4),
    preamble=st.sampled_from([b"", b"\r\n", b"To be ignored\r\n"]),
)
def test_any_content_any_block_size(contents: list[bytes], size: int, root_at: int, preamble: bytes) -> None:
    parts = [(f"p{i}@x", content) for i, content in enumerate(contents)]
    parts.insert(root_at, ("root@x", b"<r/>"))
    answer = read(body(*parts, preamble=preamble, epilogue=b"ignored\r\n--B=1\r\n"), size)
    assert answer.root == b"<r/>"
    assert [part.read() for part in answer.parts.values()] == contents


@given(st.binary(max_size=300), st.integers(1, 40))
def test_garbage_is_refused_not_believed(data: bytes, size: int) -> None:
    with pytest.raises(UnreadableAnswer):
        read(data.replace(b"--B=1", b""), size)


TOKENS = [
    "boundary",
    "start",
    "*",
    "*0",
    "=",
    '"',
    ";",
    "\\",
    "utf-8''",
    "x''",
    "'",
    "B=1",
    "%",
    "%41",
    "<root@x>",
    " ",
    "é",
    "\r\n",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join) | st.text(max_size=60))
def test_any_content_type_is_read_or_refused(value: str) -> None:
    try:
        answer = read(body(("root@x", b"<r/>")), content_type="multipart/related; " + value)
    except UnreadableAnswer:
        return
    assert answer.root == b"<r/>"


def test_root_named_by_start_need_not_come_first() -> None:
    answer = read(body(("doc", b"first"), ("root@x", b"<r/>")))
    assert answer.root == b"<r/>"
    assert list(answer.parts) == ["doc"]


def test_without_start_the_first_part_is_the_root() -> None:
    answer = read(body(("a", b"<r/>"), ("b", b"2")), content_type='multipart/related; boundary="B=1"')
    assert answer.root == b"<r/>"


@pytest.mark.parametrize("start", ["<root@x>", "root@x", "%3Croot@x%3E", "cid:root%40x", "<root%40x>"])
def test_start_in_every_spelling(start: str) -> None:
    kind = f'multipart/related; boundary="B=1"; start="{start}"'
    assert read(body(("d", b"1"), ("root@x", b"<r/>")), content_type=kind.replace("%3C", "<").replace("%3E", ">")).root


@pytest.mark.parametrize(
    ("href", "content_id"),
    [
        ("cid:1.2@x", "<1.2@x>"),
        ("cid:1.2%40x", "<1.2@x>"),
        ("cid:urn%3Auuid%3A12", "<urn:uuid:12>"),
        ("CID:urn:uuid:12", " <urn%3Auuid%3A12> "),
    ],
)
def test_href_and_content_id_meet(href: str, content_id: str) -> None:
    assert bare_cid(href) == bare_cid(content_id)


def test_unquoted_boundary_folded_headers_and_odd_case() -> None:
    data = b"--B\r\ncontent-id:\r\n <root@x>\r\nCONTENT-TYPE: text/xml\r\n\r\n<r/>\r\n--B  \r\n\r\nno headers\r\n--B--"
    answer = read(data, content_type="Multipart/Related; BOUNDARY=B; start=<root@x>")
    assert answer.root == b"<r/>"
    assert [part.read() for part in answer.parts.values()] == [b"no headers"]


@pytest.mark.parametrize("drop", [1, 2, 4, 8, 9, 20, 30, 60, 100])
def test_cut_anywhere_is_an_unknown_outcome(drop: int) -> None:
    data = body(("root@x", b"<root/>"), ("doc", b"x" * 50)).removesuffix(b"\r\n")
    with pytest.raises(TransportError) as cut_off:
        read(data[:-drop])
    assert cut_off.value.sent
    assert isinstance(cut_off.value, CodecError)


MUTATIONS = {
    "boundary": (body(("root@x", b"<r/>")), "multipart/related", LIMITS, "Content-Type"),
    "start": (body(("other", b"<r/>")), TYPE, LIMITS, "start"),
    "encoding": (
        body(("root@x", b"<r/>")).replace(b"text/xml", b"text/xml\r\nContent-Transfer-Encoding: base64"),
        TYPE,
        LIMITS,
        "Content-Transfer-Encoding",
    ),
    "twice": (body(("root@x", b"<r/>"), ("d", b"1"), ("d", b"2")), TYPE, LIMITS, "Content-ID"),
    "root": (body(("root@x", b"<r/>" * 9)), TYPE, replace(LIMITS, root=20), "root part"),
    "part": (body(("root@x", b"<r/>"), ("d", b"x" * 21)), TYPE, replace(LIMITS, part=20), "part"),
    "parts": (body(("root@x", b"<r/>"), ("d", b"x")), TYPE, replace(LIMITS, parts=1), "number of parts"),
    "total": (body(("root@x", b"<r/>"), epilogue=b"x" * 500), TYPE, replace(LIMITS, total=400), "answer"),
    "headers": (body(("root@x" * 90, b"<r/>")), TYPE, replace(LIMITS, part_headers=100), "part headers"),
    "preamble": (body(("root@x", b""), preamble=b"x" * 200), TYPE, replace(LIMITS, part_headers=100), "preamble"),
}


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("size", [5, 1 << 20])
def test_each_breach_is_named(name: str, size: int) -> None:
    data, content_type, limits, field = MUTATIONS[name]
    with pytest.raises(UnreadableAnswer) as refused:
        read(data, size, content_type, limits)
    assert refused.value.context["field"] == field
    too_large = name in {"root", "part", "parts", "total", "headers", "preamble"}
    assert isinstance(refused.value, AnswerTooLarge) == isinstance(refused.value, LimitError) == too_large


def test_spooled_part_lives_in_a_private_file_until_deleted(tmp_path: Path) -> None:
    limits = replace(LIMITS, spool_threshold=10, spool_folder=tmp_path)
    answer = read(body(("root@x", b"<r/>"), ("small", b"x" * 10), ("large", b"y" * 11)), limits=limits)
    small, large = answer.parts["small"], answer.parts["large"]
    assert small.path is None
    assert large.path is not None
    assert large.path.stat().st_mode & 0o077 == 0
    with large.open() as file:
        assert file.read() == b"y" * 11
    large.delete()
    large.delete()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConnectorError):
        large.open()


def test_forgotten_and_refused_parts_leave_no_file(tmp_path: Path) -> None:
    limits = replace(LIMITS, spool_threshold=10, spool_folder=tmp_path, part=30)
    answer = read(body(("root@x", b"<r/>"), ("a", b"y" * 30)), limits=limits)
    assert len(list(tmp_path.iterdir())) == 1
    del answer
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(AnswerTooLarge):
        read(body(("root@x", b"<r/>"), ("a", b"y" * 30), ("b", b"y" * 31)), limits=limits)
    assert list(tmp_path.iterdir()) == []
