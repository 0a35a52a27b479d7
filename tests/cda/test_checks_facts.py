"""Rules on what a letter says of facts: models, dates, doses, events, references. A mutation, its finding, no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.base.finding import Finding
from connector.cda.checks import check_document
from connector.cda.checks.times import after
from connector.cda.checks.words import says
from connector.codes.valueset import load_association
from tests.cda.discharge import DISCHARGE, EVENTS, SECTIONS, STATUS, TREATMENT, with_sections
from tests.cda.letters import SOUND
from tests.cda.test_checks import Change, changed, rules

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)

MODEL = '<templateId root="1.2.250.1.213.1.1.1.29" extension="2022.01"/>'
OTHER_MODEL = '<templateId root="1.2.250.1.213.1.1.1.43"/>'
TYPE = 'code="11490-0"'
BIRTH = '<birthTime value="19790328"/>'
DEATH = '<sdtc:deceasedTime xmlns:sdtc="urn:hl7-org:sdtc" value="{}"/>'
ENCOUNTER = '<encompassingEncounter>\n    <effectiveTime><low value="20261110090000+0100"/>'
ACT = '<code code="IMP" codeSystem="2.16.840.1.113883.5.4"'
DOCTOR = DISCHARGE[DISCHARGE.index('<participant typeCode="INF">') : DISCHARGE.index("<documentationOf>")]
AUTHOR = '<id root="1.2.250.1.71.4.2.1" extension="801234564895"/>'
SIGNER = '<assignedEntity>\n      <id root="1.2.250.1.71.4.2.1"'
SYNTHESIS, SEARCH, TRANSFUSION = EVENTS[2], EVENTS[3], EVENTS[4]
LOW_DOSE = '<doseQuantity><low value="1" unit="{tbl}"/>'
MEDICINE = "<substanceAdministration>"
MEDICINE_TEXT = '<text><reference value="#s4"/></text>'
PERIOD = '<effectiveTime xsi:type="PIVL_TS" xmlns:xsi="x"><period value="{}" unit="{}"/></effectiveTime>'
NAME = "<name>Traitements</name>"
NESTED = with_sections(*SECTIONS[:2], SECTIONS[3].replace("</section>", f"{SECTIONS[2]}</section>"), SECTIONS[4])
REPORT = (
    SOUND.replace(TYPE, 'code="11488-4"')
    .replace("Lettre de liaison à la sortie", "Compte rendu")
    .replace("1.2.250.1.213.1.1.1.29", "1.2.250.1.213.1.1.1.25")
)
"""Another document, of a model whose type the kit says."""


def denied(event: str) -> str:
    return event.replace('moodCode="EVN"', 'moodCode="EVN" negationInd="true"')


MUTATIONS: list[tuple[str, str, list[Change]]] = [
    # -- models and types
    ("CDA-75", "another known model", [(MODEL, OTHER_MODEL)]),
    ("CDA-75", "an unknown model", [(MODEL, '<templateId root="1.2.250.1.213.1.1.1.99"/>')]),
    ("CDA-75", "no model", [(MODEL, "")]),
    ("CDA-75", "a blank before the model", [('root="1.2.250.1.213.1.1.1.29"', 'root=" 1.2.250.1.213.1.1.1.29"')]),
    ("CDA-75", "another model beside it", [(MODEL, MODEL + OTHER_MODEL)]),
    ("CDA-75", "the type of another document", [(TYPE, 'code="34133-9"')]),
    ("CDA-22", "a section without the templateId of its own", [("1.2.250.1.213.1.1.2.137", "1.2.250.1.213.1.1.2.999")]),
    ("CDA-22", "a section of another code", [('code="48765-2"', 'code="29299-5"')]),
    ("CDA-87", "a treatment that the suites do not see", [('<templateId root="1.2.250.1.213.1.1.3.42"/>', "")]),
    ("CDA-87", "an event that the suites do not see", [(SYNTHESIS, SYNTHESIS.replace("19376.1.5.3.1.4.13", "0"))]),
    ("CDA-93", "a section inside another", [(DISCHARGE, NESTED)]),
    ("CDA-19", "a section of the id of another", [('<id root="2.25.104"/>', '<id root="2.25.103"/>')]),
    ("CDA-19", "an id that names nothing", [('<id root="2.25.104"/>', '<id root="abc"/>')]),
    # -- dates
    ("CDA-17", "no such day", [('<low value="20261120"/>', '<low value="20260230"/>')]),
    ("CDA-17", "no such hour", [("20261120164500+0100", "20261120254500+0100")]),
    ("CDA-17", "no such zone", [("20261120164500+0100", "20261120164500+9900")]),
    ("CDA-17", "another form", [("20261120164500+0100", "2026-11-20")]),
    ("CDA-90", "signed in two days", [("20261120164500+0100", "20261122174500+0100")]),
    ("CDA-90", "admitted in a year", [
        ("20261110090000+0100", "20271110090000+0100"), ("20261120150000+0100", "20271120150000+0100"),
    ]),
    ("CDA-91", "a year of birth", [(BIRTH, '<birthTime value="1979"/>')]),
    ("CDA-92", "dead before the stay", [(BIRTH, BIRTH + DEATH.format("20261109"))]),
    ("CDA-92", "another day of admission", [(ENCOUNTER, ENCOUNTER.replace("20261110", "19991110"))]),
    # -- people
    ("CDA-69", "an author of no national domain", [(AUTHOR, AUTHOR.replace("1.2.250.1.71.4.2.1", "1.2.3"))]),
    ("CDA-69", "nobody known answers for it", [(SIGNER, SIGNER.replace("1.2.250.1.71.4.2.1", "1.2.3"))]),
    ("CDA-78", "a recipient without name", [("<name><family>BOILEAU</family></name>", "")]),
    ("CDA-98", "two family doctors", [(DOCTOR, DOCTOR * 2)]),
    ("CDA-97", "another given name", [('<given qualifier="BR">DOMINIQUE', '<given qualifier="BR">MAUD')]),
    ("CDA-53", "a blank before the INS", [('extension="279035121518989"', 'extension=" 279035121518989"')]),
    # -- codes
    ("CDA-67", "a stay of another system", [(ACT, ACT.replace("2.16.840.1.113883.5.4", "1.2.3"))]),
    ("CDA-95", "the label of another way out", [
        ('code="160849004"', 'code="160849004" displayName="Autre destination"'),
    ]),
    ("CDA-95", "the label of another place", [("Etablissement public de santé", "Cabinet individuel")]),
    ("CDA-44", "a UCD cut short", [('code="3400932857241"', 'code="12"')]),
    # -- events
    ("CDA-89", "an unknown transfusion", [
        (TRANSFUSION, TRANSFUSION.replace('value="false"', 'nullFlavor="UNK"')),
    ]),
    ("CDA-89", "a denied transfusion", [(TRANSFUSION, denied(TRANSFUSION))]),
    ("CDA-89", "a synthesis without words", [("Suites simples", " \u200b")]),
    ("CDA-89", "a synthesis without value", [("<value>Suites simples</value>", "")]),
    ("CDA-89", "a denied status", [(STATUS, denied(STATUS))]),
    ("CDA-96", "two statuses", [(STATUS, STATUS * 2)]),
    # -- references
    ("CDA-39", "an event that leads nowhere", [(SEARCH, SEARCH.replace("#s1", "#s9"))]),
    ("CDA-39", "an event that leads to nothing", [(SEARCH, SEARCH.replace("#s1", ""))]),
    ("CDA-40", "an event without # that leads nowhere", [(SEARCH, SEARCH.replace("#s1", "s9"))]),
    ("CDA-40", "a picture that is not there", [
        ('<content ID="s2">', '<renderMultiMedia referencedObject="s9"/><content ID="s2">'),
    ]),
    ("CDA-47", "a medicine shown elsewhere", [(MEDICINE_TEXT, MEDICINE_TEXT.replace("#s4", "http://evil/x"))]),
    ("CDA-47", "a medicine shown by nothing", [(MEDICINE_TEXT, MEDICINE_TEXT.replace("#s4", ""))]),
    ("CDA-47", "a medicine shown by #", [(MEDICINE_TEXT, MEDICINE_TEXT.replace("#s4", "#"))]),
    ("CDA-49", "two medicines of one text", [
        (TREATMENT, TREATMENT + TREATMENT.replace(NAME, "<name>DOLIPRANE 1000 mg</name>")),
    ]),
    ("CDA-49", "the first one has the text of the second", [
        (TREATMENT, TREATMENT.replace(NAME, "<name>DOLIPRANE 1000 mg</name>") + TREATMENT),
    ]),
    ("CDA-99", "the text of another medicine", [(NAME, "<name>DOLIPRANE 1000 mg</name>")]),
    # -- amounts
    ("CDA-94", "a medicine denied", [(MEDICINE, MEDICINE.replace(">", ' negationInd="true">'))]),
    ("CDA-48", "a dose under zero", [(LOW_DOSE, LOW_DOSE.replace('"1"', '"-1"'))]),
    ("CDA-48", "each zero hours", [("<doseQuantity>", f"{PERIOD.format('0', 'h')}<doseQuantity>")]),
    ("CDA-48", "for so many tablets", [("<doseQuantity>", f"{PERIOD.format('6', '{tbl}')}<doseQuantity>")]),
    ("CDA-48", "at most so much for nothing", [
        ("<doseQuantity>", '<maxDoseQuantity><denominator value="0"/></maxDoseQuantity><doseQuantity>'),
    ]),
]  # fmt: skip


def findings(document: str | bytes, now: datetime | None = NOW) -> tuple[Finding, ...]:
    return check_document(document if isinstance(document, bytes) else document.encode(), None, now=now)


def weighed(document: str | bytes) -> list[tuple[str, str]]:
    return [(one.rule, one.severity) for one in findings(document)]


def test_a_good_letter_has_no_finding() -> None:
    assert findings(DISCHARGE) == ()


@pytest.mark.parametrize(("rule", "what", "changes"), MUTATIONS, ids=[f"{m[0]} {m[1]}" for m in MUTATIONS])
def test_each_mutation_gives_its_finding_and_no_other(rule: str, what: str, changes: list[Change]) -> None:
    found = findings(changed(DISCHARGE, *changes))
    assert set(rules(found)) == {rule}
    assert not [one for one in found if "PAT-TROIS" in str(one) or "279035121518" in str(one) or "evil" in str(one)]


def test_a_letter_of_another_model_is_judged_as_a_letter() -> None:
    """A wrong model switched the rules of the letter off: three of the six entries were missed by nobody."""
    document = DISCHARGE
    for event in (EVENTS[0], EVENTS[2], EVENTS[4]):
        document = document.replace(event, "")
    for model in (OTHER_MODEL, '<templateId root="1.2.3"/>', ""):
        assert rules(findings(changed(document, (MODEL, model)))) == ["CDA-75", "CDA-86", "CDA-86", "CDA-86"]


OTHERS = sorted({*load_association("A11").rows} - {"1.2.250.1.213.1.1.1.29", "1.3.6.1.4.1.19376.1.2.20"})


@pytest.mark.parametrize("root", OTHERS)
def test_no_other_known_model_makes_another_document_of_a_letter(root: str) -> None:
    assert "CDA-75" in rules(findings(changed(DISCHARGE, ("1.2.250.1.213.1.1.1.29", root))))


def test_two_regimens_of_one_medicine_may_share_their_text() -> None:
    assert findings(changed(DISCHARGE, (TREATMENT, TREATMENT * 2))) == ()


def test_a_vaccination_is_no_treatment() -> None:
    vaccination = TREATMENT.replace("1.2.250.1.213.1.1.3.42", "1.2.250.1.213.1.1.3.45").replace(
        "1.3.6.1.4.1.19376.1.5.3.1.4.7", "1.3.6.1.4.1.19376.1.5.3.1.4.12"
    )
    assert findings(changed(DISCHARGE, (TREATMENT, vaccination))) == ()


def test_a_section_without_its_templateid_is_judged_by_its_code() -> None:
    document = changed(DISCHARGE, ("1.2.250.1.213.1.1.2.163.1", "1.2.3"), (TRANSFUSION, ""))
    assert sorted(rules(findings(document))) == ["CDA-22", "CDA-86"]


def test_a_section_inside_another_is_judged() -> None:
    assert sorted(rules(findings(changed(NESTED, (TRANSFUSION, ""))))) == ["CDA-86", "CDA-93"]


def test_another_document_whose_model_is_not_that_of_its_type() -> None:
    assert weighed(REPORT) == []
    assert weighed(REPORT.replace("1.1.1.25", "1.1.1.40")) == [("CDA-77", "warning")]
    assert weighed(REPORT.replace("1.1.1.25", "1.1.1.99")) == [("CDA-76", "warning")]


def test_other_documents_are_only_warned() -> None:
    assert weighed(changed(REPORT, (SIGNER, SIGNER.replace("1.2.250.1.71.4.2.1", "1.2.3")))) == [("CDA-79", "warning")]
    assert weighed(changed(REPORT, ("20261120164500+0100", "20261320164500+0100"))) == [("CDA-29", "warning")]
    assert ("CDA-17", "error") in weighed(changed(REPORT, (BIRTH, '<birthTime value="19791328"/>')))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((BIRTH, BIRTH + DEATH.format("19790327")), {"CDA-91", "CDA-92"}),
        ((BIRTH, '<birthTime value="20261121"/>'), {"CDA-56", "CDA-92"}),
        ((BIRTH, '<birthTime value="20261122"/>'), {"CDA-56", "CDA-90", "CDA-91", "CDA-92"}),
        ((BIRTH, '<birthTime value="20991121"/>'), {"CDA-56", "CDA-90", "CDA-91", "CDA-92"}),
        ((BIRTH, BIRTH + DEATH.format("20991121")), {"CDA-90"}),
    ],
)
def test_a_life_that_cannot_be(change: Change, told: set[str]) -> None:
    assert set(rules(findings(changed(DISCHARGE, change)))) == told


def test_the_moment_of_checking_is_that_of_the_caller() -> None:
    content = changed(DISCHARGE, ("20261120164500+0100", "20261122174500+0100"))
    assert rules(findings(content)) == ["CDA-90"]
    assert rules(findings(content, datetime(2026, 11, 22, tzinfo=UTC))) == []
    assert rules(findings(content, None)) == []


@pytest.mark.parametrize(
    ("first", "last", "later"),
    [
        ("20240309", "20240308213000+0000", False),
        ("20240310", "20240308213000+0000", True),
        ("20240309213000-1000", "20240308", False),
        ("20240309", "20240308213000", True),
        ("20240309", "20240308", True),
        ("202403", "20240208", True),
        ("202403", "20240308213000+0000", False),
        ("20240308223000+0100", "20240308213000+0000", False),
        ("20240308223001+0100", "20240308213000+0000", True),
    ],
)
def test_a_day_and_a_time_of_another_place_have_no_order(first: str, last: str, later: bool) -> None:
    assert after(first, last) is later


@pytest.mark.parametrize("text", ["", " \n\u00a0", "\u200b\u202e", "\u2800", "\u0085\ufeff"])
def test_what_nobody_sees_says_nothing(text: str) -> None:
    assert not says(text)
    assert says(f"{text}a")
