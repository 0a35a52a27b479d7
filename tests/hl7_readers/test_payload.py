"""Base64 payloads as hospitals write them."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError
from connector.hl7.payload import decode_payload, decode_text


@given(st.binary(max_size=200))
def test_strict_base64_round_trip(content: bytes) -> None:
    payload = decode_payload(base64.b64encode(content).decode())
    assert payload.content == content
    assert not payload.repaired


@given(st.binary(max_size=200))
def test_padding_is_mended(content: bytes) -> None:
    bare = base64.b64encode(content).decode().rstrip("=")
    payload = decode_payload(bare)
    assert payload.content == content
    assert payload.repaired == (len(bare) % 4 != 0)


@given(st.binary(min_size=1, max_size=200), st.integers(1, 40))
def test_line_breaks_are_dropped(content: bytes, width: int) -> None:
    encoded = base64.b64encode(content).decode()
    folded = "\r\n ".join(encoded[i : i + width] for i in range(0, len(encoded), width))
    assert decode_payload(folded).content == content


def test_too_much_padding_is_mended() -> None:
    assert decode_payload("QUI===").content == b"AB"


@pytest.mark.parametrize("encoded", ["QUJDR", "QUJD*A==", "QU=JD", "<ClinicalDocument/>", "QUJD-_-_", "é"])
def test_what_cannot_be_base64_is_named(encoded: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode_payload(encoded)
    assert caught.value.context["field"] == "OBX-5.5"


def test_a_mail_body_survives_a_lost_character() -> None:
    encoded = base64.b64encode("Cher confrère, vous".encode()).decode().rstrip("=")
    assert decode_text(encoded) == "Cher confrère, vous"
    assert decode_text(encoded[: len(encoded) - len(encoded) % 4 + 1]) == "Cher confrère, vo"


def test_mail_bodies_in_latin_9_and_unreadable_ones() -> None:
    assert decode_text(base64.b64encode("Confrère €".encode("iso8859-15")).decode()) == "Confrère €"
    assert decode_text("***") is None
    assert decode_text("") == ""


@given(st.text(max_size=80))
def test_garbage_never_crashes(text: str) -> None:
    decode_text(text)
    with suppress(CodecError):
        decode_payload(text)
