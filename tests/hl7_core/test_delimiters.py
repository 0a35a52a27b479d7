r"""Escapes \F\ \S\ \T\ \R\ \E\ \Xhh..\ \.br\ and delimiters read from the message (hl7v2-interface §1.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.hl7.delimiters import NOMINAL, Delimiters, escape, read_delimiters, unescape
from connector.hl7.er7 import Er7Error

ODD = Delimiters("#", "$", "%", "!", "@")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e" + "\\f"),
        (r"ligne 1\.br\ligne 2", "ligne 1\nligne 2"),
        (r"a\.sp3\b", "a\n\n\nb"),
        (r"\XC3A9\t\XC3A9\ ", "été "),
        (r"\X0d0A\ ", "\r\n "),
        (r"\H\gras\N\ maigre", "gras maigre"),
        (r"C:\temp\F", r"C:\temp\F"),
        (r"C:\temp\F\x", r"C:\temp|x"),
        (r"seul \ ici", r"seul \ ici"),
        (r"\Zloc\ reste", r"\Zloc\ reste"),
        (r"\XZZ\ reste", r"\XZZ\ reste"),
        (r"\XFF\ pas en UTF-8", r"\XFF\ pas en UTF-8"),
        ("\\", "\\"),
        ("\\\\", "\\\\"),
    ],
)
def test_unescape(raw: str, value: str) -> None:
    assert unescape(raw, NOMINAL) == value


def test_hexadecimal_escape_is_in_the_set_of_the_message() -> None:
    assert unescape(r"\XE9\t\XE9\ ", NOMINAL, "iso8859-15") == "été "


@given(st.text(), st.sampled_from([NOMINAL, ODD]))
def test_escape_round_trip(value: str, delimiters: Delimiters) -> None:
    written = escape(value, delimiters)
    assert unescape(written, delimiters) == value
    # Nothing left can be taken for a delimiter or a line end.
    assert not {delimiters.field, delimiters.component, delimiters.repetition, "\r", "\n", "\x0b", "\x1c"} & set(
        written
    )


@given(st.text(alphabet="\\FSTREX0aH.brsp3 "))
def test_unescape_takes_any_text(value: str) -> None:
    assert len(unescape(value, NOMINAL)) <= len(value) + 99 * value.count(".sp")


def test_escapes_are_read_in_linear_time() -> None:
    assert unescape("\\" * 1_000_000, NOMINAL) == "\\" * 1_000_000
    assert len(unescape("\\F\\" * 300_000, NOMINAL)) == 300_000


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("^~\\&", NOMINAL),
        ("^~\\&#", NOMINAL),
        ("^˜\\&", Delimiters(repetition="˜")),
        ("^~\\", Delimiters(subcomponent="")),
        ("^", Delimiters(repetition="", escape="", subcomponent="")),
    ],
)
def test_encoding_characters(encoding: str, expected: Delimiters) -> None:
    assert read_delimiters("|", encoding) == expected


@pytest.mark.parametrize("encoding", ["", "^^\\&", "^~|&", "^a\\&", "^ \\&", "^~\\&#!", "^\x01\\&"])
def test_unusable_delimiters_are_refused(encoding: str) -> None:
    with pytest.raises(Er7Error) as caught:
        read_delimiters("|", encoding)
    assert (caught.value.err_code, caught.value.location) == ("102", "MSH^1^2")
