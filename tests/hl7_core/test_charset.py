"""MSH-18: declared sets, fallbacks, refusals (hl7v2-interface §1.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.hl7.charset import LATIN9, UTF8, decode, encode, reply_charset
from connector.hl7.er7 import Er7Error, parse
from tests.hl7_core.samples import adt, msh

NAME = "PID|1||3^^^A^PI||PÉREZ-Ÿ^ANAÏS^^^^^L"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("UTF-8", "utf-8"),
        ("unicode  utf-8", "utf-8"),
        ("UNICODE", "utf-8"),
        ("8859/15", "iso8859-15"),
        ("ISO-8859-15", "iso8859-15"),
    ],
)
def test_declared_set_is_read_strictly(declared: str, codec: str) -> None:
    message = parse(adt(lines=(msh(f18=declared), NAME), codec=codec))
    assert message.segments[1].get(5) == "PÉREZ-Ÿ"
    assert (message.charset.declared, message.charset.codec, message.charset_flag) == (declared, codec, "")


@pytest.mark.parametrize(
    ("declared", "written_in", "read_as", "family"),
    [
        ("UNICODE UTF-8", "iso8859-15", "iso8859-15", "PÉREZ-Ÿ"),
        ("", "utf-8", "utf-8", "PÉREZ-Ÿ"),
        ("ASCII", "iso8859-15", "iso8859-15", "PÉREZ-Ÿ"),
        ("8859/1", "utf-8", "utf-8", "PÉREZ-Ÿ"),
        ("8859/15", "cp1252", "cp1252", "L’HÉRITIER"),
    ],
)
def test_wrong_declaration_is_read_anyway_and_flagged(
    declared: str, written_in: str, read_as: str, family: str
) -> None:
    line = f"PID|1||3^^^A^PI||{family}^X^^^^^L"
    message = parse(adt(lines=(msh(f18=declared), line), codec=written_in))
    assert message.segments[1].get(5) == family
    assert message.charset.codec == read_as
    assert read_as in message.charset_flag


def test_utf8_bytes_valid_in_the_declared_latin_set_are_read_as_declared_but_flagged() -> None:
    found = decode("é".encode(), "8859/15")
    assert found.text == "Ã©"
    assert "UTF-8" in found.flag


@pytest.mark.parametrize("declared", ["ISO IR87", "UNICODE UTF-16", "8859/2"])
def test_other_sets_are_refused_on_msh_18(declared: str) -> None:
    with pytest.raises(Er7Error) as caught:
        parse(adt(lines=(msh(f18=declared), NAME)))
    assert (caught.value.err_code, caught.value.location) == ("103", "MSH^1^18")
    assert caught.value.context["found"] == declared


def test_bytes_no_set_can_read_are_refused() -> None:
    with pytest.raises(Er7Error) as caught:
        decode(b"\x81\xc3", "UNICODE UTF-8")
    assert (caught.value.err_code, caught.value.location) == ("102", "MSH^1^18")


@pytest.mark.parametrize(
    ("declared", "reply"),
    [
        ("UNICODE UTF-8", UTF8),
        ("", UTF8),
        ("ASCII", UTF8),
        ("8859/1", LATIN9),
        ("8859/15", LATIN9),
        ("ISO IR87", UTF8),
    ],
)
def test_reply_uses_one_of_the_two_sets_of_the_volet(declared: str, reply: str) -> None:
    assert reply_charset(declared) == reply


def test_characters_8859_15_lacks_are_written_plainly() -> None:
    assert encode("l’été – œuvre € 漢", LATIN9) == "l'été - œuvre € ?".encode("iso8859-15")


@given(st.text())
def test_utf8_round_trip(text: str) -> None:
    assert decode(encode(text, UTF8), UTF8) == (text, "utf-8", "")


@given(st.text(alphabet=st.characters(codec="iso8859-15", exclude_categories=["Cc"])))
def test_latin9_round_trip(text: str) -> None:
    assert decode(encode(text, LATIN9), LATIN9)[:2] == (text, "iso8859-15")
