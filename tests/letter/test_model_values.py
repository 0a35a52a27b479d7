"""What the model does to values: shorthands, dates, units, codes; and data → letter → data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pydantic import TypeAdapter, ValidationError

from connector.base.hl7time import parse_ts
from connector.codes import load
from connector.letter.errors import LetterError
from connector.letter.model import (
    Allergy,
    Body,
    DischargeLetter,
    Ins,
    Patient,
    Problem,
    Procedure,
    Telecom,
    Treatment,
    UnstructuredLetter,
)
from connector.letter.model.codes import Icd10, Route
from connector.letter.model.times import Moment, PartialDate, from_hl7, is_before, to_hl7
from connector.letter.plain import data_of, letter_of
from tests.letter.letters import Data, admission, changed, discharge, sample, unstructured

LISTS = {
    "ModaliteEntree": "JDV_ModaliteEntree_CISIS",
    "ModaliteSortie": "JDV_ModaliteSortie_CISIS",
    "StatutDoc": "JDV_StatutDoc_CISIS",
    "AllergyType": "JDV_TypeEvenementIndesirablePrevisible_CISIS",
    "AllergyStatus": "JDV_HL7_allergyintolerance_clinical_CISIS",
    "Severity": "JDV_SeveriteObservation_CISIS",
    "AbsentMedication": "JDV_AbsentOrUnknownMedication_CISIS",
    "AbsentAllergy": "JDV_AbsentOrUnknownAllergy_CISIS",
    "ActPriority": "JDV_HL7_ActPriority_CISIS",
    "ProblemType": "JDV_ProblemCodes_CISIS",
    "Confidentiality": "JDV_HL7_Confidentiality_CISIS",
    "Route": "JDV_RouteofAdministration_CISIS",
}


@pytest.mark.parametrize("data", [discharge(), sample("discharge.yaml"), admission(), unstructured()])
def test_data_to_letter_to_data_loses_nothing(data: Data) -> None:
    letter = letter_of(data)
    plain = data_of(letter)
    assert letter_of(plain) == letter
    assert data_of(letter_of(plain)) == plain
    assert list(_absent_from(_words(data), " ".join(_words(plain)))) == []


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for item in value.values() for word in _words(item)]
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return [value] if isinstance(value, str) else []


def _absent_from(words: list[str], text: str) -> list[str]:
    """Words of the file that the letter has lost; what it rewrites on purpose is known."""
    rewritten = {"oui", "non", "comprimé", "jour", "jours", "06 47 15 01 00", "01 44 53 45 51", "PAT-TROIS DOMINIQUE"}
    return [word for word in words if word.strip() not in text and word not in rewritten]


def test_the_lists_are_those_of_the_agency(official_data: Path) -> None:
    for name, stem in LISTS.items():
        tree = etree.parse(str(official_data / "cisis-data" / "value-sets" / f"{stem}.xml"))
        theirs = {(str(c.get("code")), str(c.get("codeSystem"))) for c in tree.iter("{*}Concept")}
        assert {(concept.code, concept.system) for concept in load(name)} == theirs, name


# --- times


MOMENT: TypeAdapter[str] = TypeAdapter(Moment)
PARTIAL: TypeAdapter[str] = TypeAdapter(PartialDate)


@given(
    st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 30)),
    st.integers(-12 * 60, 14 * 60),
)
def test_a_time_goes_to_hl7_and_back(moment: datetime, minutes: int) -> None:
    text = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes))).isoformat()
    assert MOMENT.validate_python(text) == text
    assert from_hl7(to_hl7(text)) == text
    assert parse_ts(to_hl7(text)) == datetime.fromisoformat(text)


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from([4, 7, 10]))
def test_a_partial_date_goes_to_hl7_and_back(day: date, length: int) -> None:
    text = day.isoformat()[:length]
    assert PARTIAL.validate_python(text) == text
    assert from_hl7(to_hl7(text)) == text


@pytest.mark.parametrize(
    ("hl7", "iso"),
    [
        ("20191203133000+0100", "2019-12-03T13:30:00+01:00"),
        ("202101040735+0100", "2021-01-04T07:35+01:00"),
        ("2021010407-0300", "2021-01-04T07:00-03:00"),
        ("20191203133000.123+0100", "2019-12-03T13:30:00+01:00"),
        ("20200701134745", "2020-07-01T13:47:45"),
        ("201810", "2018-10"),
        ("pas une date", "pas une date"),
    ],
)
def test_hl7_to_iso(hl7: str, iso: str) -> None:
    assert from_hl7(hl7) == iso


def test_utc_is_written_with_its_offset() -> None:
    assert to_hl7("2019-12-03T13:30:00Z") == "20191203133000+0000"


@pytest.mark.parametrize(
    ("one", "other", "before"),
    [
        ("2019", "2020-01", True),
        ("2019", "2019-06", False),
        ("2019-06", "2019", False),
        ("2019-06-01", "2019-06-02", True),
        ("2019-06-01T23:30:00+02:00", "2019-06-01T22:00:00+00:00", True),
        ("2019-06-01T23:30:00+02:00", "2019-06-01T21:00:00+00:00", False),
        ("2019-06-01T23:30:00+02:00", "2019-06-01", False),
        ("2019-05-31T10:00:00Z", "2019-06-01", False),
        ("2019-05-30T10:00:00Z", "2019-06-01", True),
        ("2019-06-01", "2019-06-02T10:00:00Z", False),
        ("2019-06-01", "2019-06-03T10:00:00Z", True),
        ("2019-05-31T10:00:00Z", "2019-06", False),
        ("2019", "2020-01-01T10:00:00Z", False),
        ("9999-12-31T10:00:00Z", "9999-12-31", False),
        ("0001-01-01", "0001-01-01T10:00:00Z", False),
    ],
)
def test_before(one: str, other: str, before: bool) -> None:
    assert is_before(one, other) is before


def test_objects_of_python_are_taken_too() -> None:
    data = changed(discharge(), "effective_time", datetime(2024, 3, 10, 10, 30, tzinfo=UTC))
    data = changed(data, "patient.birth_date", date(1979, 3, 28))
    letter = letter_of(data)
    assert (letter.effective_time, letter.patient.birth_date) == ("2024-03-10T10:30:00+00:00", "1979-03-28")


# --- what is given briefly


def test_a_part_may_be_given_as_its_value() -> None:
    letter = letter_of(discharge())
    assert isinstance(letter, DischargeLetter)
    assert letter.treatments_at_discharge[1] == Treatment(text="Amoxicilline 1 g matin, midi et soir jusqu'au 13/03")
    assert letter.transfusion.value is False
    assert letter.mode_of_entry.value.display == "hospitalisation en urgence"
    assert letter.status.display == "réalisé"
    assert letter.set_id.root == "2.25.1000"
    assert letter.stay.encounter_type.code == "IMP"


def test_known_labels_and_systems_are_filled_and_given_ones_kept() -> None:
    data = changed(discharge(), "mode_of_entry", {"value": {"code": "107724000", "display": "Transfert d'un patient"}})
    letter = letter_of(data)
    assert isinstance(letter, DischargeLetter)
    assert letter.mode_of_entry.value.system == "2.16.840.1.113883.6.96"
    assert letter.mode_of_entry.value.display == "Transfert d'un patient"
    oral = TypeAdapter(Route).validate_python("20053000")
    assert (oral.system, oral.display) == ("0.4.0.127.0.16.1.1.2.1", "Voie orale")


@pytest.mark.parametrize(
    ("written", "code"), [("A009", "A00.9"), ("N10", "N10"), ("A00.9", "A00.9"), ("F700", "F70.0")]
)
def test_icd10_is_written_with_its_dot(written: str, code: str) -> None:
    assert TypeAdapter(Icd10).validate_python(written).code == code


@pytest.mark.parametrize(
    ("written", "unit"),
    [("comprimé", "{tbl}"), ("Comprimés", "{tbl}"), ("mg/j", "mg/d"), ("UI", "[iU]"), ("ml", "mL"), ("mg", "mg")],
)
def test_common_words_become_ucum(written: str, unit: str) -> None:
    treatment = Treatment.model_validate({"text": "x", "dose": {"value": "1", "unit": written}})
    assert treatment.dose is not None
    assert treatment.dose.unit == unit


@pytest.mark.parametrize(("written", "kept"), [(1, "1"), (0.5, "0.5"), ("0,50", "0.50"), (" 2 ", "2")])
def test_numbers_are_kept_as_written(written: object, kept: str) -> None:
    treatment = Treatment.model_validate({"text": "x", "dose": {"value": written}})
    assert treatment.dose is not None
    assert treatment.dose.value == kept


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("01 44 53 45 51", "tel:0144534551"),
        ("+33 (0)1.44", "tel:+330144"),
        ("a@b.fr", "mailto:a@b.fr"),
        ("fax:0144", "fax:0144"),
    ],
)
def test_telecoms_become_urls(written: str, value: str) -> None:
    assert Telecom.model_validate(written).value == value


def test_names_split_at_blanks_and_the_first_one_is_known() -> None:
    person = discharge()["patient"]
    patient = Patient.model_validate({**person, "birth_given_names": ["DOMINIQUE MARIE-LOUISE"]})
    assert patient.birth_given_names == ("DOMINIQUE", "MARIE-LOUISE")
    assert patient.first_birth_given == "DOMINIQUE"
    twice = {**person, "birth_given_names": "MARIE ANNE LOUISE", "first_birth_given": "MARIE ANNE"}
    assert Patient.model_validate(twice).first_birth_given == "MARIE ANNE"


def test_lines_lose_their_blanks_and_prose_keeps_its_lines() -> None:
    letter = letter_of(changed(changed(discharge(), "title", " a\n  b "), "reason", "a  \r\nb\r"))
    assert isinstance(letter, DischargeLetter)
    assert (letter.title, letter.reason) == ("a b", "a\nb")


def test_a_wrong_key_is_accepted_for_test_identities_only() -> None:
    assert Ins(value="279035121518988", oid="1.2.250.1.213.1.4.10").matricule.value == "279035121518988"
    with pytest.raises(ValidationError):
        Ins(value="279035121518988", oid="1.2.250.1.213.1.4.8")
    assert Ins(value="279035121518989").oid == "1.2.250.1.213.1.4.8"


def test_what_a_reader_sees_and_what_is_deduced() -> None:
    assert Treatment(name="A", text="B").label == "A"
    assert Allergy.model_validate({"agent": "Paracétamol"}).label == "Paracétamol"
    assert Problem.model_validate({"code": {"code": "N10", "display": "Pyélonéphrite"}}).label == "Pyélonéphrite"
    assert Procedure.model_validate("Suture").label == "Suture"
    assert (Problem(text="x").status, Problem(text="x", end="2020").status) == ("active", "completed")


# --- the letter as a whole


def test_the_primary_physician_is_the_first_recipient() -> None:
    assert [person.family for person in letter_of(discharge()).ordered_recipients()] == ["MEDIONI", "HODA"]
    nobody = letter_of(changed(discharge(), "primary_physician", ...))
    assert [person.family for person in nobody.ordered_recipients()] == ["HODA", "MEDIONI"]


def test_the_stay_is_the_main_act() -> None:
    act = letter_of(discharge()).main_act()
    assert act.code is not None
    assert (act.code.code, act.start, act.end) == ("IMP", "2024-03-06T11:17:00+01:00", "2024-03-10T10:00:00+01:00")
    assert act.performer.id == "801234564895"
    assert act.performer.organization is not None
    assert act.performer.organization.name == "Médecine interne"
    assert act.performer.organization.practice_setting is not None
    assert act.performer.organization.practice_setting.code == "ETABLISSEMENT"


def test_an_act_of_its_own_gets_the_practice_setting_of_the_stay() -> None:
    performer = {"rpps": "01234567897", "family": "HODA", "organization": {"name": "Bloc"}}
    act = {"code": {"code": "ECQH010", "system": "1.2.250.1.213.2.5"}, "start": "2024-03-07", "performer": performer}
    main = letter_of(changed(discharge(), "act", act)).main_act()
    assert main.performer.organization is not None
    assert main.performer.organization.name == "Bloc"
    assert main.performer.organization.practice_setting is not None
    assert (main.start, main.end) == ("2024-03-07", None)


def test_who_signs_without_a_time_signs_at_that_of_the_document() -> None:
    letter = letter_of(discharge())
    assert letter.legal_authenticator.time == letter.authors[0].time == letter.effective_time
    later = changed(discharge(), "legal_authenticator.time", "2024-03-10T18:00:00+01:00")
    assert letter_of(later).legal_authenticator.time == "2024-03-10T18:00:00+01:00"
    event = {"text": "x", "author": discharge()["authors"][0]}
    told = letter_of(changed(discharge(), "medical_synthesis", event))
    assert isinstance(told, DischargeLetter)
    assert told.medical_synthesis.author is not None
    assert told.medical_synthesis.author.time == letter.effective_time


def test_types_of_document() -> None:
    assert [letter_of(data).type_code.code for data in (discharge(), admission(), unstructured())] == [
        "11490-0",
        "18761-7",
        "11490-0",
    ]


def test_national_identifiers() -> None:
    letter = letter_of(changed(discharge(), "authors.0.rpps", "801234564895"))
    author = letter.authors[0]
    assert (author.rpps, author.id) == ("01234564895", "801234564895")
    assert letter.custodian.id == "1120456789"
    assert letter_of(changed(discharge(), "custodian.finess", "1120456789")).custodian.finess == "120456789"


def test_the_bytes_of_a_body_come_back() -> None:
    letter = letter_of(unstructured())
    assert isinstance(letter, UnstructuredLetter)
    assert letter.body.content.startswith(b"%PDF-")
    assert Body.model_validate(letter.body.data()) == letter.body


def test_a_letter_never_changes() -> None:
    letter = letter_of(discharge())
    with pytest.raises(ValidationError):
        letter.title = "autre"
    with pytest.raises(LetterError):
        letter_of({})
