"""Rules on identities, codes, times and letters: a good letter has no finding, each mutation the one of its rule."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.finding import Finding
from connector.cda.checks import birthplace, check_document
from connector.cda.checks.numbers import atc, cis, loinc, pack, snomed
from connector.cda.checks.rules import CHECKS
from connector.ins.matricule import key_of
from connector.ins.model import OID_NIR, OID_NIR_TEST, Environment
from tests.cda import test_checks, test_checks_facts
from tests.cda.discharge import DISCHARGE, EVENTS, SECTIONS, STATUS, with_sections
from tests.cda.test_checks import Change, changed, level_1, rules

INS = "279035121518989"
INS_ID = f'<id extension="{INS}" root="{OID_NIR_TEST}"/>'
LAST_ID = '<id extension="000003" root="1.2.250.1.999.1"/>'
MODEL = 'root="1.2.250.1.213.1.1.1.29" extension="2022.01"'
USED = '<family qualifier="CL">PAT-TROIS-USUEL</family>'
AUTHOR = '<id root="1.2.250.1.71.4.2.1" extension="801234564895"/>'
AUTHOR_OF = '<id root="1.2.250.1.71.4.2.2" extension="1120456789"/><name>Organisation-Y</name>\n      </rep'
CUSTODIAN = '<id root="1.2.250.1.71.4.2.2" extension="1120456789"/><name>Organisation-Y</name>\n  </rep'
NAMED = "<assignedPerson><name><family>Hoda</family><given>Adam</given></name></assignedPerson>"
TYPE = 'codeSystem="2.16.840.1.113883.6.1" displayName="Lettre de liaison à la sortie"'
ACT = '<code code="IMP" codeSystem="2.16.840.1.113883.5.4"'
STAY = '<low value="20261110090000+0100"/><high value="20261120150000+0100"/>'
RECIPIENT = DISCHARGE[DISCHARGE.index("<informationRecipient>") : DISCHARGE.index("<legalAuthenticator>")]
SWAPPED = with_sections(SECTIONS[1], SECTIONS[0], *SECTIONS[2:])
PCP = 'code="PCP" codeSystem="2.16.840.1.113883.5.88" displayName="Médecin traitant"'
OTHER_DOCTOR = 'code="ATTPHYS" codeSystem="2.16.840.1.113883.5.88" displayName="Responsable"'
LOINC = 'code="48765-2" codeSystem="2.16.840.1.113883.6.1"/>'
TRANSLATED = '><translation code="48765-3" codeSystem="2.16.840.1.113883.6.1"/></code>'
SUMMARY = '<title>Synthèse</title><text>Texte : <content ID="s3">Synthèse</content></text>'


ASIDE = ("CDA-67", "CDA-68", "CDA-29", "CDA-76", "CDA-77", "CDA-79")
"""Rules whose mutations are not in the tables: told with another one, or of another document."""


def other_ins(start: str) -> Change:
    """The same matricule with another beginning, and its own key."""
    body = start + INS[len(start) : 13]
    return INS, body + key_of(body)


MUTATIONS: list[tuple[str, str, list[Change]]] = [
    ("CDA-41", "no zone in the body", [('<low value="20261120"/>', '<low value="20261120083000"/>')]),
    ("CDA-41", "a signature without zone", [("20261120164500+0100", "20261120164500")]),
    ("CDA-42", "a stay that ends before it began", [("20261120150000+0100", "20261109150000+0100")]),
    ("CDA-42", "by one hour, the zones told", [(STAY, STAY.replace("20261120150000+0100", "20261110085900+0200"))]),
    ("CDA-42", "a treatment", [('<high value="20261220"/>', '<high value="20261119"/>')]),
    ("CDA-42", "a dose", [('<high value="2" unit', '<high value="0.5" unit')]),
    ("CDA-43", "a reference without #", [('value="#s4"', 'value="s4"')]),
    ("CDA-44", "ATC", [("N05AL05", "N05AL0X")]),
    ("CDA-44", "CIS", [("60019927", "6001992")]),
    ("CDA-44", "CIP", [("3400934874741", "3400934874742")]),
    ("CDA-44", "UCD", [("3400932857241", "3400932857")]),
    ("CDA-45", "a LOINC with another key", [(LOINC, LOINC.replace("/>", TRANSLATED))]),
    ("CDA-46", "a stay that begins without zone", [(STAY, STAY.replace("20261110090000+0100", "202611100900"))]),
    ("CDA-47", "a medicine that is not in the text", [('value="#s4"', 'value="#s9"')]),
    ("CDA-50", "no INS", [(INS_ID, "")]),
    ("CDA-50", "an INS without value", [(f'extension="{INS}" ', "")]),
    ("CDA-50", "two patients", [(LAST_ID, f'<id extension="277076322082910" root="{OID_NIR_TEST}"/>')]),
    ("CDA-51", "an unknown domain", [(LAST_ID, f'{LAST_ID}<id extension="{INS}" root="1.2.250.1.213.1.4.99"/>')]),
    ("CDA-52", "a real INS on a test platform", [(OID_NIR_TEST, OID_NIR)]),
    ("CDA-53", "13 digits", [(INS, INS[:13])]),
    ("CDA-54", "another key", [(INS, f"{INS[:13]}88")]),
    ("CDA-55", "another sex", [other_ins("1")]),
    ("CDA-55", "a man in the header", [('Code code="F"', 'Code code="M"')]),
    ("CDA-56", "another year", [other_ins("280")]),
    ("CDA-56", "another month", [other_ins("27904")]),
    ("CDA-57", "another department", [other_ins("2790352")]),
    ("CDA-57", "born abroad", [("<county>51215", "<county>99100")]),
    ("CDA-58", "not a code", [("<county>51215", "<county>DOMPREMY")]),
    ("CDA-58", "no such department", [("<county>51215", "<county>96215")]),
    ("CDA-58", "a whole department", [("<county>51215", "<county>51000")]),
    ("CDA-59", "no place", [("<county>51215", "<county>99999")]),
    ("CDA-60", "no used name", [(USED, "")]),
    ("CDA-61", "an RPPS without its 8", [(AUTHOR, AUTHOR.replace("801234564895", "01234564895"))]),
    ("CDA-62", "an organization of another form", [(AUTHOR_OF, AUTHOR_OF.replace("1120456789", "1120456789012"))]),
    ("CDA-63", "a custodian without number", [(CUSTODIAN, CUSTODIAN.replace(' extension="1120456789"', ""))]),
    ("CDA-64", "nobody responsible", [(NAMED, "")]),
    ("CDA-64", "somebody without a family name", [(NAMED, NAMED.replace("<family>Hoda</family>", ""))]),
    ("CDA-65", "a type of another system", [(TYPE, TYPE.replace("6.1", "6.3"))]),
    ("CDA-66", "a place of another system", [('code="SA01" codeSystem="1.2.250.1.71.4.2.4"', 'code="SA01"')]),
    ("CDA-66", "a profession of another system", [('codeSystem="1.2.250.1.213.1.1.4.5"', 'codeSystem="1.2"')]),
    ("CDA-70", "another version", [(MODEL, MODEL.replace("2022.01", "2021.01"))]),
    ("CDA-70", "no version", [(MODEL, MODEL.partition(" ")[0])]),
    ("CDA-71", "a later version", [(MODEL, MODEL.replace("2022.01", "2027.01"))]),
    ("CDA-72", "a visit", [(ACT, ACT.replace("IMP", "AMB"))]),
    ("CDA-73", "nobody to read it", [(RECIPIENT, "")]),
    ("CDA-74", "no family doctor", [(PCP, OTHER_DOCTOR)]),
    ("CDA-80", "a section without text", [(SUMMARY, "<title>Synthèse</title>")]),
    ("CDA-80", "an empty text", [(SUMMARY, "<title>Synthèse</title><text> <br/> </text>")]),
    ("CDA-81", "a section without title", [(SUMMARY, SUMMARY.removeprefix("<title>Synthèse</title>"))]),
    ("CDA-82", "a section without id", [('<id root="2.25.103"/>', "")]),
    ("CDA-88", "the reason without id", [('<id root="2.25.102"/>', "")]),
    ("CDA-83", "another order", [(DISCHARGE, SWAPPED)]),
    ("CDA-84", "a way out is no status", [("398166005", "160849004")]),
    ("CDA-84", "a status of another system", [(STATUS, STATUS.replace("2.16.840.1.113883.6.96", "1.2"))]),
    ("CDA-85", "a way out of no list", [("160849004", "419620001")]),
    ("CDA-85", "no way in", [('<value code="8715000" codeSystem="2.16.840.1.113883.6.96"/>', "")]),
    *[("CDA-86", f"event {number} of 6", [(one, "")]) for number, one in enumerate(EVENTS, 1)],
    ("CDA-86", "an event twice", [(EVENTS[2], EVENTS[2] * 2)]),
    ("CDA-87", "no model for an event", [('<templateId root="1.2.250.1.213.1.1.3.48.7"/>', "")]),
]


def findings(document: str | bytes, environment: Environment = "test") -> tuple[Finding, ...]:
    content = document if isinstance(document, bytes) else document.encode()
    return check_document(content, None, environment=environment)


def test_a_good_letter_has_no_finding() -> None:
    assert findings(DISCHARGE) == ()


@pytest.mark.parametrize(("rule", "what", "changes"), MUTATIONS, ids=[f"{m[0]} {m[1]}" for m in MUTATIONS])
def test_each_mutation_gives_its_finding_and_no_other(rule: str, what: str, changes: list[Change]) -> None:
    found = findings(changed(DISCHARGE, *changes))
    assert rules(found) == [rule]
    assert not [one for one in found if INS[:13] in str(one) or "PAT-TROIS" in str(one) or "801234" in str(one)]


def test_an_act_of_no_list_is_refused_and_is_not_a_stay() -> None:
    found = findings(changed(DISCHARGE, (ACT, ACT.replace("IMP", "JUNK"))))
    assert [(one.rule, one.severity) for one in found] == [("CDA-67", "error"), ("CDA-72", "warning")]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("CDA-61", (AUTHOR, AUTHOR.replace("801234564895", "123"))),
        ("CDA-62", (AUTHOR_OF, AUTHOR_OF.replace("1120456789", "12045678"))),
        ("CDA-62", (CUSTODIAN, CUSTODIAN.replace("1120456789", "ABC"))),
    ],
)
def test_a_number_nobody_has_is_refused_and_told_as_misshapen(rule: str, change: Change) -> None:
    found = findings(changed(DISCHARGE, change))
    assert [(one.rule, one.severity) for one in found] == [(rule, "warning"), ("CDA-68", "error")]


def test_a_structure_known_by_nine_characters_may_pass() -> None:
    assert rules(findings(changed(DISCHARGE, (AUTHOR_OF, AUTHOR_OF.replace("1120456789", "120456789"))))) == ["CDA-62"]


def test_a_patient_whose_place_of_birth_nobody_knew() -> None:
    body = f"{INS[:5]}99999{INS[10:13]}"
    unknown = (INS, body + key_of(body))
    assert rules(findings(changed(DISCHARGE, ("<county>51215", "<county>99999"), unknown))) == []


def test_every_rule_has_a_mutation_and_a_row() -> None:
    tables = (MUTATIONS, test_checks.MUTATIONS, test_checks_facts.MUTATIONS)
    broken = {one[0] for table in tables for one in table} | set(ASIDE)
    assert {check.rule for check in CHECKS} <= broken
    assert broken - {check.rule for check in CHECKS} == {"CDA-02", "CDA-03"}
    assert len({check.rule for check in CHECKS}) == len(CHECKS)


# -- production ----------------------------------------------------------------------------------------------------

REAL: list[Change] = [
    (OID_NIR_TEST, OID_NIR),
    ("801234564895", "801234567897"),
    ("1120456789", "1750803447"),
    ("3120456789/1", "3750803447/1"),
]


def test_a_good_letter_has_no_finding_in_production_either() -> None:
    assert findings(changed(DISCHARGE, *REAL), "production") == ()


@pytest.mark.parametrize(
    ("rule", "severity", "change"),
    [
        ("CDA-52", "error", (OID_NIR, OID_NIR_TEST)),
        ("CDA-54", "error", (INS, f"{INS[:13]}88")),
        (
            "CDA-61",
            "warning",
            ('<id root="1.2.250.1.71.4.2.1" extension="801234567897"/>\n      <code', "801234567898"),
        ),
        ("CDA-62", "warning", (CUSTODIAN.replace("1120456789", "1750803447"), "1750803448")),
    ],
)
def test_what_production_asks_besides(rule: str, severity: str, change: Change) -> None:
    found, planted = change
    if rule in ("CDA-61", "CDA-62"):
        planted = found.replace("801234567897", planted).replace("1750803447", planted)
    told = findings(changed(DISCHARGE, *REAL, (found, planted)), "production")
    assert [(one.rule, one.severity) for one in told] == [(rule, severity)]


# -- who is a letter -----------------------------------------------------------------------------------------------


def test_an_unstructured_letter_is_a_letter_and_another_document_is_none() -> None:
    scanned = changed(level_1(), (RECIPIENT, "")).decode()
    assert "CDA-73" in rules(findings(scanned))
    report = scanned.replace('code="11490-0"', 'code="34112-3"').replace(PCP, OTHER_DOCTOR)
    assert rules(findings(report)) == []


def test_a_place_is_named_as_people_read_it() -> None:
    (found,) = findings(changed(DISCHARGE, ('<id root="2.25.103"/>', "")))
    assert found.field == "/ClinicalDocument/component/structuredBody/component[3]/section/id"
    assert "« synthèse du séjour »" in found.text


def test_many_times_without_zone_are_told_in_a_few_lines() -> None:
    many = "".join('<low value="20261120083000"/>' for _ in range(50))
    found = findings(changed(DISCHARGE, ('<low value="20261120"/>', many)))
    assert rules(found) == ["CDA-41"] * 6


# -- places of birth -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "code", "same"),
    [
        ("51215", "51215", True),
        ("51215", "51999", True),
        ("51215", "52215", False),
        ("75115", "75056", True),
        ("75020", "93048", True),
        ("78146", "91228", True),
        ("20004", "2A004", True),
        ("2B033", "2A004", True),
        ("99352", "99352", True),
        ("99352", "99351", False),
        ("91352", "99352", True),
        ("51215", "99352", False),
        ("99352", "51215", False),
        ("97411", "97411", True),
        ("97411", "51215", False),
    ],
)
def test_the_place_of_a_matricule_and_the_place_of_today(born: str, code: str, same: bool) -> None:
    assert birthplace.agrees(born, code) is same


@pytest.mark.parametrize("code", ["01001", "2A004", "95680", "97411", "98818", "99352", "75056"])
def test_a_code_of_a_commune_or_a_country(code: str) -> None:
    assert birthplace.fault_of(code) == ""


@pytest.mark.parametrize("code", ["", "1234", "123456", "20004", "2C004", "00001", "97901", "98501", "51000", "DOMPR"])
def test_what_is_no_code_of_a_place(code: str) -> None:
    assert birthplace.fault_of(code) != ""


@pytest.mark.parametrize("month", ["20", "31", "50", "99"])
def test_a_month_that_says_unknown_is_not_compared(month: str) -> None:
    assert findings(changed(DISCHARGE, other_ins(f"279{month}"))) == ()


# -- numbers -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 99_999))
def test_one_key_of_ten_is_that_of_a_loinc(number: int) -> None:
    assert sum(loinc(f"{number}-{key}") for key in range(10)) == 1


@given(st.integers(100_000, 10**16))
def test_one_key_of_ten_is_that_of_a_concept(number: int) -> None:
    keyed = [f"{number}{key}" for key in range(10) if snomed(f"{number}{key}")]
    assert len(keyed) == 1
    (good,) = keyed
    for place in range(len(good) - 1):
        if good[place] != good[place + 1]:
            assert not snomed(good[:place] + good[place + 1] + good[place] + good[place + 2 :])


@given(st.text(max_size=15))
def test_no_text_stops_the_reader_of_a_number(text: str) -> None:
    for one in (atc, cis, loinc, pack, snomed):
        assert one(text) in (True, False)


# -- anything at all -----------------------------------------------------------------------------------------------

ENVIRONMENTS: tuple[Environment, ...] = ("test", "production")
_ROOT = etree.fromstring(DISCHARGE.encode())
_NODES = len(list(_ROOT.iter(etree.Element)))


@given(
    st.lists(
        st.tuples(
            st.integers(1, _NODES - 1),
            st.sampled_from(["cut", "value", "code", "root", "extension", "text", "void"]),
            st.sampled_from(["", "x", "20261340", "-1", "é" * 40, "#", "0", "1.2.250.1.213.1.4.8"]),
        ),
        max_size=8,
    )
)
def test_no_damage_stops_a_check(damages: list[tuple[int, str, str]]) -> None:
    root = copy.deepcopy(_ROOT)
    nodes = list(root.iter(etree.Element))
    for number, what, value in damages:
        node = nodes[number]
        parent = node.getparent()
        if what == "cut" and parent is not None:
            parent.remove(node)
        elif what == "void":
            node.attrib.clear()
        elif what == "text":
            node.text = value
        elif what != "cut":
            node.set(what, value)
    for environment in ENVIRONMENTS:
        for finding in findings(etree.tostring(root), environment):
            assert finding.text
            assert finding.field
