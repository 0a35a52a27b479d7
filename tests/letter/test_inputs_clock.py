"""Dates that are ahead of the clock; the practice setting of an act before that of the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.letter.errors import LetterError
from connector.letter.inputs import Facts, complete
from connector.letter.plain import letter_of
from tests.letter.letters import MADE, Data, admission, changed, discharge

NOW = replace(MADE, time=datetime(2024, 3, 10, 9, 30, tzinfo=UTC))


def told(data: Data, facts: Facts = NOW) -> list[str]:
    try:
        complete(data, facts)
    except LetterError as refused:
        return [fault.path for fault in refused.faults if fault.text == "la date est dans l'avenir"]
    return []


@pytest.mark.parametrize(
    ("path", "value", "right"),
    [
        ("effective_time", "2099-03-01T10:00:00+01:00", False),
        ("effective_time", "2024-03-11T09:30:00Z", True),
        ("effective_time", "2024-03-11T09:31:00Z", False),
        ("authors.0.time", "2099-03-01T10:00:00+01:00", False),
        ("legal_authenticator.time", "2099-03-01T10:00:00+01:00", False),
        ("patient.birth_date", "2099-01-01", False),
        ("patient.birth_date", date(2099, 1, 1), False),
        ("patient.death", "2099-03-01", False),
        ("patient.death", "2024-03-10", True),
        ("stay.admission", "2024-03-12", False),
        ("stay.discharge", "2024-03-30T10:00:00+01:00", True),
        # A stay of rehabilitation, whose letter is written at its beginning.
        ("stay.discharge", "2024-09-30T10:00:00+02:00", True),
        ("stay.discharge", "2025-03-12T10:00:00+01:00", False),
        # What is no date is left to the model.
        ("effective_time", "bientôt", True),
        ("effective_time", 2099, True),
        ("authors", {"time": "2099-03-01"}, True),
    ],
)
def test_nothing_of_a_discharge_letter_is_much_later_than_now(path: str, value: Any, right: bool) -> None:
    found = told(changed(discharge(), path, value))
    assert found == ([] if right else [path.replace(".0.", "[0].")])
    assert told(changed(discharge(), path, value), MADE) == []


def test_what_is_wrong_beside_is_told_at_once() -> None:
    data = changed(changed(discharge(), "patient.birth_date", "2099-01-01"), "reason", "")
    with pytest.raises(LetterError) as refused:
        complete(data, NOW)
    assert [fault.path for fault in refused.value.faults] == ["patient.birth_date", "reason"]


def test_a_stay_may_be_planned() -> None:
    data = changed(admission(), "stay.admission", "2024-09-01")
    assert told(changed(data, "stay.discharge", "2024-09-05") if "discharge" in data["stay"] else data) == []
    assert told(changed(data, "stay.admission", "2026-03-01")) == []
    assert told(changed(data, "stay.admission", "2026-03-14")) == ["stay.admission"]


def test_the_setting_an_act_says_goes_before_a_default() -> None:
    structure = {"name": "Consultation", "practice_setting": "AMBULATOIRE"}
    act = {"start": "2024-03-07", "performer": {"rpps": "01234567897", "family": "HODA", "organization": structure}}
    data = changed(changed(discharge(), "act", act), "stay.practice_setting", ...)
    facts = replace(MADE, defaults={"stay": {"practice_setting": "ETABLISSEMENT"}})
    assert letter_of(complete(data, facts)).stay.practice_setting.code == "AMBULATOIRE"
