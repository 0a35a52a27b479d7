"""Every official message: nothing lost, and the same leaf values as hl7apy reading segment by segment."""

from __future__ import annotations

from pathlib import Path

from connector.hl7.er7 import parse, parse_header, segment_names
from tests.hl7_core.hl7apy_reading import hl7apy_leaves, our_leaves


def messages(folder: Path) -> list[Path]:
    found = [p for p in sorted((folder / "ans-messages").rglob("*")) if p.suffix in (".er7", ".hl7")]
    assert len(found) >= 20
    return found


def test_bytes_joined_again_are_equal(official_data: Path) -> None:
    for path in messages(official_data):
        raw = path.read_bytes()
        message = parse(raw)
        sign = message.delimiters.field
        # MSH-1 is the separator itself: it is not joined.
        rejoined = [
            sign.join(field for n, field in enumerate(s.fields()) if s.name != "MSH" or n != 1)
            for s in message.segments
        ]
        assert "\n".join(rejoined).encode(message.charset.codec) == raw.rstrip(b"\n"), path.name
        assert message.raw == raw
        assert message.charset_flag == ""
        assert message.names() == segment_names(raw)
        assert message.header == parse_header(raw)


def test_leaf_values_are_those_of_hl7apy(official_data: Path) -> None:
    compared = 0
    for path in messages(official_data):
        message = parse(path.read_bytes())
        for segment in message.segments:
            ours = our_leaves(segment)
            theirs = hl7apy_leaves(segment, message.header.version)
            assert ours.keys() == theirs.keys(), (path.name, segment.name)
            assert all(theirs[at] == value for at, value in ours.items()), (path.name, segment.name)
            compared += len(ours)
    assert compared > 2000


def test_the_opposition_to_feeding_is_seen(official_data: Path) -> None:
    path = next(p for p in messages(official_data) if p.stem == "NonConsentementConsultation_OppositionAlimentation")
    zfa = parse(path.read_bytes()).first("ZFA")
    assert zfa is not None
    assert [zfa.get(n) for n in (1, 9, 11)] == ["ACTIF", "IO", "INC"]
