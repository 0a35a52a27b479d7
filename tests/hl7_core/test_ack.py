"""Acknowledgements byte for byte (hl7v2-interface §1.4), read back by us and by hl7apy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from connector.hl7.ack import (
    CONDITIONS,
    Ack,
    AckCode,
    AckError,
    build_ack,
    build_ack_unreadable,
    error_of,
    parse_ack,
)
from connector.hl7.delimiters import Delimiters
from connector.hl7.er7 import Er7Error, parse, parse_header
from tests.hl7_core.samples import MSH, ORU_MSH, adt, msh

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADT = parse_header(adt())
ORU = parse_header(adt(lines=(ORU_MSH,), codec="iso8859-15"))
MISMATCH = AckError("PID^1^3^1^1", "207", "", app_code="904", app_text="INS différent de celui du CDA")


def ack(header: Any = ADT, code: AckCode = "AA", *errors: AckError) -> bytes:
    return build_ack(header, code, errors, now=NOW, control_id="C-1")


MSH_ADT = b"MSH|^~\\&|DPI|CHU-X|GAM|CHU-X|20260102040405+0100||ACK^A01^ACK|C-1|D|2.5^FRA^2.11|||||FRA|UNICODE UTF-8\r"
MSH_ORU = b"MSH|^~\\&|PFI-X|Organisation-X|SIL-Y|labo|20260102040405+0100||ACK^R01^ACK|C-1|P|2.5|||||FRA|8859/15\r"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ack(), MSH_ADT + b"MSA|AA|3975\r"),
        (ack(ORU), MSH_ORU + b"MSA|AA|015\r"),
        (
            ack(replace(ORU, type="MDM", event="T02", version="2.6", version_full="2.6^FRA")),
            MSH_ORU.replace(b"R01", b"T02").replace(b"2.5", b"2.6") + b"MSA|AA|015\r",
        ),
        (
            ack(ADT, "AE", AckError("PID^1^3", "101", "IPP absent")),
            MSH_ADT + b"MSA|AE|3975\rERR||PID^1^3|101^IPP absent^messageErrorCondition|E\r",
        ),
        (
            ack(ADT, "AR", AckError("MSH^1^9^1^2", "201"), AckError("", "206", severity="W")),
            MSH_ADT
            + b"MSA|AR|3975\rERR||MSH^1^9^1^2|201^Unsupported event code^messageErrorCondition|E\r"
            + b"ERR|||206^Application record locked^messageErrorCondition|W\r",
        ),
        (
            ack(ORU, "AE", MISMATCH),
            MSH_ORU
            + b"MSA|AE|015\rERR||PID^1^3^1^1|207^Application error^messageErrorCondition|E"
            + b"|904^INS diff\xe9rent de celui du CDA^applicationErrorCondition\r",
        ),
        (
            ack(ADT, "AE"),
            MSH_ADT
            + b"MSA|AE|3975\rERR|||207^Application error^messageErrorCondition|E|906^autre^applicationErrorCondition\r",
        ),
        (
            ack(replace(ADT, event="", processing_id="", version="", version_full="")),
            b"MSH|^~\\&|DPI|CHU-X|GAM|CHU-X|20260102040405+0100||ACK|C-1|P|2.5|||||FRA|UNICODE UTF-8\rMSA|AA|3975\r",
        ),
        (
            ack(replace(ADT, addressing=("GAM^1.2^ISO", "CHU-X", "DPI", ""))),
            MSH_ADT.replace(b"|DPI|CHU-X|GAM|", b"|DPI||GAM^1.2^ISO|") + b"MSA|AA|3975\r",
        ),
    ],
    ids=["adt", "oru", "mdm", "ae", "ar", "application", "no-error-given", "bare-header", "whole-parties"],
)
def test_bytes(written: bytes, expected: bytes) -> None:
    assert written == expected


def test_an_acceptance_carries_no_err() -> None:
    assert b"ERR" not in ack(ADT, "AA", MISMATCH)


def test_values_are_escaped() -> None:
    raw = ack(replace(ADT, control_id="3|9^7\r5"), "AE", AckError("", "101", "PID-3 | PID-5 & co"))
    assert b"MSA|AE|3\\F\\9\\S\\7\\X0D\\5\r" in raw
    assert b"|101^PID-3 \\F\\ PID-5 \\T\\ co^" in raw
    assert parse_ack(raw).control_id == "3|9^7\r5"


def test_the_delimiters_of_the_sender_can_be_used() -> None:
    raw = build_ack(ADT, "AE", [MISMATCH], now=NOW, control_id="C-1", delimiters=Delimiters("#", "$", "%", "!", "@"))
    assert raw.startswith(b"MSH#$%!@#DPI#CHU-X#GAM#CHU-X#20260102040405+0100##ACK$A01$ACK#C-1#D#2.5$FRA$2.11#")
    assert parse_ack(raw) == Ack("AE", "3975", (replace(MISMATCH, text="Application error"),))


@pytest.mark.parametrize("code", ["AE", "AR"])
def test_hl7apy_reads_our_refusals(code: AckCode) -> None:
    message = parse_message(ack(ADT, code, MISMATCH, AckError("PID^1^5", "101")).decode())
    assert message.msa.msa_1.to_er7() == code
    assert message.msa.msa_2.to_er7() == "3975"
    first, second = message.err
    assert first.err_2.to_er7() == "PID^1^3^1^1"
    assert [getattr(first.err_3, f"cwe_{n}").to_er7() for n in (1, 2, 3)] == [
        "207",
        "Application error",
        "messageErrorCondition",
    ]
    assert first.err_4.to_er7() == "E"
    assert first.err_5.to_er7() == "904^INS différent de celui du CDA^applicationErrorCondition"
    assert second.err_3.to_er7() == "101^Required field missing^messageErrorCondition"
    assert message.msh.msh_9.to_er7() == "ACK^A01^ACK"
    assert message.validate()


@pytest.mark.parametrize(
    ("err", "expected"),
    [
        (
            "ERR||PID^1^3|101^absent^HL70357|E",
            AckError("PID^1^3", "101", "absent"),
        ),
        (
            "ERR|||207^Application internal error^HL70357|F|DMPClosed^DMP fermé^DMPERRORCODE",
            AckError("", "207", "Application internal error", "F", "DMPClosed", "DMP fermé", "DMP_ERROR_CODE"),
        ),
        (
            "ERR|||207^x^messageErrorCondition|E|904^y^applicationErrorCode",
            AckError("", "207", "x", "E", "904", "y"),
        ),
        (
            "ERR|PID^1^3^101&absent&HL70357",
            AckError("PID^1^3", "101", "absent"),
        ),
    ],
    ids=["table-number", "sample-spelling", "sister-volet", "v2.3"],
)
def test_both_spellings_are_read(err: str, expected: AckError) -> None:
    found = parse_ack(adt(lines=(msh(f9="ACK^R01^ACK"), "MSA|AE|015|refus", err)))
    assert found == Ack("AE", "015", (expected,), "refus")


@pytest.mark.parametrize(
    ("code", "accepted", "may_resend"),
    [("AA", True, False), ("AE", False, False), ("AR", False, True), ("CA", True, False), ("CR", False, True)],
)
def test_what_a_code_means(code: str, accepted: bool, may_resend: bool) -> None:
    found = parse_ack(adt(lines=(MSH, f"MSA|{code}|1")))
    assert (found.accepted, found.may_resend) == (accepted, may_resend)


def test_an_ack_without_msa_is_refused() -> None:
    with pytest.raises(Er7Error) as caught:
        parse_ack(adt(lines=(MSH, "ERR|||207")))
    assert caught.value.location == "MSA"


@pytest.mark.parametrize(
    ("raw", "control_id", "parties"),
    [
        (adt(lines=(MSH, "PID|1")), "3975", b"|DPI|CHU-X|GAM|CHU-X|"),
        (b"MSH|^^^|GAM|CHU-X|DPI|CHU-X|2024||ADT^A01|3975|D|2.5", "3975", b"|DPI|CHU-X|GAM|CHU-X|"),
        (b"xx MSH|^~\\&|GAM|CHU-X|DPI|CHU-X|2024||ADT^A01|39", "39", b"|DPI|CHU-X|GAM|CHU-X|"),
        (adt(lines=(msh(f18="ISO IR87"),)), "3975", b"|DPI|CHU-X|GAM|CHU-X|"),
        (b"\x00\xff", "", b"|^~\\&|||||2026"),
        (b"", "", b"|^~\\&|||||2026"),
        (b"MSH", "", b"|^~\\&|||||2026"),
    ],
)
def test_an_unreadable_message_is_answered_with_what_it_says(raw: bytes, control_id: str, parties: bytes) -> None:
    written = build_ack_unreadable(raw, AckError("", "102"), now=NOW, control_id="C-1", code="AR")
    assert parties in written
    assert parse_ack(written) == Ack("AR", control_id, (AckError("", "102", CONDITIONS["102"]),))


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(tail: bytes) -> None:
    for raw in (tail, b"MSH" + tail, MSH.encode()[:60] + tail):
        written = build_ack_unreadable(raw, AckError("", "100"), now=NOW, control_id="C-1")
        assert parse_ack(written).code == "AE"


@given(
    st.sampled_from(["AE", "AR"]),
    st.text(st.characters(exclude_categories=["Cs"])).map(str.strip),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip),
)
def test_what_is_said_is_read_back(code: AckCode, control_id: str, text: str) -> None:
    error = AckError("PID^1^3", "207", text or "x", app_code="904", app_text=text)
    found = parse_ack(ack(replace(ADT, control_id=control_id), code, error))
    assert found == Ack(code, control_id, (error,))


def test_a_reader_failure_becomes_its_err() -> None:
    with pytest.raises(Er7Error) as caught:
        parse(adt() + adt())
    assert error_of(caught.value) == AckError("MSH^2", "100", "two messages in one")
