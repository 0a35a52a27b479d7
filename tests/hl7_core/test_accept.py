"""The short way to write an AA gives the same bytes as the long way, for every header."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.hl7.ack import build_accept, build_ack, parse_ack
from connector.hl7.header import Header

text = st.text(st.characters(codec="latin-1", exclude_categories=["Cc", "Zs"]), max_size=12)
names = st.tuples(text, text, text, text)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@given(
    st.builds(
        Header,
        sending_application=text,
        sending_facility=text,
        receiving_application=text,
        receiving_facility=text,
        time=text,
        type=st.sampled_from(["ADT", "ORU", "MDM"]),
        event=st.sampled_from(["A01", "Z99", "T02", ""]),
        structure=text,
        control_id=text,
        processing_id=st.sampled_from(["P", "T", "D", ""]),
        version=st.sampled_from(["2.5", "2.6", ""]),
        version_full=st.sampled_from(["2.5^FRA^2.11", "2.6", ""]),
        charset=st.sampled_from(["UNICODE UTF-8", "8859/15", "8859/1", ""]),
        profile=text,
        addressing=st.none() | names,
    ),
    moments,
    st.text(st.characters(min_codepoint=48, max_codepoint=57), min_size=1, max_size=20),
)
def test_both_ways_write_the_same_bytes(header: Header, now: datetime, control_id: str) -> None:
    assert build_accept(header, now=now, control_id=control_id) == build_ack(
        header, "AA", now=now, control_id=control_id
    )


def test_the_short_way_answers_the_message() -> None:
    header = Header("GAM", "CHU-X", "DPI", "CHU-X", "", "ADT", "A01", "", "3975", "T", "2.5", "2.5^FRA^2.11", "", "")
    ack = parse_ack(build_accept(header, now=datetime(2026, 1, 1, tzinfo=UTC), control_id="1"))
    assert (ack.code, ack.control_id) == ("AA", "3975")


def test_a_damaged_field_is_not_sent_back_whole() -> None:
    header = Header("GAM", "X" * 9000, "DPI", "", "", "ADT", "A01", "", "3975", "T", "2.5", "é" * 9000, "", "")
    ack = build_ack(header, "AA", now=datetime(2026, 1, 1, tzinfo=UTC), control_id="1")
    assert len(ack) < 1000
    assert parse_ack(ack).control_id == "3975"
