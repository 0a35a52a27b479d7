"""Where a message goes, and what MSH and the segment names alone refuse."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.hl7.er7 import parse, parse_header
from connector.hl7.refusal import AckRefusal
from connector.hl7.structure import PAM_EVENTS, check_header, check_segments, required_segments, route
from tests.hl7_readers.messages import ACK, ADT, MDM, MERGE, ORU, ZAM, edit, without


def header_refusal(message: str) -> AckRefusal | None:
    return check_header(parse_header(message.encode()))


def segment_refusal(message: str) -> AckRefusal | None:
    read = parse(message.encode())
    return check_segments(read.header, read.names())


def told(refusal: AckRefusal | None) -> tuple[str, str, str, str] | None:
    """Code, ERR-2, ERR-3, ERR-5 of a refusal of one error."""
    if refusal is None:
        return None
    (error,) = refusal.errors
    return refusal.code, error.location, error.code, error.app_code


@pytest.mark.parametrize("message", [ADT, MERGE, ORU, MDM, ACK])
def test_good_messages_pass(message: str) -> None:
    assert header_refusal(message) is None
    assert segment_refusal(message) is None


def adt(event: str) -> str:
    return edit(ADT, "MSH-9", f"ADT^{event}")


ACTING = ["A01", "A03", "A04", "A05", "A11", "A13", "A14", "A27", "A28", "A31", "A38", "A40", "A47", "Z99"]


@pytest.mark.parametrize("event", ACTING)
def test_events_that_act(event: str) -> None:
    assert route(parse_header(adt(event).encode())) == "adt-act"


def test_an_account_that_moves_to_another_patient_holds() -> None:
    assert route(parse_header(adt("A44").encode())) == "adt-hold"


@pytest.mark.parametrize(
    "event",
    [
        "A02",
        "A06",
        "A07",
        "A09",
        "A10",
        "A12",
        "A15",
        "A16",
        "A21",
        "A22",
        "A24",
        "A25",
        "A26",
        "A32",
        "A33",
        "A37",
        "A52",
        "A53",
        "A54",
        "A55",
        "Z80",
        "Z98",
    ],
)
def test_events_that_are_only_recorded(event: str) -> None:
    assert route(parse_header(adt(event).encode())) == "adt-record"
    assert header_refusal(adt(event)) is None


def test_a08_is_out_of_profile_unless_the_sender_is_known_for_it() -> None:
    header = parse_header(adt("A08").encode())
    assert route(header) == "adt-out-of-profile"
    assert route(header, a08_as_a31=True) == "adt-act"
    assert check_header(header) is None


@pytest.mark.parametrize("event", ["A60", "Z79", "A1", "B01"])
def test_unknown_adt_event(event: str) -> None:
    assert route(parse_header(adt(event).encode())) == "unsupported"
    assert told(header_refusal(adt(event))) == ("AR", "MSH^1^9^1^2", "201", "")


@pytest.mark.parametrize("kind", ["ORU^R01", "MDM^T02", "MDM^T04", "MDM^T10"])
def test_document_messages(kind: str) -> None:
    assert route(parse_header(edit(MDM, "MSH-9", kind).encode())) == "document"


@pytest.mark.parametrize("kind", ["ORU^R02", "MDM^T06", "ORU^W01", "MDM"])
def test_unknown_document_event(kind: str) -> None:
    assert told(header_refusal(edit(MDM, "MSH-9", kind))) == ("AR", "MSH^1^9^1^2", "201", "")


@pytest.mark.parametrize("kind", ["OUL^R22", "ORM^O01", "SIU^S12", "ZAM^Z01", "QBP^Q23"])
def test_unknown_type(kind: str) -> None:
    assert told(header_refusal(edit(ADT, "MSH-9", kind))) == ("AR", "MSH^1^9^1^1", "200", "")


@pytest.mark.parametrize("event", ["ACK^T10^ACK", "ACK^Z01^ACK", "ACK"])
def test_an_acknowledgement_is_never_refused(event: str) -> None:
    message = edit(edit(ACK, "MSH-9", event), "MSH-12", "2.1")
    assert route(parse_header(message.encode())) == "ack"
    assert header_refusal(message) is None


@pytest.mark.parametrize("field", [9, 10, 11, 12])
def test_required_msh_fields(field: int) -> None:
    assert told(header_refusal(edit(ADT, f"MSH-{field}", ""))) == ("AE", f"MSH^1^{field}", "101", "")


def test_two_missing_msh_fields_are_told_together() -> None:
    refusal = header_refusal(edit(edit(ADT, "MSH-10", ""), "MSH-12", ""))
    assert refusal is not None
    assert [error.location for error in refusal.errors] == ["MSH^1^10", "MSH^1^12"]


@pytest.mark.parametrize(
    ("message", "version"), [(ADT, "2.3.1"), (ADT, "2.6"), (ORU, "2.3.1"), (MDM, "2.8"), (MDM, "2.6.1")]
)
def test_unsupported_version(message: str, version: str) -> None:
    assert told(header_refusal(edit(message, "MSH-12", version))) == ("AE", "MSH^1^12", "203", "")


@pytest.mark.parametrize(
    ("message", "version"), [(ADT, "2.5"), (ADT, "2.5.1^FRA"), (ORU, "2.4"), (ORU, "2.6"), (MDM, "2.5")]
)
def test_tolerated_version(message: str, version: str) -> None:
    assert header_refusal(edit(message, "MSH-12", version)) is None


@pytest.mark.parametrize("profile", ["1.0^CISIS_CDA_HL7_LPS", "1.1^ CISIS_CDA_HL7_LPS"])
def test_messages_of_the_sister_volet_are_refused(profile: str) -> None:
    assert told(header_refusal(edit(MDM, "MSH-21", profile))) == ("AE", "MSH^1^21", "207", "906")


@pytest.mark.parametrize(
    ("message", "segment"),
    [
        (ADT, "EVN"), (ADT, "PID"), (ADT, "PV1"), (ADT, "ZBE"), (MERGE, "MRG"), (MERGE, "PID"),
        (ORU, "PID"), (ORU, "PV1"), (ORU, "ORC"), (ORU, "OBR"), (ORU, "OBX"),
        (MDM, "EVN"), (MDM, "PID"), (MDM, "PV1"), (MDM, "ORC"), (MDM, "OBR"), (MDM, "TXA"), (MDM, "OBX"),
    ],
)  # fmt: skip
def test_missing_segment(message: str, segment: str) -> None:
    assert told(segment_refusal(without(message, segment))) == ("AE", f"{segment}^1", "100", "")


def test_volet_2_0_has_no_order_in_mdm() -> None:
    message = without(without(edit(MDM, "MSH-21", "2.0^CISIS_CDA_HL7_V2"), "ORC"), "OBR")
    assert segment_refusal(message) is None


def test_volet_1_2_promises_no_orc_in_oru() -> None:
    assert segment_refusal(without(edit(ORU, "MSH-21", "1.2^CISIS_CDA_HL7_V1"), "ORC")) is None


def test_identity_events_need_no_visit() -> None:
    assert segment_refusal(without(without(adt("A28"), "PV1"), "ZBE")) is None


def test_zbe_is_required_exactly_where_the_profile_says() -> None:
    text = "A01-A07 A11-A16 A21 A22 A25-A27 A38 A52-A55 Z99"
    wanted = set()
    for part in text.split():
        letter, first, last = re.fullmatch(r"([AZ])(\d\d)(?:-A(\d\d))?", part).groups()  # type: ignore[union-attr]
        wanted |= {f"{letter}{n:02d}" for n in range(int(first), int(last or first) + 1)}
    assert {event for event, row in PAM_EVENTS.items() if "ZBE" in row.segments} == wanted


def test_unknown_messages_require_nothing() -> None:
    assert required_segments(parse_header(ZAM.encode())) == ()
    assert required_segments(parse_header(adt("A60").encode())) == ()


@given(st.text(alphabet="ADTORUMKZ0189^&~ ", max_size=12), st.text(alphabet="0123456789.^", max_size=6))
def test_any_header_is_routed(kind: str, version: str) -> None:
    header = parse_header(edit(edit(ADT, "MSH-9", kind), "MSH-12", version).encode())
    refusal = check_header(header)
    assert refusal is not None or route(header) != "unsupported"


@pytest.mark.parametrize("message", [ADT, ORU, MDM])
@pytest.mark.parametrize(
    ("mode", "refused"), [("P", False), ("T", False), ("D", False), ("D ", False), ("X", True), ("p", True)]
)
def test_the_processing_id_is_p_t_or_d(message: str, mode: str, refused: bool) -> None:
    expected = ("AE", "MSH^1^11", "202", "") if refused else None
    assert told(header_refusal(edit(message, "MSH-11", mode))) == expected


def test_what_is_unsupported_in_msh_is_told_together() -> None:
    refusal = header_refusal(edit(edit(MDM, "MSH-11", "X"), "MSH-12", "2.3"))
    assert refusal is not None
    assert [(error.location, error.code) for error in refusal.errors] == [("MSH^1^11", "202"), ("MSH^1^12", "203")]
