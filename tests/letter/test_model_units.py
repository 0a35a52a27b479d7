"""Units: UCUM by its grammar, the words of a French record, and what is offered instead of the rest."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.codes.units import TIMES
from connector.letter.model import Treatment
from connector.letter.model.unit_words import NOUNS, SAID, SYMBOLS, WORDS
from connector.letter.model.units import is_ucum, said, two_ways, ucum_of
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


READ = [
    # Written, its code, what a reader is shown of one, and of several.
    ("mUI/min", "m[IU]/min", "mUI/min", "mUI/min"),
    ("mUI", "m[IU]", "mUI", "mUI"),
    ("µUI/mL", "u[IU]/mL", "µUI/mL", "µUI/mL"),
    ("kUI", "k[IU]", "kUI", "kUI"),
    ("MUI", "10*6.[IU]", "million d'UI", "millions d'UI"),
    ("M UI", "10*6.[IU]", "million d'UI", "millions d'UI"),
    ("mg/MUI", "mg/(10*6.[IU])", "mg/million d'UI", "mg/million d'UI"),
    ("millions d'unités", "10*6{count}", "million d'unités", "millions d'unités"),
    ("milliard d'UFC", "10*9.[CFU]", "milliard d'UFC", "milliards d'UFC"),
    ("UI", "[iU]", "UI", "UI"),
    ("IU", "[iU]", "UI", "UI"),
    ("u.i.", "[iU]", "UI", "UI"),
    ("unités internationales", "[iU]", "UI", "UI"),
    ("UI/j", "[IU]/d", "UI/jour", "UI/jour"),
    ("UI/24h", "[IU]/(24.h)", "UI/24 h", "UI/24 h"),
    ("UI anti-Xa", "[anti'Xa'U]", "UI anti-Xa", "UI anti-Xa"),
    ("unités", "{count}", "unité", "unités"),
    ("mcg", "ug", "µg", "µg"),
    ("µg", "ug", "µg", "µg"),
    ("\u03bcg/kg/min", "ug/kg/min", "µg/kg/min", "µg/kg/min"),
    ("Milligrammes", "mg", "mg", "mg"),
    ("ml", "mL", "mL", "mL"),
    ("Kg", "kg", "kg", "kg"),
    ("mg par jour", "mg/d", "mg/jour", "mg/jour"),
    ("mg/J", "mg/d", "mg/jour", "mg/jour"),
    ("L/mn", "L/min", "L/min", "L/min"),
    ("mg/24h", "mg/(24.h)", "mg/24 h", "mg/24 h"),
    ("mL/24 h", "mL/(24.h)", "mL/24 h", "mL/24 h"),
    ("µg/72h", "ug/(72.h)", "µg/72 h", "µg/72 h"),
    ("mg/2 jours", "mg/(2.d)", "mg/2 jours", "mg/2 jours"),
    ("mg/1 j", "mg/d", "mg/jour", "mg/jour"),
    ("mg/5 ml", "mg/(5.mL)", "mg/5 mL", "mg/5 mL"),
    ("ug/(kg.min)", "ug/(kg.min)", "µg/kg/min", "µg/kg/min"),
    ("ug.kg-1.min-1", "ug.kg-1.min-1", "µg·kg⁻¹·min⁻¹", "µg·kg⁻¹·min⁻¹"),
    ("mg/m²", "mg/m2", "mg/m²", "mg/m²"),
    ("/mm³", "/mm3", "/mm³", "/mm³"),
    ("×10⁹/L", "10*9/L", "×10⁹/L", "×10⁹/L"),
    ("10⁶ UI/kg", "10*6.[IU]/kg", "million d'UI/kg", "millions d'UI/kg"),
    ("mL/min/1,73m²", "mL/min/{1.73_m2}", "mL/min/1,73 m²", "mL/min/1,73 m²"),
    ("mL/min/{1.73_m2}", "mL/min/{1.73_m2}", "mL/min/1,73 m²", "mL/min/1,73 m²"),
    ("mEq", "meq", "mEq", "mEq"),
    ("mEq/j", "meq/d", "mEq/jour", "mEq/jour"),
    ("mOsm/L", "mosm/L", "mOsm/L", "mOsm/L"),
    ("UFC", "[CFU]", "UFC", "UFC"),
    ("cmH2O", "cm[H2O]", "cmH2O", "cmH2O"),
    ("mmHg", "mm[Hg]", "mmHg", "mmHg"),
    ("°C", "Cel", "°C", "°C"),
    ("%{vol}", "%{vol}", "% vol", "% vol"),
    ("1", "1", "", ""),
    ("1/d", "1/d", "/jour", "/jour"),
    ("comprimé(s)", "{tbl}", "comprimé", "comprimés"),
    ("COMPRIMES", "{tbl}", "comprimé", "comprimés"),
    ("cp.", "{tbl}", "comprimé", "comprimés"),
    ("{Tablet}", "{Tablet}", "comprimé", "comprimés"),
    ("{tablets}", "{tablets}", "comprimé", "comprimés"),
    ("gél.", "{gelule}", "gélule", "gélules"),
    ("gel", "{gel}", "gel", "gels"),
    ("{gélule}", "{gelule}", "gélule", "gélules"),
    ("{Capsule}", "{Capsule}", "capsule", "capsules"),
    ("amp.", "{ampoule}", "ampoule", "ampoules"),
    ("bouffe\u0301es", "{puff}", "bouffée", "bouffées"),
    ("c.à.s", "[tbs_m]", "cuillère à soupe", "cuillères à soupe"),
    ("c.à.c.", "[tsp_m]", "cuillère à café", "cuillères à café"),
    ("cuillères-mesure", "{cuilleremesure}", "cuillère-mesure", "cuillères-mesure"),
    ("dose-kg", "{dosekg}", "dose-kg", "doses-kg"),
    ("dose kg", "{dosekg}", "dose-kg", "doses-kg"),
    ("dose/kg", "{dose}/kg", "dose/kg", "doses/kg"),
    ("lyophilisat", "{lyophilisat}", "lyophilisat", "lyophilisats"),
    ("dispositif", "{dispositif}", "dispositif", "dispositifs"),
    ("Poches", "{poche}", "poche", "poches"),
    ("fois", "{fois}", "fois", "fois"),
    ("cycle", "{cycle}", "cycle", "cycles"),
    ("cures", "{cure}", "cure", "cures"),
    ("nuits", "{nuit}", "nuit", "nuits"),
    ("prise", "{prise}", "prise", "prises"),
    ("unidose", "{unidose}", "unidose", "unidoses"),
    ("spray", "{spray}", "spray", "sprays"),
    ("pression", "{pression}", "pression", "pressions"),
    ("film", "{film}", "film", "films"),
    ("implant", "{implant}", "implant", "implants"),
    ("boîte", "{boite}", "boîte", "boîtes"),
    ("anneau", "{anneau}", "anneau", "anneaux"),
    ("patch/72h", "{patch}/(72.h)", "patch/72 h", "patchs/72 h"),
    ("{vial}", "{vial}", "vial", "vial"),
    ("{drop}", "{drop}", "goutte", "gouttes"),
    ("{times}/d", "{times}/d", "fois/jour", "fois/jour"),
    ("trochisque", "{trochisque}", "trochisque", "trochisque"),
    ("comprimé sécable", "{comprime_secable}", "comprimé sécable", "comprimé sécable"),
]


@pytest.mark.parametrize(("written", "unit", "one", "several"), READ, ids=[case[0] for case in READ])
def test_a_unit_becomes_its_code_and_a_reader_is_shown_french(written: str, unit: str, one: str, several: str) -> None:
    assert unit_of(written) == unit
    assert (said(unit), said(unit, several=True)) == (one, several)


@pytest.mark.parametrize("shown", [shown for case in READ for shown in case[2:] if shown])
def test_what_a_reader_is_shown_says_the_same_unit_again(shown: str) -> None:
    if "·" not in shown and shown != "% vol":
        assert shown in (said(ucum_of(shown)), said(ucum_of(shown), several=True))


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("S", "s (seconde) ou sem (semaine)"),
        ("M", "min (minute), mois ou m (mètre), en toutes lettres"),
        ("mg/M", "min (minute), mois ou m (mètre), en toutes lettres"),
        ("mL/m", "min (minute), mois ou m (mètre), en toutes lettres"),
        ("G/L", "g (gramme), ou 10*9 (milliard)"),
        ("T/L", "10*12 (mille milliards), ou un mot entier"),
        ("mui", "mUI (millième d'UI), ou MUI (million d'UI)"),
        ("mui/min", "mUI (millième d'UI), ou MUI (million d'UI)"),
        ("Mui", "mUI (millième d'UI), ou MUI (million d'UI)"),
        ("U", "UI (unité internationale), ou unité (ce qui se compte)"),
        ("u/h", "UI (unité internationale), ou unité (ce qui se compte)"),
        ("mU/min", "UI (unité internationale), ou unité (ce qui se compte)"),
        ("MU", "UI (unité internationale), ou unité (ce qui se compte)"),
    ],
)
def test_what_may_be_read_in_two_ways_is_refused_with_both(written: str, advice: str) -> None:
    (found,) = faults(changed(discharge(), "treatments_at_discharge.0.dose.unit", written))
    assert (found.text, found.expected) == ("l'unité peut se lire de deux façons", advice)


@pytest.mark.parametrize("written", ["demi-comprimé", "deux cuillères", "{demi_comprime}", "mg/quart", "dizaines"])
def test_a_number_is_not_hidden_in_a_unit(written: str) -> None:
    (found,) = faults(changed(discharge(), "treatments_at_discharge.0.dose.unit", written))
    assert found.text == "l'unité contient un nombre"


NEITHER = "MG ML KG Mg mgr gr cc AUC foo 30009000 mg//d mg) 100.mg mg/100.mL mL/kg.h mg/24 1/2 24.h {24.h} {mg} {UI} {}"
MISSPELT = "UIK {M} miligrammes nanogrames gamma/kg/min millions internationales {mois} {x_mg} mg{x2} {a b}"


@pytest.mark.parametrize("written", [*NEITHER.split(" "), *MISSPELT.split(" "), "mg toutes les 8 h", "L/min d'O2"])
def test_what_is_no_unit_is_refused_and_no_other_is_offered(written: str) -> None:
    (found,) = faults(changed(discharge(), "treatments_at_discharge.0.dose.unit", written))
    assert (found.path, found.text) == ("treatments_at_discharge[0].dose.unit", "l'unité n'est pas un code UCUM")
    assert found.expected.endswith("à défaut, la posologie en clair dans dosing")


@given(st.text(max_size=80) | st.text("mgdL/.(){}[]*^0129ukµ ", max_size=80))
def test_any_text_is_a_unit_or_is_not(text: str) -> None:
    assert is_ucum(ucum_of(text)) in (True, False)
    assert isinstance(said(ucum_of(text)), str)


def test_a_duration_is_in_time() -> None:
    for written, unit in (("an", "a"), ("ans", "a"), ("semaines", "wk"), ("H", "h")):
        treatment = Treatment.model_validate({"text": "x", "duration": {"value": 2, "unit": written}})
        assert treatment.duration is not None
        assert treatment.duration.unit == unit


@pytest.mark.parametrize("written", ["m", "cycle", "cures", "nuits", "prise", "ms"])
def test_what_is_no_time_is_no_duration(written: str) -> None:
    (found,) = faults(
        {**discharge(), "treatments_at_discharge": [{"text": "x", "duration": {"value": "2", "unit": written}}]}
    )
    assert found.text == "ce n'est pas une unité de temps"
    assert found.expected.endswith("sinon en clair, dans timing.text ou dosing")


def test_every_word_leads_to_a_code_and_every_code_stays() -> None:
    assert all(is_ucum(code) and ucum_of(code) == code for code in (*SAID, *NOUNS, *TIMES))
    assert all(is_ucum(code) for code in (*WORDS.values(), *SYMBOLS.values()))
    assert {ucum_of(word) for word in WORDS} <= set(WORDS.values())


def test_the_codes_offered_are_in_the_list_of_the_agency(cda_kit: Path) -> None:
    (found,) = cda_kit.rglob("2.16.840.1.113883.6.8.xml")
    theirs = {item.text for item in etree.parse(str(found)).iter("code")}
    # As the suite reads them: without what is in braces.
    codes = (*SAID, *NOUNS, *TIMES, "[IU]/d", "mg/d", "ug/kg/min", "mg/(24.h)", "mg/m2")
    ours = {re.sub(r"\{.[a-z]*.\}", "", code) for code in codes}
    ours -= {"", "m[Hg]"}
    assert ours - theirs <= {"mo_j", "mo_s", "mo_g", "a_j", "a_t", "a_g", "{1.73_m2}", "10*9.[CFU]", "10*6.[CFU]"}


SMALL = "mg g kg ml l ul ui mui kui mol mmol meq mosm g/l mg/ml h j s min m a d u ufc pa bar gy mbq ci mmhg kcal mo pg"


@pytest.mark.parametrize("small", SMALL.split())
def test_the_case_of_a_symbol_never_makes_another_unit_of_it(small: str) -> None:
    written = {"".join(signs) for signs in product(*({sign, sign.upper()} for sign in small))}
    codes = {ucum_of(text) for text in written if two_ways(text) is None and is_ucum(ucum_of(text))}
    several = {"mui": {"m[IU]", "10*6.[IU]"}, "mbq": {"mBq", "MBq"}, "u": set()}
    assert codes == several[small] if small in several else len(codes) == 1
