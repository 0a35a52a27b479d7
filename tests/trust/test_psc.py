"""Professional sessions: from userinfo to an AIR caller that makes a good assertion."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.trust.errors import SessionError, VihfError
from connector.trust.psc import ProfessionalSession, session_from_userinfo
from connector.trust.vihf import VihfConfig, build_assertion, check_caller
from tests.trust.material import NOW, pair

USERINFO: dict[str, Any] = {
    "SubjectNameID": "801234564895",
    "family_name": "THOMAS",
    "given_name": "ERIC",
    "SubjectRefPro": {
        "exercices": [
            {
                "codeProfession": "10",
                "codeCategorieProfessionnelle": "C",
                "nomDexercice": "THOMAS",
                "prenomDexercice": "Eric",
                "codeSavoirFaire": "SM26",
                "activities": [
                    {
                        "raisonSocialeSite": "Organisation-Y",
                        "ancienIdentifiantDeLaStructure": "1120456789",
                        "codeSecteurDactivite": "SA01",
                        "codeSectionPharmacien": "",
                    },
                    {
                        "raisonSocialeSite": "labo",
                        "ancienIdentifiantDeLaStructure": "R10459",
                        "numeroFinessSite": "120459876",
                        "codeSecteurDactivite": "SA25",
                    },
                ],
            }
        ]
    },
}


def session(userinfo: dict[str, Any] | None = None) -> ProfessionalSession:
    return session_from_userinfo(
        USERINFO if userinfo is None else userinfo,
        authenticated_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(hours=3),
    )


def changed(**fields: str) -> dict[str, Any]:
    """Userinfo with one activity only and the given fields planted in the practice and in the activity."""
    userinfo = copy.deepcopy(USERINFO)
    practice = userinfo["SubjectRefPro"]["exercices"][0]
    practice["activities"] = practice["activities"][:1]
    for name, value in fields.items():
        target = practice if name in practice else practice["activities"][0]
        target[name] = value
    return userinfo


def test_the_activity_of_the_structure_is_taken() -> None:
    caller = session().caller(now=NOW, structure_id="1120456789")
    assert (caller.name_id, caller.subject_id) == ("801234564895", "Eric THOMAS")
    assert (caller.structure_id, caller.sector) == ("1120456789", "SA01")
    assert [(r.code, r.system_name) for r in caller.roles] == [("10", "G15"), ("SM26", "R01")]
    assert (caller.mode, caller.authn_context_decl) == ("INDIRECTE_RENFORCEE", "APP_BROWSER_AUTH")
    assert caller.authn_instant == NOW - timedelta(hours=1)
    assert caller.purpose == "normal"


def test_the_session_may_carry_its_structure() -> None:
    opened = session_from_userinfo(USERINFO, authenticated_at=NOW, expires_at=NOW, structure="1120459876")
    assert opened.caller().sector == "SA25"
    assert opened.caller(structure_id="1120456789").sector == "SA01"


def test_a_structure_is_known_by_its_finess_too() -> None:
    caller = session().caller(now=NOW, structure_id="1120459876", purpose="bris_de_glace", secret=True)
    assert (caller.structure_id, caller.sector) == ("1120459876", "SA25")
    assert (caller.purpose, caller.secret) == ("bris_de_glace", True)


def test_the_caller_makes_an_assertion() -> None:
    caller = session().caller(now=NOW, structure_id="1120456789")
    assertion = build_assertion(
        caller, VihfConfig("l", "1", "h"), resource_id=None, signer=pair(), now=NOW, assertion_id="_1"
    )
    assert b">INDIRECTE_RENFORCEE<" in assertion


@pytest.mark.parametrize(
    ("fields", "roles"),
    [
        ({}, [("10", "G15"), ("SM26", "R01")]),
        (
            {"codeProfession": "21", "codeSavoirFaire": "", "codeSectionPharmacien": "H"},
            [("21", "G15"), ("H", "G05")],
        ),
        ({"codeProfession": "60", "codeSavoirFaire": ""}, [("60", "G15")]),
        ({"codeProfession": "99", "codeSavoirFaire": "", "codeRole": "310"}, [("99", "R291"), ("310", "R85")]),
        ({"codeCategorieProfessionnelle": "E", "codeSavoirFaire": ""}, [("10", "G16")]),
    ],
)
def test_roles(fields: dict[str, str], roles: list[tuple[str, str]]) -> None:
    caller = session(changed(**fields)).caller(now=NOW)
    assert [(r.code, r.system_name) for r in caller.roles] == roles
    check_caller(caller, NOW)


@pytest.mark.parametrize(
    "fields",
    [{"codeSavoirFaire": ""}, {"codeProfession": "21"}, {"codeProfession": "99"}],
    ids=["doctor", "pharmacist", "other"],
)
def test_a_missing_second_role_is_refused_by_the_vihf(fields: dict[str, str]) -> None:
    caller = session(changed(**fields)).caller(now=NOW)
    with pytest.raises(VihfError) as caught:
        check_caller(caller, NOW)
    assert caught.value.context["field"] == "subject:role[2]"


def test_an_unknown_profession_is_named() -> None:
    with pytest.raises(VihfError) as caught:
        session(changed(codeProfession="SM26")).caller(now=NOW)
    assert caught.value.context["found"].startswith("SM26^")


@pytest.mark.parametrize(("late", "over"), [(-1, False), (0, True), (1, True)])
def test_a_session_ends(late: int, over: bool) -> None:
    opened = session(changed())
    now = opened.expires_at + timedelta(seconds=late)
    if not over:
        assert opened.caller(now=now).sector == "SA01"
        return
    with pytest.raises(SessionError) as caught:
        opened.caller(now=now)
    assert caught.value.context["field"] == "session"


def test_no_activity_in_the_structure() -> None:
    with pytest.raises(SessionError) as caught:
        session().caller(now=NOW, structure_id="1999999999")
    assert caught.value.context["expected"] == "1999999999"
    assert "1120456789" in caught.value.context["found"]


def test_two_activities_and_no_choice() -> None:
    with pytest.raises(SessionError):
        session().caller(now=NOW)


def test_the_reference_may_be_json_text() -> None:
    userinfo = {**USERINFO, "SubjectRefPro": json.dumps(USERINFO["SubjectRefPro"])}
    assert session(userinfo) == session()


@pytest.mark.parametrize(
    ("userinfo", "field"),
    [
        ({}, "SubjectNameID"),
        ({**USERINFO, "SubjectNameID": 8}, "SubjectNameID"),
        ({"SubjectNameID": "8"}, "SubjectRefPro"),
        ({**USERINFO, "SubjectRefPro": "{"}, "SubjectRefPro"),
        ({**USERINFO, "SubjectRefPro": "[]"}, "SubjectRefPro"),
        ({**USERINFO, "SubjectRefPro": {}}, "SubjectRefPro.exercices[].activities[]"),
        ({**USERINFO, "SubjectRefPro": {"exercices": {}}}, "SubjectRefPro.exercices[].activities[]"),
        (changed(ancienIdentifiantDeLaStructure=""), "SubjectRefPro.exercices[].activities[]"),
    ],
)
def test_incomplete_userinfo(userinfo: dict[str, Any], field: str) -> None:
    with pytest.raises(SessionError) as caught:
        session(userinfo)
    assert caught.value.context["field"] == field


def test_names_fall_back_on_the_civil_ones() -> None:
    caller = session(changed(nomDexercice="", prenomDexercice="")).caller(now=NOW)
    assert caller.subject_id == "ERIC THOMAS"


def test_a_session_shows_no_name() -> None:
    assert "THOMAS" not in repr(session())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["exercices", "activities", "codeProfession", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values)
def test_garbage_is_refused(reference: Any) -> None:
    with pytest.raises(SessionError):
        session({"SubjectNameID": "8", "SubjectRefPro": reference})
