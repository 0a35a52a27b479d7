"""Whatever form a message comes in, it asks for the same thing (hl7v2-interface §7, §9.2)."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from connector.hl7.er7 import check_readable, parse, segment_names
from connector.hl7.model import Admission, DocumentRequest
from connector.hl7.pam import read_admission
from connector.hl7.volet import read_document
from tests.hl7_readers.messages import ADT, BASE64, MDM, ORU
from tests.hl7_readers.test_volet import as_action
from tests.hl7_readers.variants import CHARSETS, CONTENT, DELIMITERS, ENDS, SAME_CARRIER, Dress, to_volet

TODAY = date(2026, 11, 21)
CDA = b"<ClinicalDocument>" + bytes(range(48, 58)) * 40 + b"!" + b"</ClinicalDocument>\n"
"""Longer than a line, and its base64 ends with a padding."""

MESSAGES = {
    "MDM create": as_action(MDM, "NW", "F", "T02"),
    "MDM replace": MDM,
    "MDM delete": as_action(MDM, "CA", "D", "T04"),
    "ORU create": ORU,
    "ORU replace": ORU.replace("ORC|NW", "ORC|RO").replace("||||||F", "||||||C", 1),
    "ORU delete": ORU.replace("ORC|NW", "ORC|CA").replace("||||||F", "||||||D", 1),
}
MESSAGES = {name: text.replace(BASE64, base64.b64encode(CDA).decode()) for name, text in MESSAGES.items()}
PLAIN = Dress()

dresses = st.builds(
    lambda delimiters, charset, end, bom, before, between, after: Dress(
        delimiters, charset[0], charset[1], end, bom, before, between, after
    ),
    st.sampled_from(DELIMITERS),
    st.sampled_from(CHARSETS),
    st.sampled_from(ENDS),
    st.booleans(),
    st.sampled_from(["", "\r\n", "\n \n", "  "]),
    st.sampled_from(["", " ", "\t"]),
    st.sampled_from(["", "\n\n", " \r\n", "\r\r"]),
)


def read(raw: bytes) -> DocumentRequest:
    """What is asked for: the header's form and what was noticed on the way are left out."""
    assert segment_names(raw)
    check_readable(raw, segment_names(raw))
    request = read_document(parse(raw), environment="test", today=TODAY)
    header = replace(request.header, charset="", structure="", profile="", profile_namespace="", addressing=None)
    parts = tuple(replace(part, label="") for part in request.documents)
    return replace(request, header=header, documents=parts, volet="", findings=())


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("variant", CONTENT)
def test_one_variant_changes_nothing(name: str, variant: str) -> None:
    changed = CONTENT[variant](MESSAGES[name])
    assert read(PLAIN(changed)) == read(PLAIN(MESSAGES[name]))


def test_every_variant_changes_the_text_of_some_message() -> None:
    idle = [name for name, change in CONTENT.items() if all(change(m) == m for m in MESSAGES.values())]
    assert idle == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.sampled_from(sorted(MESSAGES)), st.lists(st.sampled_from(sorted(CONTENT)), unique=True, max_size=6), dresses)
@example("ORU create", ["base64 on many lines", "two PRT on one line"], Dress(delimiters="|^\u02dc\\&", end="\n"))
@example("MDM replace", ["status in OBX-10", "padding lost"], Dress(declared="", codec="iso8859-15", bom=False))
def test_any_combination_asks_for_the_same(name: str, variants: list[str], dress: Dress) -> None:
    assume(all(len(one & set(variants)) < 2 for one in SAME_CARRIER))
    text = MESSAGES[name]
    for variant in variants:
        text = CONTENT[variant](text)
    try:
        raw = dress(text)
    except UnicodeEncodeError:
        assume(False)
    assert read(raw) == read(PLAIN(MESSAGES[name]))


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_an_older_volet_asks_for_the_same_action(name: str, version: str) -> None:
    request = read_document(parse(PLAIN(to_volet(MESSAGES[name], version))), environment="test", today=TODAY)
    known = read(PLAIN(MESSAGES[name]))
    assert (request.volet, request.action) == (version, known.action)
    assert request.documents[0].content == CDA
    assert (request.identifiers, request.traits, request.stay) == (known.identifiers, known.traits, known.stay)
    assert request.flags == replace(
        known.flags, **({"ack_reception": None, "ack_lecture_mss": None} if version == "1.2" else {})
    )


@given(dresses)
def test_an_admission_says_the_same_in_any_dress(dress: Dress) -> None:
    try:
        raw = dress(ADT)
    except UnicodeEncodeError:
        assume(False)
    assert admission(raw) == admission(PLAIN(ADT))


def admission(raw: bytes) -> Admission:
    check_readable(raw, segment_names(raw))
    found = read_admission(parse(raw), environment="test", today=TODAY)
    return replace(found, header=replace(found.header, charset=""))


def test_escapes_are_what_they_stand_for() -> None:
    text = MDM.replace("Organisation-Y^^^^^ASIP", "Soins \\T\\ sant\\X C3A9\\ \\F\\ \\S\\^^^^^ASIP")
    request = read(PLAIN(text.replace("\\X C3A9\\", "\\XC3A9\\")))
    assert request.sender is not None
    assert request.sender.organization is not None
    assert request.sender.organization.name == "Soins & sant\u00e9 | ^"
