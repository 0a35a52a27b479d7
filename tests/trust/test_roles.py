"""Roles as a person writes them in the settings: resolved in JDV_J65, refused when they are no role of the VIHF."""

from __future__ import annotations

import pytest

from connector.trust.errors import VihfError
from connector.trust.roles import (
    ACTIVITY_KIND,
    CARE_ROLE,
    OTHER_PROFESSION,
    PHARMACIST_SECTION,
    PRODUCER,
    PROFESSION,
    SKILL,
    SOCIAL_PROFESSION,
    TRAINING,
    named_roles,
)


@pytest.mark.parametrize(
    ("codes", "systems"),
    [
        (("10", "SM26"), (PROFESSION, SKILL)),
        (("21", "H"), (PROFESSION, PHARMACIST_SECTION)),
        (("99", "310"), (OTHER_PROFESSION, CARE_ROLE)),
        (("99", "GENR01"), (OTHER_PROFESSION, ACTIVITY_KIND)),
        (("60",), (PROFESSION,)),
        ((f"10^{TRAINING}",), (TRAINING,)),
        (("41",), (SOCIAL_PROFESSION,)),
        (("SECRETARIAT_MEDICAL",), (PRODUCER,)),
    ],
)
def test_codes_find_their_systems(codes: tuple[str, ...], systems: tuple[str, ...]) -> None:
    roles = named_roles(codes)
    assert tuple(item.system for item in roles) == systems
    assert all(item.display and item.system_name for item in roles)


@pytest.mark.parametrize(
    ("codes", "field"),
    [
        ((), "subject:role"),
        (("10",), "subject:role[2]"),
        (("21",), "subject:role[2]"),
        (("99",), "subject:role[2]"),
        (("10", "H"), "subject:role"),
        (("60", "SM26"), "subject:role[2]"),
        (("SM26",), "subject:role"),
        (("10", "SM26", "SM27"), "subject:role"),
        (("12345",), "subject:role"),
        (("10^1.2.3", "SM26"), "subject:role"),
    ],
)
def test_codes_that_are_no_role(codes: tuple[str, ...], field: str) -> None:
    with pytest.raises(VihfError) as refused:
        named_roles(codes)
    assert refused.value.context["field"] == field
    assert refused.value.context["expected"]
