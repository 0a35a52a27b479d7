"""A letter completed from what is known, and refused when it contradicts it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.ins.model import MatriculeIns, Traits
from connector.letter.errors import LetterError
from connector.letter.inputs import Facts, complete
from connector.letter.model import DischargeLetter
from connector.letter.plain import letter_of
from tests.letter.letters import changed, discharge

FACTS = Facts(
    ins=MatriculeIns("279035121518989", "1.2.250.1.213.1.4.10"),
    traits=Traits(
        birth_name="PAT-TROIS",
        first_given="DOMINIQUE",
        given_names="DOMINIQUE MARIE-LOUISE",
        birth_date="19790328",
        sex="F",
        birth_place="63220",
    ),
    ipp=("1.2.250.1.71.4.2.2.120456789.1", "000003"),
    visit=("1.2.250.1.71.4.2.2.120456789.2", "24000006"),
    admission=datetime(2024, 3, 6, 10, 17, tzinfo=UTC),
    discharge=datetime(2024, 3, 10, 9, 0, tzinfo=UTC),
    unit="Médecine interne",
    defaults={
        "custodian": {"finess": "120456789", "name": "Organisation-Y"},
        "stay": {"facility_type": "SA01", "practice_setting": "ETABLISSEMENT", "unit": "Autre"},
        "legal_authenticator": {"rpps": "01234564895", "family": "THOMAS"},
        "authors": [{"rpps": "01234564895", "family": "THOMAS"}],
    },
    id="2.25.1",
    set_id="2.25.2",
    time=datetime(2024, 3, 10, 10, 0, tzinfo=UTC),
)

CLINICAL = {
    "kind": "discharge",
    "reason": "Fièvre",
    "mode_of_entry": "183452005",
    "mode_of_exit": "160849004",
    "medical_synthesis": "Guérison",
    "micro_organism_search": False,
    "transfusion": False,
    "blood_derivatives": False,
    "no_treatment_at_discharge": "no-known-medications",
}


def refused(data: dict[str, Any]) -> list[str]:
    with pytest.raises(LetterError) as error:
        complete(data, FACTS)
    assert "2790351" not in error.value.french()
    return [fault.path for fault in error.value.faults]


def test_the_clinical_part_alone_becomes_a_letter() -> None:
    letter = letter_of(complete(CLINICAL, FACTS))
    assert isinstance(letter, DischargeLetter)
    assert letter.patient.ins.matricule == FACTS.ins
    assert letter.patient.birth_given_names == ("DOMINIQUE", "MARIE-LOUISE")
    assert letter.patient.ipp is not None
    assert letter.patient.ipp.extension == "000003"
    assert letter.stay.admission == "2024-03-06T10:17:00+00:00"
    assert letter.stay.unit == "Médecine interne"
    assert letter.stay.facility_type.code == "SA01"
    assert letter.stay.visit_number is not None
    assert (letter.id.root, letter.set_id.root) == ("2.25.1", "2.25.2")
    assert letter.effective_time == letter.authors[0].time == "2024-03-10T10:00:00+00:00"


def test_the_data_of_the_caller_do_not_change() -> None:
    data: dict[str, Any] = {**CLINICAL, "patient": {}}
    complete(data, FACTS)
    assert data == {**CLINICAL, "patient": {}}


def test_what_the_file_says_stays() -> None:
    whole = complete(discharge(), FACTS)
    assert whole["id"] == "2.25.1001"
    assert whole["stay"]["admission"] == "2024-03-06T11:17:00+01:00"
    assert whole["authors"] == discharge()["authors"]
    assert letter_of(whole).custodian.name == "Organisation-Y"


def test_an_ins_given_as_text_takes_the_domain_of_the_stay() -> None:
    patient = complete({"patient": {"ins": "279035121518989"}}, FACTS)["patient"]
    assert patient["ins"] == {"value": "279035121518989", "oid": "1.2.250.1.213.1.4.10"}


def test_an_admission_letter_takes_no_discharge() -> None:
    assert "discharge" not in complete({"kind": "admission"}, FACTS)["stay"]


def test_unknown_facts_fill_nothing() -> None:
    assert complete({"kind": "discharge"}, Facts()) == {"kind": "discharge", "patient": {}, "stay": {}}


def test_what_is_no_group_is_left_to_the_model() -> None:
    with pytest.raises(LetterError) as error:
        letter_of(complete({**CLINICAL, "patient": "x", "stay": ["y"]}, FACTS))
    assert [(f.path, f.text) for f in error.value.faults] == [
        ("patient", "un groupe de champs est attendu"),
        ("stay", "un groupe de champs est attendu"),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("patient.ins.value", "279035121518988"),
        ("patient.ins.oid", "1.2.250.1.213.1.4.8"),
        ("patient.birth_family", "PAT-QUATRE"),
        ("patient.birth_given_names", ["MARIE"]),
        ("patient.sex", "M"),
        ("patient.birth_date", "1979-03-29"),
        ("patient.birth_place", "63221"),
        ("stay.admission", "2024-03-05T11:17:00+01:00"),
        ("stay.admission", "2024-03-07"),
        ("stay.discharge", "2024-03-11T10:00:00+01:00"),
    ],
)
def test_a_contradiction_is_a_fault(path: str, value: Any) -> None:
    assert refused(changed(discharge(), path, value)) == [path]


def test_another_number_of_the_same_domain_is_a_contradiction() -> None:
    assert refused({"patient": {"ipp": "1.2.250.1.71.4.2.2.120456789.1^000004"}}) == ["patient.ipp"]
    visit = {"root": "1.2.250.1.71.4.2.2.120456789.2", "extension": "1"}
    assert refused({"stay": {"visit_number": visit}}) == ["stay.visit_number"]
    assert complete({"patient": {"ipp": "1.2.3^9"}}, FACTS)["patient"]["ipp"] == "1.2.3^9"


def test_a_person_is_never_made_of_two() -> None:
    data = {"legal_authenticator": {"rpps": "01234567897"}, "custodian": {"finess": "120459876"}}
    whole = complete(data, FACTS)
    assert whole["legal_authenticator"] == {"rpps": "01234567897"}
    assert whole["custodian"] == {"finess": "120459876"}


def test_a_number_alone_is_compared_then_gets_its_domain() -> None:
    assert refused({"patient": {"ipp": {"extension": "000004"}}}) == ["patient.ipp"]
    patient = complete({"patient": {"ipp": {"extension": "000003"}}}, FACTS)["patient"]
    assert patient["ipp"] == {"root": "1.2.250.1.71.4.2.2.120456789.1", "extension": "000003"}


def test_an_ins_of_another_patient_given_as_text() -> None:
    assert refused({"patient": {"ins": "279035121518988"}}) == ["patient.ins.value"]


def test_every_contradiction_is_told() -> None:
    data = {"patient": {"sex": "M", "birth_family": "X"}, "stay": {"admission": "2024-01-01"}}
    assert refused(data) == ["patient.birth_family", "patient.sex", "stay.admission"]


@pytest.mark.parametrize(
    ("told", "known"),
    [("Pat Trois", "PAT-TROIS"), ("ÉLÉONORE", "ELEONORE"), ("L'HŒUR", "L HOEUR")],
)
def test_writing_a_name_otherwise_is_no_contradiction(told: str, known: str) -> None:
    facts = Facts(traits=Traits(birth_name=known))
    assert complete({"patient": {"birth_family": told}}, facts)["patient"]["birth_family"] == told


def test_the_same_instant_on_another_clock_is_the_same_day() -> None:
    midnight = Facts(admission=datetime(2024, 3, 5, 23, 30, tzinfo=UTC))
    told = {"stay": {"admission": "2024-03-06T00:30:00+01:00"}}
    assert complete(told, midnight)["stay"] == told["stay"]
