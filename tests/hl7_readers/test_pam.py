"""PAM-FR messages read into Admission: a good one, then one oddity at a time."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError
from connector.hl7.er7 import Er7Error, parse
from connector.hl7.model import Admission, Authority
from connector.hl7.pam import ROLES, read_admission
from connector.ins.model import Environment
from tests.hl7_readers.messages import ADT, MERGE, edit, insert, without

TODAY = date(2026, 11, 21)
CHU = Authority("CHU-X", "000897406", "N")


def read(message: str, environment: Environment = "test") -> Admission:
    return read_admission(parse(message.encode()), environment=environment, today=TODAY)


def test_identity() -> None:
    admission = read(ADT)
    assert [(i.value, i.type) for i in admission.identifiers] == [("000003", "PI"), ("279035121518989", "INS")]
    ipp = admission.ipp()
    assert ipp is not None
    assert ipp.authority == CHU
    traits = admission.traits
    assert (traits.birth_name, traits.first_given, traits.given_names) == ("PAT-TROIS", "DOMINIQUE", "DOMINIQUE")
    assert (traits.birth_date, traits.sex, traits.birth_place) == ("19790328", "F", "63220")
    assert (traits.used_name, traits.used_given) == ("", "")
    assert admission.reliability == ("VALI",)
    assert admission.qualification.qualified


def test_stay_movement_and_times() -> None:
    admission = read(ADT)
    stay, movement = admission.stay, admission.movement
    assert (admission.event, admission.recorded, admission.occurred) == ("A01", "20240309111154", "20240309110000")
    assert (stay.patient_class, stay.unit, stay.facility) == ("I", "6268", "000897406")
    assert stay.number() == "000297406@000897406"
    assert stay.account is not None
    assert (stay.account.value, stay.account.type) == ("24000008", "AN")
    assert (stay.admitted, stay.discharged) == ("20240309110000", "")
    assert movement is not None
    assert (movement.id, movement.authority) == ("312", Authority("CHU-X", "000897406", ""))
    assert (movement.action, movement.historic, movement.original_event, movement.nature) == ("INSERT", "N", "", "HMS")
    assert (movement.unit.id, movement.unit.name, movement.unit.type) == ("6268", "Chir V", "UF")


def test_doctors() -> None:
    doctors = [(d.role, d.id, d.id_type) for d in read(ADT).doctors]
    assert doctors == [
        ("attending", "801234567897", "IDNPS"),
        ("admitting", "801234567897", "IDNPS"),
        ("declared", "10000023084", "RPPS"),
    ]
    assert read(ADT).doctors[0].authority.oid == "1.2.250.1.71.4.2.1"


@pytest.mark.parametrize(("code", "role"), [*ROLES.items(), ("XX", "xx")])
def test_rol_roles(code: str, role: str) -> None:
    assert read(edit(ADT, "ROL-3", code)).doctors[-1].role == role


def test_rol_deletion_and_empty_rol_are_not_doctors() -> None:
    assert len(read(edit(ADT, "ROL-2", "DE")).doctors) == 2
    assert len(read(edit(ADT, "ROL-4", "")).doctors) == 2


def test_forbidden_pv1_9_is_ignored_and_pv1_8_is_read() -> None:
    doctor = "801234567866^DIAZ^Thierry"
    assert len(read(edit(ADT, "PV1-9", doctor)).doctors) == 3
    assert ("referring", "801234567866") in [(d.role, d.id) for d in read(edit(ADT, "PV1-8", doctor)).doctors]


def test_consent() -> None:
    consent = read(ADT).consent
    assert consent is not None
    assert (consent.dmp_status, consent.dmp_status_time) == ("ACTIF", "20240309111154")
    assert (consent.feeding, consent.feeding_time) == ("IO", "20240309111155")
    assert (consent.consultation, consent.consultation_time) == ("INC", "20240309111156")


def test_an_absent_zfa_is_none_never_an_empty_consent() -> None:
    assert read(without(ADT, "ZFA")).consent is None


def test_a_short_zfa_is_a_consent_with_nothing_said() -> None:
    consent = read(without(ADT, "ZFA") + "\rZFA|ACTIF").consent
    assert consent is not None
    assert consent.feeding == ""


def test_proof() -> None:
    proof = read(ADT).proof
    assert proof is not None
    assert (proof.sms_consent, proof.corrected_date, proof.obtained_by) == ("Y", "N", "INSI")
    assert (proof.insi_date, proof.document_type, proof.document_expiry) == ("20211201", "CN", "20301231")
    lunar = read(edit(ADT, "ZFD-1", "31^2^1979")).proof
    assert lunar is not None
    assert lunar.lunar_date == "31^2^1979"
    assert read(without(ADT, "ZFD")).proof is None


def test_merge() -> None:
    admission = read(MERGE)
    assert [(i.value, i.authority) for i in admission.prior_identifiers] == [("000004", CHU)]
    assert admission.prior_account is not None
    assert admission.prior_account.value == "24000010"
    assert admission.movement is None
    assert admission.stay.patient_class == ""
    assert admission.stay.account is not None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("PID-32", "PROV", "INS-STATUT: PID-32 = PROV"),
        ("PID-32", "", "INS-STATUT: PID-32 est vide"),
        ("PID-3", "000003^^^CHU-X&000897406&N^PI", "INS-ABSENT: PID-3 ne contient aucun matricule INS"),
        ("PID-7", "", "INS-TRAITS: date de naissance absent"),
        ("PID-11", "^^PARIS^^75007^FRA^H^^75107", "INS-TRAITS: code INSEE du lieu de naissance absent"),
    ],
)
def test_one_change_unqualifies_the_identity(field: str, value: str, reason: str) -> None:
    assert read(edit(ADT, field, value)).qualification.reasons == (reason,)


def test_the_environment_decides_not_msh_11() -> None:
    assert not read(ADT, "production").qualification.qualified
    assert read(edit(ADT, "MSH-11", "P"), "test").qualification.qualified


def test_deletion_marks_are_kept() -> None:
    admission = read(edit(edit(ADT, "PID-8", '""'), "PV1-45", '""'))
    assert admission.traits.sex == '""'
    assert admission.stay.discharged == '""'
    assert admission.qualification.reasons == ("INS-TRAITS: sexe absent",)
    assert read(edit(ADT, "PV1-19", '""')).stay.visit is None


@pytest.mark.parametrize(("field", "value"), [("PID-30", "Y"), ("PID-29", "20240310"), ("PID-30", "y")])
def test_death(field: str, value: str) -> None:
    assert read(edit(ADT, field, value)).dead


@pytest.mark.parametrize(("field", "value"), [("PID-30", "N"), ("PID-29", '""'), ("PID-30", "")])
def test_no_death(field: str, value: str) -> None:
    assert not read(edit(ADT, field, value)).dead


def test_used_name_and_two_word_family_name() -> None:
    traits = read(edit(ADT, "PID-5", "NESSI^RUTH^^^^^D~DE VINCI^RUTH^RUTH^^^^L")).traits
    assert (traits.birth_name, traits.used_name, traits.used_given) == ("DE VINCI", "NESSI", "RUTH")


def test_a_usage_name_alone_is_no_birth_name_but_an_untyped_name_is() -> None:
    assert read(edit(ADT, "PID-5", "NESSI^RUTH^^^^^D")).traits.birth_name == ""
    assert read(edit(ADT, "PID-5", "NESSI^RUTH")).traits.birth_name == "NESSI"


def test_birth_date_with_a_time_is_cut_and_a_partial_one_is_kept() -> None:
    assert read(edit(ADT, "PID-7", "19790328000000")).traits.birth_date == "19790328"
    assert read(edit(ADT, "PID-7", "1979")).traits.birth_date == "1979"


def test_movement_shifted_by_a_filled_zbe_3() -> None:
    zbe = "ZBE|002^CHU-X^000897406|20240306110000|20260309102840||INSERT|N||Urgences^^^^^^UF^^^8782||HMS"
    movement = read(without(ADT, "ZBE") + "\r" + zbe).movement
    assert movement is not None
    assert (movement.action, movement.historic, movement.nature, movement.unit.id) == ("INSERT", "N", "HMS", "8782")


def test_movement_authority_folded_into_one_component_and_nursing_unit_alone() -> None:
    message = edit(edit(ADT, "ZBE-1", "312^CHU-X&000897406&N"), "ZBE-7", "")
    movement = read(edit(message, "ZBE-8", "Soins^^^^^CHU-X&000897406&N^UF^^^7777")).movement
    assert movement is not None
    assert movement.authority == CHU
    assert movement.unit.id == "7777"


def test_bare_oid_authority_and_no_break_spaces() -> None:
    message = edit(ADT, "PID-3", "279035121518989\u00a0^^^1.2.250.1.213.1.4.10^INS")
    admission = read(message)
    assert admission.identifiers[0].authority == Authority("", "1.2.250.1.213.1.4.10", "ISO")
    assert admission.qualification.qualified


def test_original_event_of_a_cancellation() -> None:
    message = edit(edit(edit(ADT, "MSH-9", "ADT^Z99"), "ZBE-4", "UPDATE"), "ZBE-6", "A02")
    movement = read(message).movement
    assert movement is not None
    assert (movement.action, movement.original_event) == ("UPDATE", "A02")


def test_line_feeds_trailing_blanks_and_unknown_segments_change_nothing() -> None:
    untouched = read(ADT)
    oddly = insert(ADT, "PID", "ZZZ|odd|^~|").replace("\r", "\n") + "\n\n\n"
    odd = read(oddly)
    assert (odd.traits, odd.consent, odd.stay, odd.doctors) == (
        untouched.traits,
        untouched.consent,
        untouched.stay,
        untouched.doctors,
    )


def test_without_pid_there_is_nothing_to_read() -> None:
    with pytest.raises(CodecError) as caught:
        read(without(ADT, "PID"))
    assert caught.value.context["field"] == "PID"


_CHARS = st.sampled_from(list('|^~\\&\r"09AZéPIDZFA '))


@given(st.lists(st.tuples(st.integers(60, len(ADT) - 1), _CHARS), max_size=25))
def test_random_damage_never_crashes(changes: list[tuple[int, str]]) -> None:
    text = list(ADT)
    for index, char in changes:
        text[index] = char
    try:
        admission = read("".join(text))
    except (Er7Error, CodecError):
        return
    assert admission.qualification.qualified == (not admission.qualification.reasons)
