"""The decision rule "INS qualifiée": a good identity, then one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.ins.model import OID_NIA, OID_NIR, OID_NIR_DEMO, OID_NIR_TEST, Environment, Qualification, Traits
from connector.ins.status import BLOCKING, WARNING, qualify

TODAY = date(2026, 11, 21)
INS = "279035121518989"
OTHER = "277076322082910"
WRONG_KEY = "276037510669380"
TRAITS = Traits(
    birth_name="PAT-TROIS",
    first_given="DOMINIQUE",
    given_names="DOMINIQUE",
    birth_date="19790328",
    sex="F",
    birth_place="63220",
)


def judge(
    *identifiers: tuple[str, str, str],
    reliability: tuple[str, ...] = ("VALI",),
    traits: Traits = TRAITS,
    environment: Environment = "test",
) -> Qualification:
    return qualify(identifiers, reliability, traits, environment, TODAY)


def codes(sentences: tuple[str, ...]) -> list[str]:
    return [sentence.split(":")[0] for sentence in sentences]


def test_good_identity_is_qualified() -> None:
    verdict = judge((INS, OID_NIR_TEST, ""))
    assert verdict.qualified
    assert verdict.ins is not None
    assert (verdict.ins.value, verdict.ins.oid) == (INS, OID_NIR_TEST)
    assert verdict.reasons == ()
    assert verdict.warnings == ()


def test_status_qual_is_enough() -> None:
    assert judge((INS, OID_NIR_TEST, ""), reliability=("QUAL",)).qualified


@pytest.mark.parametrize("code", sorted(BLOCKING))
def test_blocking_status(code: str) -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), reliability=("VALI", code))
    assert not verdict.qualified
    assert verdict.reasons == (f"INS-STATUT: PID-32 = {code}",)


@pytest.mark.parametrize("code", sorted(WARNING))
def test_warning_status(code: str) -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), reliability=("VALI", code))
    assert verdict.qualified
    assert verdict.warnings == (f"INS-STATUT: PID-32 = {code}, à vérifier",)


@pytest.mark.parametrize(
    ("reliability", "reason"),
    [
        ((), "INS-STATUT: PID-32 est vide"),
        (("", " "), "INS-STATUT: PID-32 est vide"),
        (("IDVER",), "INS-STATUT: PID-32 ne contient ni VALI ni QUAL"),
        (("PROV",), "INS-STATUT: PID-32 = PROV"),
    ],
)
def test_status_that_does_not_qualify(reliability: tuple[str, ...], reason: str) -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), reliability=reliability)
    assert verdict.reasons == (reason,)


def test_unknown_status_warns_and_never_repeats_odd_text() -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), reliability=("VALI", "NEWX", INS))
    assert verdict.qualified
    assert verdict.warnings == (
        "INS-STATUT: code PID-32 inconnu (NEWX)",
        "INS-STATUT: code PID-32 inconnu (illisible)",
    )


def test_no_ins() -> None:
    verdict = judge()
    assert verdict.ins is None
    assert codes(verdict.reasons) == ["INS-ABSENT"]


@pytest.mark.parametrize("value", ["", '""', "  "])
def test_empty_or_deleted_ins_is_no_ins(value: str) -> None:
    assert codes(judge((value, OID_NIR_TEST, "")).reasons) == ["INS-ABSENT"]


def test_two_current_ins_need_a_person() -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), (OTHER, OID_NIR_TEST, ""))
    assert verdict.ins is None
    assert codes(verdict.reasons) == ["INS-MULTIPLE"]


def test_the_same_ins_twice_is_one() -> None:
    assert judge((INS, OID_NIR_TEST, ""), (INS, OID_NIR_TEST, "20301231")).qualified


def test_an_expired_ins_beside_the_current_one_is_ignored() -> None:
    verdict = judge((OTHER, OID_NIR_TEST, "20261120"), (INS, OID_NIR_TEST, "20261121"))
    assert verdict.qualified
    assert verdict.ins is not None
    assert verdict.ins.value == INS


def test_only_an_expired_ins() -> None:
    assert codes(judge((INS, OID_NIR_TEST, "20200101120000")).reasons) == ["INS-EXPIRE"]


@pytest.mark.parametrize("expiry", ["2020", "20201399", "hier"])
def test_unreadable_expiry_warns(expiry: str) -> None:
    verdict = judge((INS, OID_NIR_TEST, expiry))
    assert verdict.qualified
    assert codes(verdict.warnings) == ["INS-EXPIRE"]


@pytest.mark.parametrize("oid", [OID_NIR_TEST, OID_NIR_DEMO])
def test_test_domains_are_refused_in_production(oid: str) -> None:
    verdict = judge((INS, oid, ""), environment="production")
    assert verdict.ins is None
    assert codes(verdict.reasons) == ["INS-DOMAINE"]


@pytest.mark.parametrize("oid", [OID_NIR, OID_NIA])
def test_nir_and_nia_qualify_in_production(oid: str) -> None:
    assert judge((INS, oid, ""), environment="production").qualified


def test_foreign_domain_is_ignored() -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), ("12345", "1.2.250.1.213.1.4.2", ""))
    assert verdict.qualified
    assert codes(verdict.warnings) == ["INS-DOMAINE"]


def test_wrong_key_warns_in_test_and_blocks_in_production() -> None:
    in_test = judge((WRONG_KEY, OID_NIR, ""))
    in_production = judge((WRONG_KEY, OID_NIR, ""), environment="production")
    assert in_test.qualified
    assert codes(in_test.warnings) == ["INS-CLE"]
    assert not in_production.qualified
    assert codes(in_production.reasons) == ["INS-CLE"]


@pytest.mark.parametrize("environment", ["test", "production"])
def test_wrong_shape_blocks_everywhere(environment: Environment) -> None:
    verdict = judge(("27707279035121518989", OID_NIR, ""), environment=environment)
    assert verdict.ins is None
    assert codes(verdict.reasons) == ["INS-FORME"]


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("birth_name", "nom de naissance"),
        ("first_given", "premier prénom de naissance"),
        ("birth_date", "date de naissance"),
        ("sex", "sexe"),
        ("birth_place", "code INSEE du lieu de naissance"),
    ],
)
@pytest.mark.parametrize("empty", ["", '""'])
def test_each_strict_trait_is_needed(field: str, label: str, empty: str) -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), traits=replace(TRAITS, **{field: empty}))
    assert verdict.reasons == (f"INS-TRAITS: {label} absent",)


def test_incomplete_birth_date_and_foreign_sex() -> None:
    assert codes(judge((INS, OID_NIR_TEST, ""), traits=replace(TRAITS, birth_date="1979")).reasons) == ["INS-TRAITS"]
    assert codes(judge((INS, OID_NIR_TEST, ""), traits=replace(TRAITS, sex="O")).reasons) == ["INS-TRAITS"]


def test_odd_birth_place_only_warns() -> None:
    verdict = judge((INS, OID_NIR_TEST, ""), traits=replace(TRAITS, birth_place="CLERMONT"))
    assert verdict.qualified
    assert codes(verdict.warnings) == ["INS-TRAITS"]


def test_corsican_birth_place() -> None:
    assert judge((INS, OID_NIR_TEST, ""), traits=replace(TRAITS, birth_place="2A004")).warnings == ()


WORDS = st.text(max_size=16)


@given(
    st.lists(st.tuples(WORDS, st.sampled_from([OID_NIR, OID_NIR_TEST, "", "x"]), WORDS), max_size=4),
    st.lists(WORDS, max_size=4),
    st.builds(Traits, *[WORDS] * 8),
    st.sampled_from(["test", "production"]),
)
def test_garbage_never_raises_and_reasons_match_the_verdict(
    identifiers: list[tuple[str, str, str]], reliability: list[str], traits: Traits, environment: Environment
) -> None:
    verdict = qualify(identifiers, reliability, traits, environment, TODAY)
    assert verdict.qualified == (not verdict.reasons)
    assert not verdict.qualified or verdict.ins is not None


def test_no_sentence_holds_an_identity() -> None:
    verdict = judge(
        (WRONG_KEY, OID_NIR, "x"), ("27707279035121518989", "9.9", ""), traits=Traits(birth_name="PAT-TROIS")
    )
    text = " ".join(verdict.reasons + verdict.warnings)
    for secret in (WRONG_KEY, "27707279035121518989", "PAT-TROIS"):
        assert secret not in text
