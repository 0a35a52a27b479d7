"""Matricule INS: shape and key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.ins.matricule import check_matricule, is_shaped, key_of

BODIES = st.from_regex(r"[1-478][0-9]{4}([0-9]{2}|2A|2B)[0-9]{6}", fullmatch=True)


@pytest.mark.parametrize("value", ["279035121518989", "274075176079430", "277076322082910"])
def test_official_test_matricules_are_sound(value: str) -> None:
    assert check_matricule(value) == []


def test_wrong_key_is_named_and_the_value_is_not_shown() -> None:
    (finding,) = check_matricule("276037510669380")
    assert finding.rule == "INS-CLE"
    assert "276037510669380" not in " ".join(finding.as_dict().values())


@pytest.mark.parametrize(
    "value",
    ["", "2790351215189", "27707279035121518989", "27903512151898X", "979035121518989", "27903C121518989", "١" * 15],
)
def test_wrong_shape(value: str) -> None:
    assert [f.rule for f in check_matricule(value)] == ["INS-FORME"]


@pytest.mark.parametrize(("department", "digits"), [("2A", "19"), ("2B", "18")])
def test_corsica_counts_as_a_number(department: str, digits: str) -> None:
    # The reference is the arithmetic of the rule, written out: letters replaced, then 97 - n mod 97.
    body = f"18503{department}004001"
    expected = 97 - int(f"18503{digits}004001") % 97
    assert key_of(body) == f"{expected:02d}"
    assert check_matricule(f"{body}{expected:02d}") == []


def test_corsica_2a_and_2b_have_different_keys() -> None:
    assert key_of("185032A004001") != key_of("185032B004001")


def test_key_of_refuses_another_shape_without_quoting_it() -> None:
    with pytest.raises(ValueError, match="13 characters") as caught:
        key_of("not a matricule")
    assert "matricule" not in str(caught.value)


@given(BODIES)
def test_a_body_with_its_key_is_always_sound(body: str) -> None:
    assert check_matricule(body + key_of(body)) == []


@given(BODIES, st.integers(1, 96))
def test_any_other_key_is_always_found(body: str, shift: int) -> None:
    # Keys run from 01 to 97.
    wrong = (int(key_of(body)) - 1 + shift) % 97 + 1
    assert [f.rule for f in check_matricule(f"{body}{wrong:02d}")] == ["INS-CLE"]


@given(st.text(max_size=20))
def test_garbage_gives_a_finding_never_a_crash(value: str) -> None:
    assert is_shaped(value) or [f.rule for f in check_matricule(value)] == ["INS-FORME"]
