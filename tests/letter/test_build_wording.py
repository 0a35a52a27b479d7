"""What a reader sees of times and amounts: one clock for the whole letter, French plurals."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.hl7time import PARIS, clock_of
from connector.letter.build import build, wording
from connector.letter.model import Quantity, Timing
from connector.letter.plain import letter_of
from connector.letter.read import read
from tests.letter.facts import narrative
from tests.letter.letters import Data, admission, discharge

REUNION = timezone(timedelta(hours=4))


def _read(data: Data) -> str:
    return " ".join(narrative(build(letter_of(data))).split())


def _dated(start: str, end: str, effective_time: str) -> Data:
    treatment = {"name": "AMIKACINE", "start": start, "end": end}
    return discharge() | {"treatments_at_discharge": [treatment], "effective_time": effective_time}


def test_a_treatment_given_in_two_zones_never_ends_before_it_starts() -> None:
    text = _read(_dated("2024-03-10T10:00:00+01:00", "2024-03-10T09:30:00Z", "2024-03-10T10:30:00+01:00"))
    assert "10/03/2024 à 10:00" in text
    assert "10/03/2024 à 10:30" in text
    assert "09:30" not in text


def test_an_evening_in_utc_is_the_day_after_in_paris() -> None:
    synthesis = {"text": "Évolution favorable", "date": "2024-03-09T23:30:00Z"}
    assert "10/03/2024 à 00:30 : Évolution favorable" in _read(discharge() | {"medical_synthesis": synthesis})


@pytest.mark.parametrize(
    ("effective_time", "shown"),
    [
        ("2024-03-10T10:30:00+01:00", "11:00"),
        ("2024-03-10T10:30:00+04:00", "14:00"),
        ("2024-03-10T10:30:00-10:00", "00:00"),
        ("2024-03-10T10:30:00Z", "11:00"),
    ],
)
def test_the_clock_is_that_of_the_document(effective_time: str, shown: str) -> None:
    letter = discharge()
    letter["stay"] = letter["stay"] | {"admission": "2024-03-06", "discharge": "2024-03-10"}
    letter["effective_time"] = effective_time
    letter["medical_synthesis"] = {"text": "Vu", "date": "2024-03-08T10:00:00Z"}
    assert f"08/03/2024 à {shown} : Vu" in _read(letter)


def test_a_document_dated_in_utc_has_the_clock_of_its_stay() -> None:
    letter = discharge()
    letter["stay"] = letter["stay"] | {
        "admission": "2024-03-06T11:17:00+04:00",
        "discharge": "2024-03-10T10:00:00+04:00",
    }
    assert wording.clock(letter_of(letter | {"effective_time": "2024-03-10T06:30:00Z"})) == REUNION
    assert wording.clock(letter_of(admission() | {"effective_time": "2024-03-10T08:30:00Z"})) == PARIS


def test_summer_and_winter_have_each_their_hour() -> None:
    assert wording.day("2024-07-14T10:00:00Z", PARIS) == "14/07/2024 à 12:00"
    assert wording.day("2024-01-14T10:00:00Z", PARIS) == "14/01/2024 à 11:00"
    assert wording.day("2024-07-14T10:00:00+01:00", PARIS) == "14/07/2024 à 11:00"


def test_the_hour_that_autumn_repeats_says_which_one_it_is() -> None:
    first, second = "2024-10-27T02:30:00+02:00", "2024-10-27T02:15:00+01:00"
    assert wording.day(first, PARIS) == "27/10/2024 à 02:30 (heure d'été)"
    assert wording.day(second, PARIS) == "27/10/2024 à 02:15 (heure d'hiver)"
    letter = letter_of(_dated(first, second, "2024-10-28T10:00:00+01:00"))
    assert read(build(letter)).kept_aside == ()


def test_days_and_parts_of_dates_are_of_no_clock() -> None:
    assert [wording.day(value, REUNION) for value in ("2024-03-10", "2024-03", "2024", None)] == [
        "10/03/2024",
        "03/2024",
        "2024",
        "",
    ]


def test_the_ends_of_the_calendar_are_told_as_they_are() -> None:
    assert wording.day("0001-01-01T00:30:00+04:00", PARIS) == "01/01/0001 à 00:30"
    assert wording.day("9999-12-31T23:30:00-10:00", REUNION) == "31/12/9999 à 23:30"


MOMENTS = st.datetimes(timezones=st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))))


@given(MOMENTS, MOMENTS)
def test_two_times_are_never_told_in_the_wrong_order(one: object, other: object) -> None:
    moments = sorted((one, other))  # type: ignore[type-var]
    zone = clock_of(moments)  # type: ignore[arg-type]
    first, second = (wording.day(moment.isoformat(), zone) for moment in moments)  # type: ignore[attr-defined]
    if "heure d'" not in first + second:
        assert _sorted_key(first) <= _sorted_key(second) or moments[0].year in (1, 9999)  # type: ignore[attr-defined]


def _sorted_key(told: str) -> str:
    day, month, rest = told.split("/")
    return f"{rest[:4]}{month}{day}{rest[4:]}"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("0.5", "{tbl}", "0,5 comprimé"),
        ("1", "{tbl}", "1 comprimé"),
        ("1.5", "{tbl}", "1,5 comprimé"),
        ("1.99", "[drp]", "1,99 goutte"),
        ("2", "{tbl}", "2 comprimés"),
        ("2.0", "d", "2,0 jours"),
        ("1.0", "d", "1,0 jour"),
        ("3", "mo", "3 mois"),
        ("10", "[iU]", "10 UI"),
        ("abc", "{tbl}", "abc comprimé"),
    ],
)
def test_two_is_the_first_plural(value: str, unit: str, said: str) -> None:
    assert wording.amount(value, unit) == said


def test_a_rhythm_of_half_a_day_is_singular() -> None:
    every = Quantity.model_construct(value="0.5", unit="d")
    assert wording.timing(Timing.model_construct(every=every, event=None, text=None)) == "tous les 0,5 jour"
