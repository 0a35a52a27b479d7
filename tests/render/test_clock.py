"""A page has one clock, its document's: what the header says and what the narrative says are told in one order."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from connector.letter.build import build
from connector.letter.plain import letter_of
from connector.render.html import html_text, to_html
from connector.render.html.dates import french, french_birth
from tests.letter.letters import Data, discharge

REUNION = timezone(timedelta(hours=4))


def _page(effective_time: str, admission: str, discharge_time: str) -> str:
    data: Data = discharge() | {"effective_time": effective_time}
    data["stay"] = data["stay"] | {"admission": admission, "discharge": discharge_time}
    data["medical_synthesis"] = {"text": "Vu", "date": "2024-03-09T20:30:00Z"}
    return " ".join(html_text(to_html(build(letter_of(data))).content).split())


def test_a_letter_of_paris() -> None:
    page = _page("2024-03-10T10:30:00+01:00", "2024-03-06T11:17:00+01:00", "2024-03-10T08:00:00Z")
    for said in ("10 mars 2024 à 09:00", "09/03/2024 à 21:30 : Vu", "Dates et heures de Paris."):
        assert said in page


@pytest.mark.parametrize("effective_time", ["2024-03-10T10:30:00+04:00", "2024-03-10T06:30:00Z"])
def test_a_letter_of_la_reunion(effective_time: str) -> None:
    page = _page(effective_time, "2024-03-06T07:17:00Z", "2024-03-10T10:00:00+04:00")
    for said in (
        "10 mars 2024 à 10:30",
        "6 mars 2024 à 11:17",
        "10 mars 2024 à 10:00",
        "10/03/2024 à 00:30 : Vu",
        "Dates et heures de l'établissement (UTC+04:00).",
    ):
        assert said in page


def test_a_time_without_zone_is_one_of_the_document() -> None:
    assert french("20240310103000", REUNION) == ("10 mars 2024 à 10:30", "2024-03-10T10:30+04:00")


def test_the_hour_that_autumn_repeats_says_which_one_it_is() -> None:
    told = [french(value) for value in ("202410270230+0200", "202410270215+0100")]
    assert [said[0] for said in told if said] == [
        "27 octobre 2024 à 02:30 (heure d'été)",
        "27 octobre 2024 à 02:15 (heure d'hiver)",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("19790328", "28 mars 1979"),
        ("19790328000000+0200", "28 mars 1979"),
        ("19350112000000+0100", "12 janvier 1935"),
        ("202403102330-1000", "10 mars 2024 à 23:30"),
        ("197903", "mars 1979"),
    ],
)
def test_a_day_of_birth_is_never_moved_to_another_clock(value: str, said: str) -> None:
    found = french_birth(value)
    assert found is not None
    assert found[0] == said
