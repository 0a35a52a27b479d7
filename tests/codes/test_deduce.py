"""classCode, formatCode and contentTypeCode as the French tables deduce them (dmp-gaps §7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.codes import class_code, content_type, format_code, load, load_association

FR = "2.16.840.1.113883.2.8.2.1"
HEADER = "1.2.250.1.213.1.1.1.1"
LEVEL_1 = "1.3.6.1.4.1.19376.1.2.20"


@pytest.mark.parametrize(
    ("type_code", "expected"),
    [
        ("11490-0", "10"),
        ("18761-7", "11"),
        ("34112-3", "10"),
        ("34133-9", "11"),
        ("11502-2", "10"),
        ("18748-4", "31"),
        ("28617-9", "10"),
        ("34120-6", "10"),
        ("89233-1", "10"),
        ("60280-5", "11"),
        ("78341-5", "11"),
    ],
)
def test_class_code(type_code: str, expected: str) -> None:
    found = class_code(type_code)
    assert found is not None
    assert (found.code, found.system) == (expected, "1.2.250.1.213.1.1.4.1")
    assert found.display


@pytest.mark.parametrize("type_code", ["101881-1", "", "nonsense"])
def test_a_type_without_class_is_not_guessed(type_code: str) -> None:
    assert class_code(type_code) is None


def test_every_dmp_type_has_a_class_but_one() -> None:
    without = {concept.code for concept in load("J66") if class_code(concept.code) is None}
    assert without == {"101881-1"}


def test_x16_wins_over_x04() -> None:
    dmp, cisis = load_association("X16"), load_association("X04")
    both = [code for code in dmp.rows if code in cisis.rows and dmp.rows[code] != cisis.rows[code]]
    for code in both:
        found = class_code(code)
        assert found is not None
        assert found.code == dmp.rows[code].code


@pytest.mark.parametrize(
    ("roots", "media", "code", "system"),
    [
        ((FR, HEADER, "1.2.250.1.213.1.1.1.29"), "", "urn:asip:ci-sis:ldl-ses:2017", "1.2.250.1.213.1.1.4.2.282"),
        ((FR, HEADER, "1.2.250.1.213.1.1.1.21"), "", "urn:asip:ci-sis:ldl-ees:2017", "1.2.250.1.213.1.1.4.2.282"),
        ((FR, HEADER, "1.2.250.1.213.1.1.1.61"), "", "urn:asip:ci-sis:ft-su:2024", "1.2.250.1.213.1.1.4.2.282"),
        ((FR, HEADER, "1.2.250.1.213.1.1.1.55"), "", "urn:ihe:lab:xd-lab:2008", "1.3.6.1.4.1.19376.1.2.3"),
        ((FR, HEADER, LEVEL_1), "application/pdf", "urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3"),
        ((FR, HEADER, LEVEL_1), "image/tiff", "urn:ihe:iti-fr:xds-sd:tiff:2010", "1.3.6.1.4.1.19376.1.2.3"),
        ((FR, HEADER), "text/rtf", "urn:ihe:iti-fr:xds-sd:rtf:2010", "1.3.6.1.4.1.19376.1.2.3"),
        ((LEVEL_1, "1.2.250.1.213.1.1.1.29"), "text/plain", "urn:ihe:iti:xds-sd:text:2008", "1.3.6.1.4.1.19376.1.2.3"),
    ],
)
def test_format_code(roots: tuple[str, ...], media: str, code: str, system: str) -> None:
    found = format_code(roots, media)
    assert found is not None
    assert (found.code, found.system) == (code, system)
    assert found.display, "the label comes from JDV_J60"


@pytest.mark.parametrize(
    ("roots", "media"), [((FR, HEADER), ""), ((), ""), ((LEVEL_1,), ""), ((LEVEL_1,), "video/mp4")]
)
def test_no_format_code(roots: tuple[str, ...], media: str) -> None:
    assert format_code(roots, media) is None


def test_the_national_model_wins_over_the_ihe_one_in_any_order() -> None:
    national, ihe = "1.2.250.1.213.1.1.1.57", "1.3.6.1.4.1.19376.1.8.1.1.1"
    assert format_code((national, ihe)) == format_code((ihe, national))
    found = format_code((ihe, national))
    assert found is not None
    assert found.code == "urn:ihe:palm:apsr:2016"


@pytest.mark.parametrize(("pv1_2", "code"), [("I", "03"), ("O", "07"), ("R", "19"), ("N", "97"), ("E", "07")])
def test_content_type(pv1_2: str, code: str) -> None:
    found = content_type(pv1_2)
    assert found is not None
    assert (found.code, found.system) == (code, "1.2.250.1.213.2.2")
    assert found.display


@given(st.text())
def test_garbage_never_crashes(value: str) -> None:
    class_code(value)
    format_code((value,), value)
    content_type(value)
