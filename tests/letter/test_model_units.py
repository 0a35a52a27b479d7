"""Units: UCUM by its grammar, the words of a French record, and what is offered instead of the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.letter.model import Treatment
from connector.letter.model.units import SAID, TIMES, is_ucum, near, said, ucum_of
from tests.letter.letters import changed, discharge, faults


def unit_of(written: str) -> str | None:
    treatment = Treatment.model_validate({"text": "x", "dose": {"value": "1", "unit": written}})
    assert treatment.dose is not None
    return treatment.dose.unit


@pytest.mark.parametrize(
    "unit",
    ["mg", "ug/kg/min", "g/(24.h)", "10*9/L", "mm[Hg]", "[IU]/d", "/min", "mL/min/m2", "{tbl}", "{Tablet}", "MBq", "%"],
)
def test_ucum_is_taken_as_it_is(unit: str) -> None:
    assert unit_of(unit) == unit


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("mcg", "ug"),
        ("µg", "ug"),
        ("μg", "ug"),
        ("μg/kg/min", "ug/kg/min"),
        ("comprimes", "{tbl}"),
        ("ampoule", "{ampoule}"),
        ("bouffée", "{puff}"),
        ("bouffe\u0301es", "{puff}"),
        ("unités", "{count}"),
        ("cuillère à café", "[tsp_m]"),
        ("UI", "[iU]"),
        ("UI/j", "[IU]/d"),
        ("mg par jour", "mg/d"),
        ("mg/J", "mg/d"),
        ("ml", "mL"),
        ("MG/J", "mg/d"),
    ],
)
def test_a_french_word_becomes_its_code(written: str, unit: str) -> None:
    assert unit_of(written) == unit


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("foo", "par exemple mg"),
        ("comprimé(s)", "comprimé ;"),
        ("cachet", "sachet"),
        ("Megagramme", "mg"),
        ("u", "ug"),
        ("{cachet}", "{sachet}"),
        ("mg//d", "par exemple mg"),
        ("mg)", "mg"),
        ("30009000", "par exemple mg"),
    ],
)
def test_what_is_no_unit_is_refused_with_what_is_near(written: str, offered: str) -> None:
    (found,) = faults(changed(discharge(), "treatments_at_discharge.0.dose.unit", written))
    assert (found.path, found.text) == ("treatments_at_discharge[0].dose.unit", "l'unité n'est pas un code UCUM")
    assert offered in found.expected


@pytest.mark.parametrize(
    ("unit", "one", "several"),
    [
        ("{tbl}", "comprimé", "comprimés"),
        ("{ampoule}", "ampoule", "ampoules"),
        ("[tsp_m]", "cuillère à café", "cuillères à café"),
        ("10*6.[IU]", "million d'UI", "millions d'UI"),
        ("mo", "mois", "mois"),
        ("mg/d", "mg/jour", "mg/jour"),
        ("{tbl}/d", "comprimé/jour", "comprimés/jour"),
        ("[IU]/kg/d", "UI/kg/jour", "UI/kg/jour"),
        ("ug/kg/min", "µg/kg/min", "µg/kg/min"),
        ("{pill}", "{pill}", "{pill}"),
    ],
)
def test_a_reader_is_shown_french(unit: str, one: str, several: str) -> None:
    assert (said(unit), said(unit, several=True)) == (one, several)


@given(st.text(max_size=80) | st.text("mgdL/.(){}[]*^0129ukµ ", max_size=80))
def test_any_text_is_a_unit_or_is_not(text: str) -> None:
    assert is_ucum(ucum_of(text)) in (True, False)
    assert near(text).endswith("par exemple mg, mL, comprimé, goutte, UI, mg/j")


def test_a_duration_is_in_time() -> None:
    for written, unit in (("an", "a"), ("ans", "a"), ("semaines", "wk"), ("H", "h")):
        treatment = Treatment.model_validate({"text": "x", "duration": {"value": 2, "unit": written}})
        assert treatment.duration is not None
        assert treatment.duration.unit == unit


def test_every_word_leads_to_a_code_and_every_code_stays() -> None:
    for code, word in SAID.items():
        assert is_ucum(code)
        assert ucum_of(word) == {"[IU]": "[iU]"}.get(code, code)
        assert ucum_of(code) == code
    assert all(is_ucum(unit) for unit in TIMES)


def test_the_codes_offered_are_in_the_list_of_the_agency(cda_kit: Path) -> None:
    (found,) = cda_kit.rglob("2.16.840.1.113883.6.8.xml")
    theirs = {item.text for item in etree.parse(str(found)).iter("code")}
    # As the suite reads them: without what is in braces.
    ours = {re.sub(r"\{.[a-z]*.\}", "", code) for code in (*SAID, *TIMES, "[IU]/d", "mg/d", "ug/kg/min")}
    assert ours - theirs <= {"", "mo_j", "mo_s", "mo_g", "a_j", "a_t", "a_g"}
