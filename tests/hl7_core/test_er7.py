"""The reader: positions, tolerated anomalies of hl7v2-interface §9.2, limits, garbage."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.hl7.delimiters import NOMINAL, escape
from connector.hl7.er7 import Er7Error, Limits, Message, Segment, check_readable, parse, parse_header, segment_names
from tests.hl7_core.samples import ADT_LINES, MSH, PID, adt, msh

NAMES = ("MSH", "EVN", "PID", "PV1", "ZFA")


def pid_of(message: Message) -> Segment:
    found = message.first("PID")
    assert found is not None
    return found


def refused(raw: bytes, limits: Limits | None = None) -> Er7Error:
    with pytest.raises(Er7Error) as caught:
        parse(raw, limits or Limits())
    return caught.value


def test_positions() -> None:
    message = parse(adt())
    pid = pid_of(message)
    assert message.names() == NAMES
    assert [pid.get(3, r, 5) for r in (1, 2, 3)] == ["PI", "INS", ""]
    assert [pid.get(3, 2, 4, s) for s in (1, 2, 3, 4)] == ["ASIP-SANTE-INS-NIR", "1.2.250.1.213.1.4.10", "ISO", ""]
    assert pid.get(3) == "000003"
    assert pid.get(8) == "F"
    assert pid.get(99) == pid.get(0) == pid.get(2) == ""
    assert len(pid.reps(3)) == 2
    assert pid.reps(2) == pid.comps(2) == pid.comps(3, 3) == []
    assert pid.comps(5) == ["PAT-TROIS", "DOMINIQUE", "DOMINIQUE", "", "", "", "L"]
    assert pid.values(3, 2)[3:5] == ["ASIP-SANTE-INS-NIR", "INS"]
    assert pid.field(5) == "PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L"
    assert message.all("PID") == [pid]
    assert message.first("ZZZ") is None
    assert message.raw == adt()


def test_msh_positions() -> None:
    first = parse(adt()).segments[0]
    assert (first.field(1), first.get(2), first.reps(2), first.whole(2)) == ("|", "^~\\&", ["^~\\&"], "^~\\&")
    assert (first.get(3), first.get(9, 1, 2), first.get(12, 1, 3)) == ("GAM", "A01", "2.11")


def test_header() -> None:
    header = parse_header(adt())
    assert header == parse(adt()).header
    assert (header.type, header.event, header.structure) == ("ADT", "A01", "ADT_A01")
    assert (header.control_id, header.processing_id, header.charset) == ("3975", "D", "UNICODE UTF-8")
    assert (header.version, header.version_full) == ("2.5", "2.5^FRA^2.11")
    assert header.addressing == ("GAM", "CHU-X", "DPI", "CHU-X")
    assert not header.is_ack()


def test_header_keeps_whole_parties_and_trims_the_profile() -> None:
    line = msh(f3="GAM^1.2.3^ISO", f21="2.1^ CISIS_CDA_HL7_V2")
    header = parse_header(adt(lines=(line,)))
    assert (header.sending_application, header.profile_namespace) == ("GAM", "CISIS_CDA_HL7_V2")
    assert header.addressing == ("GAM^1.2.3^ISO", "CHU-X", "DPI", "CHU-X")


def test_ack_is_recognised() -> None:
    assert parse_header(adt(lines=(msh(f9="ACK^A01^ACK"),))).is_ack()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\n\n", "\n\r"])
def test_line_ends(end: str) -> None:
    message = parse(adt(end=end))
    assert message.names() == segment_names(adt(end=end)) == NAMES
    assert [s.text for s in message.segments] == list(ADT_LINES)
    assert parse_header(adt(end=end)) == message.header


@pytest.mark.parametrize(
    "raw",
    [
        adt(end="\r")[:-1],
        b"\xef\xbb\xbf" + adt(),
        b"\r\n\r\n \n" + adt(),
        b"\xef\xbb\xbf\r\n" + adt(end="\n"),
        adt() + b"\n\n\n \n",
        adt().replace(b"\rPID", b"\n\rPID"),
        adt().replace(b"\rPID", b"\r  PID"),
    ],
    ids=["no-end", "bom", "leading", "bom-leading", "trailing", "mixed", "indented"],
)
def test_surroundings_do_not_matter(raw: bytes) -> None:
    message = parse(raw)
    assert [s.text for s in message.segments] == list(ADT_LINES)
    assert message.raw is raw
    assert segment_names(raw) == NAMES
    assert parse_header(raw) == message.header


def test_a_broken_line_belongs_to_the_segment_before_it() -> None:
    raw = adt(lines=(MSH, "OBX|1|ED|18748-4^CR^LN||^text^XML^Base64^QUJD", "REVG ", "  |||||F", "PV1|1|I"))
    message = parse(raw)
    obx = message.segments[1]
    assert message.names() == segment_names(raw) == ("MSH", "OBX", "PV1")
    assert "".join(obx.get(5, 1, 5).split()) == "QUJDREVG"
    assert obx.get(10) == "F"


def test_a_line_starting_with_separators_belongs_to_the_segment_before_it() -> None:
    pid = pid_of(parse(adt(lines=(MSH, "PID|1||000003", "||PAT-TROIS^DOMINIQUE"))))
    assert (pid.get(3), pid.get(5)) == ("000003", "PAT-TROIS")


def test_a_broken_msh_is_read_whole_by_both_readers() -> None:
    raw = adt(lines=(MSH[:60], MSH[60:], PID))
    assert parse(raw).header == parse_header(raw)
    assert parse_header(raw).control_id == "3975"


def test_a_header_broken_in_hundreds_of_lines_is_refused_by_both_readers() -> None:
    raw = adt(lines=(MSH, *["x"] * 100_000, PID))
    assert (refused(raw).location, refused(raw).err_code) == ("MSH", "198")
    with pytest.raises(Er7Error):
        parse_header(raw)


def test_a_segment_without_fields_is_a_segment() -> None:
    assert parse(adt(lines=(MSH, PID, "PV2", "ZFA|ACTIF"))).names() == ("MSH", "PID", "PV2", "ZFA")


def test_two_prt_glued_on_one_line_are_two_segments() -> None:
    glued = "PRT||UC||SB^^participation|801234564895^THOMAS^Eric PRT||UC||REPLY^^participation|||||||||||^^X.400^a@b"
    raw = adt(lines=(MSH, glued, "PV1|1|I"))
    message = parse(raw)
    assert message.names() == segment_names(raw) == ("MSH", "PRT", "PRT", "PV1")
    assert [p.get(4) for p in message.all("PRT")] == ["SB", "REPLY"]
    assert message.all("PRT")[0].get(5, 1, 3) == "Eric"


def test_a_prt_value_that_looks_like_a_name_is_not_split() -> None:
    line = "PRT||UC||SB^^participation||||UF PRT|Service PRT|X"
    assert parse(adt(lines=(MSH, line))).names() == ("MSH", "PRT")


def test_repetition_separator_of_two_bytes() -> None:
    lines = tuple(line.replace("~", "˜") for line in ADT_LINES)
    pid = pid_of(parse(adt(lines=lines)))
    assert [pid.get(3, r, 5) for r in (1, 2)] == ["PI", "INS"]
    assert parse_header(adt(lines=lines)).type == "ADT"


def test_other_delimiters() -> None:
    table = str.maketrans("|^~\\&", "#$%!@")
    raw = adt(lines=tuple(line.translate(table) for line in ADT_LINES))
    message = parse(raw)
    assert message.header == parse(adt()).header == parse_header(raw)
    assert pid_of(message).get(3, 2, 4, 2) == "1.2.250.1.213.1.4.10"
    assert segment_names(raw) == NAMES


def test_values_are_trimmed_and_unescaped_raw_text_is_not() -> None:
    obx = parse(adt(lines=(MSH, r"PRT||UC|| SB ^^participation|A\T\B\R\C \E\ |1120456789" + "\u00a0" * 18))).segments[1]
    assert obx.get(4) == "SB"
    assert obx.get(5) == "A&B~C \\"
    assert obx.field(5) == r"A\T\B\R\C \E\ "
    assert obx.get(6) == "1120456789"


def test_deletion_stays_verbatim() -> None:
    assert parse(adt(lines=(MSH, 'PID|1||""^^^A'))).segments[1].get(3) == '""'


def test_plain_text_keeps_its_stray_delimiters() -> None:
    obx = parse(adt(lines=(MSH, "OBX|1|TX|C||Dupont & fils ^ cie"))).segments[1]
    assert obx.whole(5) == "Dupont & fils ^ cie"
    assert obx.get(5) == "Dupont"


def test_a_segment_never_shows_its_content() -> None:
    assert "PAT-TROIS" not in repr(parse(adt()).segments[2]) + repr(parse(adt()))


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"FHS|^~\\&|\rMSH|", b"\xff\xfeM\x00S\x00H\x00", b"PID|1\r" + adt()])
def test_not_starting_with_msh(raw: bytes) -> None:
    error = refused(raw)
    assert (error.err_code, error.location) == ("100", "MSH")
    with pytest.raises(Er7Error):
        parse_header(raw)
    with pytest.raises(Er7Error):
        segment_names(raw)


@pytest.mark.parametrize("raw", [b"MSH", b"MSHA^~\\&|", b"MSH\r|", b"MSH\xcb\x9c^~", b"MSH "])
def test_unusable_field_separator(raw: bytes) -> None:
    error = refused(raw)
    assert (error.err_code, error.location) == ("102", "MSH^1^1")


@pytest.mark.parametrize("raw", [b"MSH|", b"MSH||", b"MSH|^~\\&\\\\|"])
def test_unusable_encoding_characters(raw: bytes) -> None:
    assert refused(raw).location == "MSH^1^2"


def test_two_messages_in_one_are_refused() -> None:
    error = refused(adt() + adt())
    assert (error.err_code, error.location) == ("100", "MSH^2")


HUGE = {
    "segments": (adt() + b"NTE|1\r" * 100_000, "198"),
    "lines": (adt() + b"x\r" * 300_000, "198"),
    "fields": (adt() + b"NTE" + b"|" * 100_000, "198"),
    "repetitions": (adt() + b"NTE|" + b"~" * 100_000, "198"),
    "components": (adt() + b"NTE|" + b"^" * 100_000, "198"),
    "sub-components": (adt() + b"NTE|" + b"&" * 100_000, "198"),
    "header-fields": (MSH.encode() + b"|" * 100_000, "198"),
    "bytes": (adt() + b" " * (1024 * 1024), "199"),
}


@pytest.mark.parametrize("what", HUGE)
def test_hostile_counts_are_refused_at_once(what: str) -> None:
    raw, code = HUGE[what]
    started = time.perf_counter()
    error = refused(raw, Limits(max_bytes=1024 * 1024))
    assert error.err_code == code
    # A quadratic reader needs minutes here.
    assert time.perf_counter() - started < 2


def test_limits_hold_for_each_segment_not_for_the_message() -> None:
    lines = (MSH, *(f"OBX|{i}|" + "|" * 90 for i in range(100)))
    assert len(parse(adt(lines=lines), Limits(max_fields=100)).segments) == 101
    error = refused(adt(lines=lines), Limits(max_fields=91))
    assert (error.location, error.context["found"]) == ("OBX", "92")


def test_the_refusal_names_the_field() -> None:
    assert refused(adt(lines=(MSH, "PID|1||A~B~C")), Limits(max_repetitions=1)).location == "PID^1^3"
    assert refused(adt(lines=(msh(f7="A~B~C"),)), Limits(max_repetitions=1)).location == "MSH^1^7"


def test_a_large_document_is_read_in_milliseconds() -> None:
    payload = "QUJD" * 205_000
    raw = adt(lines=(MSH, PID, f"OBX|1|ED|18748-4^CR^LN||^text^XML^Base64^{payload}||||||F"))
    best = min(_seconds(raw) for _ in range(5))
    assert best < 0.05
    obx = parse(raw).first("OBX")
    assert obx is not None
    assert obx.get(5, 1, 5) == payload


def _seconds(raw: bytes) -> float:
    started = time.perf_counter()
    message = parse(raw)
    assert message.segments[2].get(11) == "F"
    return time.perf_counter() - started


def read_or_none(raw: bytes) -> Message | None:
    try:
        return parse(raw)
    except Er7Error:
        return None


@given(st.binary(max_size=300) | st.text("\r\n |^A1Zx\\", max_size=300).map(str.encode))
def test_garbage_is_read_or_refused(raw: bytes) -> None:
    for data in (raw, b"MSH" + raw, MSH.encode() + b"\r" + raw):
        message = read_or_none(data)
        if message is None:
            continue
        assert message.names() == segment_names(data)
        assert message.header == parse_header(data)
        for segment in message.segments:
            for n in range(len(segment.fields())):
                assert isinstance(segment.get(n, 1, 1), str)


VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.strip)


@given(st.lists(st.lists(st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=6))
def test_what_is_written_is_read_back(fields: list[list[list[str]]]) -> None:
    written = "|".join("~".join("^".join(escape(c, NOMINAL) for c in rep) for rep in field) for field in fields)
    segment = parse(adt(lines=(MSH, f"ZZZ|{written}"))).segments[1]
    for n, reps in enumerate(fields, 1):
        for r, comps in enumerate(reps, 1):
            assert [segment.get(n, r, c) for c in range(1, len(comps) + 1)] == comps


SCRAPS = (
    "\r",
    "\n",
    "MSH|",
    "\rMSH|",
    "|" * 30,
    "~~~~",
    "&" * 25,
    "^" * 25,
    "é",
    "\0",
    "\x81",
    "\rPRT|1|UC| PRT|1|UC|",
    "\rZZZ",
)
TIGHT = Limits(max_segments=9, max_lines=12, max_fields=60, max_repetitions=3, max_components=20)


@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 4), st.sampled_from(SCRAPS)), max_size=5),
    st.sampled_from(("utf-8", "latin-1")),
)
def test_the_listener_check_says_what_the_reader_would(cuts: list[tuple[int, int, str]], codec: str) -> None:
    raw = adt()
    for position, length, scrap in cuts:
        at = position % len(raw)
        raw = raw[:at] + scrap.encode(codec) + raw[at + length :]
    try:
        names = segment_names(raw)
    except Er7Error:
        return
    assert _failure(lambda: check_readable(raw, names, TIGHT)) == _failure(lambda: parse(raw, TIGHT))


def _failure(read: Callable[[], object]) -> tuple[str, str, str] | None:
    try:
        read()
    except Er7Error as error:
        return error.err_code, error.location, error.message
    return None
