"""ZAM^Z01 and ZAM^Z02 byte for byte (hl7v2-interface §4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hl7apy.parser import parse_segment

from connector.hl7.ack import DMP_TABLE, AckError, build_ack
from connector.hl7.er7 import parse, parse_header
from connector.hl7.zam import build_zam_z01, build_zam_z02
from tests.hl7_core.samples import ORU_MSH, adt, msh

ANSWERED = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 7, 2, 3, 4, 5, tzinfo=UTC)
UTF8 = parse_header(adt(lines=(msh(ORU_MSH, f18="UNICODE UTF-8"),)))
LATIN = parse_header(adt(lines=(ORU_MSH,)))
EXPECTED = (
    "MSH|^~\\&|PFI-X|Organisation-X|SIL-Y|labo|20260702050405+0200||ZAM^Z01^ZAM_Z01|Z-1|P|2.6|||||FRA|{charset}"
    "|||2.1^CISIS_CDA_HL7_V2\r"
    "EVN||20260102040000+0100\r"
    "OBX|1|CWE|ACK_RECEPTION_DMP^Accusé de réception DMP^AckMetierZAM|015|{status}^^expandedYes-NoIndicator||||||F\r"
)


def test_success() -> None:
    raw = build_zam_z01(UTF8, success=True, event_time=ANSWERED, now=NOW, control_id="Z-1")
    assert raw == EXPECTED.format(charset="UNICODE UTF-8", status="Y").encode()


@pytest.mark.parametrize(
    ("error", "err"),
    [
        (
            AckError("", "207", "", app_code="DMPClosed", app_text="DMP fermé"),
            "207^Application error^messageErrorCondition|E|DMPClosed^DMP fermé^DMP_ERROR_CODE",
        ),
        (
            AckError("", "207", "", app_text="sans code", app_table=DMP_TABLE),
            "207^Application error^messageErrorCondition|E|906^sans code^applicationErrorCondition",
        ),
        (
            AckError("", "207", "", app_code="906", app_text="autre", app_table=DMP_TABLE),
            "207^Application error^messageErrorCondition|E|906^autre^DMP_ERROR_CODE",
        ),
        (
            AckError("", "207", "", app_code="wsse:FailedCheck", app_text="a|b^c & d\\e", app_table=DMP_TABLE),
            "207^Application error^messageErrorCondition|E|wsse:FailedCheck^a\\F\\b\\S\\c \\T\\ d\\E\\e^DMP_ERROR_CODE",
        ),
        (
            AckError("PID^1^3", "101", "", app_code="904", app_text="INS différent", app_table="whatever"),
            "207^Application error^messageErrorCondition|E|904^INS différent^applicationErrorCondition",
        ),
        (
            AckError("", "199", "signature refusée", severity="F"),
            "207^Application error^messageErrorCondition|F|906^signature refusée^applicationErrorCondition",
        ),
    ],
    ids=[
        "dmp-code",
        "dmp-words-without-code",
        "dmp-code-like-ours",
        "dmp-words-with-delimiters",
        "own-code",
        "no-code",
    ],
)
def test_failure(error: AckError, err: str) -> None:
    raw = build_zam_z01(LATIN, success=False, event_time=ANSWERED, error=error, now=NOW, control_id="Z-1")
    text = EXPECTED.format(charset="8859/15", status="N") + f"ERR|||{err}\r"
    assert raw == text.encode("iso8859-15")


@pytest.mark.parametrize(("success", "error"), [(True, AckError("", "207")), (False, None)])
def test_err_is_there_exactly_on_failure(success: bool, error: AckError | None) -> None:
    with pytest.raises(ValueError, match="exactly when it is negative"):
        build_zam_z01(UTF8, success=success, event_time=ANSWERED, error=error, now=NOW, control_id="Z-1")


RECIPIENT = (
    "MSH|^~\\&|PFI-X|Organisation-X|SIL-Y|labo|20260702050405+0200||ZAM^Z02^ZAM_Z01|Z-1|P|2.6|||||FRA|UNICODE UTF-8"
    "|||2.1^CISIS_CDA_HL7_V2\r"
    "EVN||20260102040000+0100\r"
    "OBX|1|CWE|ACK_RECEPTION_MSS^Accusé de réception MSSanté^AckMetierZAM|015|{status}^^expandedYes-NoIndicator"
    "||||||F\r"
    "OBX|2|XTN|DESTINATAIRE_MSS^Destinataire MSSanté^AckMetierZAM|{id}|^^X.400^adam.hoda@mssante.fr||||||F\r"
)


def z02(error: AckError | None, recipient_id: str = "801234567897") -> str:
    return build_zam_z02(
        UTF8,
        success=error is None,
        address="adam.hoda@mssante.fr",
        recipient_id=recipient_id,
        event_time=ANSWERED,
        error=error,
        now=NOW,
        control_id="Z-1",
    ).decode()


def test_mail_received() -> None:
    assert z02(None) == RECIPIENT.format(status="Y", id="801234567897")
    assert z02(None, "") == RECIPIENT.format(status="Y", id="")


@pytest.mark.parametrize(
    ("error", "err"),
    [
        (AckError("", "207", app_code="550", app_text="mailbox unavailable"), "550^mailbox unavailable^SMTPERRORCODE"),
        (AckError("", "207", app_code="906", app_text="non servi"), "906^non servi^applicationErrorCondition"),
    ],
)
def test_mail_refused(error: AckError, err: str) -> None:
    expected = RECIPIENT.format(status="N", id="801234567897")
    assert z02(error) == expected + f"ERR|||207^Application error^messageErrorCondition|E|{err}\r"


def test_our_own_reader_gives_the_error_back() -> None:
    told = AckError("", "207", app_code="DMPClosed", app_text="DMP | fermé ^ & ~", app_table=DMP_TABLE)
    raw = build_zam_z01(UTF8, success=False, event_time=ANSWERED, error=told, now=NOW, control_id="Z-1")
    err = parse(raw).first("ERR")
    assert err is not None
    assert [err.get(5, 1, n) for n in (1, 2, 3)] == ["DMPClosed", "DMP | fermé ^ & ~", DMP_TABLE]


def test_hl7apy_reads_its_status() -> None:
    raw = build_zam_z01(UTF8, success=True, event_time=ANSWERED, now=NOW, control_id="Z-1")
    obx = parse_segment(parse(raw).segments[2].text, version="2.6")
    assert obx.obx_4.to_er7() == "015"
    assert obx.obx_5.to_er7() == "Y^^expandedYes-NoIndicator"
    assert obx.obx_11.to_er7() == "F"


def test_its_acknowledgement_keeps_the_event() -> None:
    zam = parse_header(build_zam_z01(UTF8, success=True, event_time=ANSWERED, now=NOW, control_id="Z-1"))
    answer = parse_header(build_ack(zam, "AA", now=NOW, control_id="1"))
    assert (answer.type, answer.event, answer.structure, answer.version) == ("ACK", "Z01", "ACK", "2.6")
    assert answer.is_ack()
