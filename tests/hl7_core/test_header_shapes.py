"""The quick header read gives what the field-by-field read gives, and steps aside when it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.resources import resource_dir
from connector.hl7.er7 import parse, parse_header, read_header, segment_names
from connector.hl7.errors import Er7Error
from connector.hl7.header import Header

field = st.text("ABab019 ^~&.+-_:'\"\\", max_size=10)


@given(
    st.lists(field, min_size=8, max_size=24),
    st.sampled_from(["\rPID|1\r", "\r", "\n PID|", "\rpid|", "\r continued|x\r"]),
)
def test_both_ways_read_the_same_header(fields: list[str], end: str) -> None:
    raw = ("MSH|^~\\&|" + "|".join(fields) + end).encode()
    assert outcome(parse_header, raw) == outcome(read_header, raw)


def outcome(read: Callable[[bytes], Header], raw: bytes) -> Header | str:
    """The header, or the code of the refusal."""
    try:
        return read(raw)
    except Er7Error as error:
        return error.err_code


@pytest.mark.parametrize("name", ["adt-a01-admission.er7", "mdm-t02-lettre-de-liaison.er7"])
def test_the_samples_read_the_same(name: str) -> None:
    raw = (resource_dir("samples") / name).read_bytes()
    assert parse_header(raw) == read_header(raw)


LINES = [
    "PID|1",
    "PV1|1|I",
    "ZFA|ACTIF",
    "ZFM",
    "pid|1",
    " PID|1",
    "",
    "OBX|1|a\nb",
    "PRT|1|UC| PRT|2|UC|",
    "PV22|",
    "é|1",
]


@given(st.lists(st.sampled_from(LINES), max_size=8), st.sampled_from(["\r", "\n", "\r\n"]), st.booleans())
def test_names_read_quickly_are_the_names_of_the_segments(lines: list[str], end: str, closed: bool) -> None:
    raw = ("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5" + end + end.join(lines) + (end if closed else "")).encode()
    assert segment_names(raw) == parse(raw).names()
