"""One break in a hand-written letter or message, one finding: each rule of the French profile, by name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import connector.dmp.visibility
from connector.base.finding import Finding
from connector.cda.header import read_header
from connector.dmp.config import DmpConfig
from connector.dmp.draft import Draft
from connector.dmp.facts import DocumentFacts, facts_of
from connector.dmp.metadata import build_entry, reference_ids
from connector.dmp.rules import check
from connector.dmp.visibility import check_visibility, is_minor, is_secret
from connector.hl7.er7 import parse
from connector.hl7.model import Flags
from connector.hl7.volet import read_document
from connector.trust.identifiers import doubt_of_person, doubt_of_structure, good_key
from tests.cda.letters import letter
from tests.dmp.samples import CONFIG, INS
from tests.hl7_readers.messages import ORU

TODAY = date(2026, 11, 21)
PRODUCTION = replace(CONFIG, environment="production")
Changes = tuple[tuple[str, str], ...]


def facts(*changes: tuple[str, str]) -> DocumentFacts:
    """Of the hand-written ORU, each (found, planted) text replaced."""
    message = ORU
    for found, planted in changes:
        assert found in message, found
        message = message.replace(found, planted)
    return facts_of(read_document(parse(message.encode()), environment="test", today=TODAY))


def switch(name: str, value: str = "Y") -> tuple[str, str]:
    before = {"DESTDMP": "Y", "ACK_RECEPTION": "Y"}.get(name, "N")
    start = f"{name}^{name.lower()}^MetaDMPMSS||"
    return f"{start}{before}", f"{start}{value}"


def findings(cda: Changes = (), message: Changes = (), config: DmpConfig = CONFIG) -> tuple[Finding, ...]:
    return check(Draft(read_header(letter(*cda)), facts(*message), INS, config, TODAY))


def test_the_letter_and_the_message_are_good() -> None:
    assert findings() == ()


ID = '<id root="2.25.329800735698586629295641978511506172918"/>'
AUTHOR = '<id root="1.2.250.1.71.4.2.1" extension="801234564895"/>'
TYPE = 'code="11490-0" codeSystem="2.16.840.1.113883.6.1"'
FACILITY = 'code="SA01" codeSystem="1.2.250.1.71.4.2.4"'
SETTING = 'code="ETABLISSEMENT" codeSystem="1.2.250.1.213.1.1.4.9"'
SPECIALTY = 'code="G15_10/SM04" codeSystem="1.2.250.1.213.1.1.4.5"'
FUNCTION = 'code="ATTPHYS" codeSystem="2.16.840.1.113883.5.88"'
SECRECY = 'code="N" codeSystem="2.16.840.1.113883.5.25"'
TITLE = "Lettre de liaison\n"
MODEL = "1.2.250.1.213.1.1.1.29"
ORGANIZATION = 'root="1.2.250.1.71.4.2.2" extension="1120456789"'

CDA: list[tuple[str, str, str, str]] = [
    ("DMP-UNIQUEID", "error", ID, '<id root="2.25.3" extension="17"/>'),
    ("DMP-UNIQUEID", "error", ID, '<id root="2.025.3"/>'),
    ("DMP-UNIQUEID", "error", ID, f'<id root="2.25.{"1" * 60}"/>'),
    ("DMP-PATIENT", "error", 'extension="279035121518989"', 'extension="277076322082910"'),
    ("DMP-DATE", "error", '<effectiveTime value="20261120163000+0100"/>', '<effectiveTime value="hier"/>'),
    ("DMP-DATE", "error", '<effectiveTime><low value="20261110090000+0100"/><high',
     '<effectiveTime><low value="20261340"/><high'),
    ("D-12", "error", '<high value="20261120150000+0100"/>', '<high value="20261101150000+0100"/>'),
    ("DMP-HEADER", "error", '<languageCode code="fr-FR"/>', "<languageCode/>"),
    ("D-15", "error", '<languageCode code="fr-FR"/>', '<languageCode code="fr_FR!"/>'),
    ("D-25", "warning", TITLE, f"{'Lettre de liaison ' * 9}\n"),
    ("DMP-TYPE", "error", TYPE, 'code="11490-0" codeSystem="2.16.840.1.113883.6.96"'),
    ("DMP-TYPE", "warning", TYPE, 'code="51851-4" codeSystem="2.16.840.1.113883.6.1"'),
    ("DMP-CLASS", "error", TYPE, 'code="101881-1" codeSystem="2.16.840.1.113883.6.1"'),
    ("DMP-FORMAT", "error", MODEL, "1.2.250.1.213.1.1.1.9999"),
    ("DMP-FORMAT", "error", MODEL, "1.3.6.1.4.1.19376.1.8.1.1.1"),
    ("DMP-FACILITY", "error", f"<code {FACILITY}", "<code"),
    ("DMP-FACILITY", "error", FACILITY, 'code="SA01" codeSystem="1.2.3"'),
    ("DMP-FACILITY", "error", FACILITY, 'code="SA99" codeSystem="1.2.250.1.71.4.2.4"'),
    ("DMP-FACILITY", "warning", FACILITY, 'code="SA66" codeSystem="1.2.250.1.71.4.2.4"'),
    ("DMP-SETTING", "error", SETTING, ""),
    ("DMP-SETTING", "error", SETTING, 'code="NULLE_PART" codeSystem="1.2.250.1.213.1.1.4.9"'),
    ("DMP-SETTING", "warning", SETTING, 'code="ESSMS" codeSystem="1.2.250.1.213.1.1.4.9"'),
    ("DMP-SPECIALTY", "error", SPECIALTY, 'code="G15_10/SM99" codeSystem="1.2.250.1.213.1.1.4.5"'),
    ("DMP-SPECIALTY", "error", SPECIALTY, 'code="G15_10/SM04" codeSystem="1.2.250.1.71.4.2.5"'),
    ("DMP-SPECIALTY", "warning", SPECIALTY, 'code="G15_10/80" codeSystem="1.2.250.1.213.1.1.4.5"'),
    ("DMP-ROLE", "warning", FUNCTION, 'code="CHEF" codeSystem="2.16.840.1.113883.5.88"'),
    ("DMP-CONFIDENTIALITY", "error", SECRECY, 'code="R" codeSystem="2.16.840.1.113883.5.25"'),
    ("DMP-CONFIDENTIALITY", "error", SECRECY, 'code="V" codeSystem="2.16.840.1.113883.5.25"'),
    ("DMP-CONFIDENTIALITY", "error", SECRECY, 'code="U" codeSystem="2.16.840.1.113883.5.25"'),
    ("DMP-CONFIDENTIALITY", "error", SECRECY, 'code="N" codeSystem="1.2.250.1.213.1.1.4.13"'),
    ("RG_2230", "error", "<family>THOMAS</family>", "<family> </family>"),
    ("RG_2230", "error", "<softwareName>Logiciel</softwareName>", ""),
    ("DMP-LEGAL", "error", '<id root="1.2.250.1.71.4.2.1" extension="801234567897"/>\n      <assignedPerson>',
     "<assignedPerson>"),
    ("DMP-PERSON", "error", AUTHOR, '<id root="1.2.250.1.71.4.2.1" extension="8 01234564895"/>'),
    ("DMP-PERSON", "error", AUTHOR, ""),
    ("DMP-PERSON", "warning", AUTHOR, '<id root="1.2.250.1.71.4.2.1" extension="01234564895"/>'),
    ("DMP-PERSON", "warning", AUTHOR, '<id root="1.2.250.1.71.4.2.1" extension="80123456489"/>'),
    ("DMP-PERSON", "warning", 'extension="3120456789/1"', 'extension="1120456789"'),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "severity", "found", "planted"), CDA)
def test_a_break_of_the_letter_is_seen_and_nothing_else(rule: str, severity: str, found: str, planted: str) -> None:
    seen = findings(((found, planted),))
    assert [(f.rule, f.severity) for f in seen] == [(rule, severity)]
    assert seen[0].field
    assert seen[0].found
    assert seen[0].expected
    assert seen[0].reference
    assert INS.value not in repr(seen)


PRT_ID = "801234564895^Eric^Thomas"
MESSAGE: list[tuple[str, str, Changes]] = [
    ("EX_2.1-1050", "error", (switch("MASQUE_PS"), switch("INVISIBLE_PATIENT"))),
    ("DMP-MODIF-CONF", "warning", (switch("MODIF_CONF_CODE"),)),
    ("DMP-REPRESENTATIVES", "warning", (switch("INVISIBLE_REP_LEGAUX"),)),
    ("DMP-SECRET", "warning", (switch("CONNEXION_SECRETE"),)),
    ("DMP-SECRET", "error", (switch("CONNEXION_SECRETE"), ("19790328", "20150328"))),
    ("DMP-SENDER", "error", (switch("DESTDMP", "N"), ("||SB^^participation", "||REPLY^^participation"))),
    ("RG_2230", "error", ((PRT_ID, "801234564895^Eric^"),)),
    ("DMP-PERSON", "error", ((PRT_ID, "8 1234564895^Eric^Thomas"),)),
    ("DMP-PERSON", "warning", ((PRT_ID, "7801234564895^Eric^Thomas"),)),
    ("DMP-STRUCTURE-ID", "warning", (("&ISO^IDNST^^^1120456789", "&ISO^IDNST^^^11204567"),)),
    ("DMP-STRUCTURE-ID", "error", (("&ISO^IDNST^^^1120456789", "&ISO^IDNST^^^1120456789/2"),)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "severity", "changes"), MESSAGE)
def test_a_break_of_the_message_is_seen_and_nothing_else(rule: str, severity: str, changes: Changes) -> None:
    assert [(f.rule, f.severity) for f in findings(message=changes)] == [(rule, severity)]


def test_a_structure_of_the_letter_and_the_only_author() -> None:
    (author, custodian) = findings(((ORGANIZATION, 'root="1.2.250.1.71.4.2.2" extension="112045678"'),))
    assert {f.rule for f in (author, custodian)} == {"DMP-STRUCTURE-ID"}
    assert (author.found, author.expected) == ("112045678", "le même FINESS précédé de 1")
    draft = Draft(replace(read_header(letter()), authors=()), facts(), INS, CONFIG, TODAY)
    assert [f.rule for f in check(draft)] == ["DMP-AUTHOR"]


def test_a_patient_class_without_content_type() -> None:
    strange = replace(facts(), patient_class="B")
    draft = Draft(read_header(letter()), strange, INS, CONFIG, TODAY)
    assert [(f.rule, f.severity) for f in check(draft)] == [("DMP-CONTENT-TYPE", "warning")]


def test_keys_count_in_production_only() -> None:
    assert findings() == ()
    rules = [(f.rule, f.severity) for f in findings(config=PRODUCTION)]
    assert rules == [
        ("DMP-PERSON", "warning"),
        ("DMP-PERSON", "warning"),
        ("DMP-STRUCTURE-ID", "warning"),
        ("DMP-STRUCTURE-ID", "warning"),
        ("DMP-STRUCTURE-ID", "warning"),
    ]


def test_every_rule_written_is_broken_here() -> None:
    folder = Path(connector.dmp.visibility.__file__).parent
    sources = [*folder.glob("rules_*.py"), folder / "visibility.py"]
    named = re.compile(r'"((?:DMP-[A-Z-]+|D-\d+|RG_\d+|EX_[\d.]+-\d+))"')
    written = {rule for path in sources for rule in named.findall(path.read_text(encoding="utf-8"))}
    broken = {rule for rule, *_ in CDA} | {rule for rule, *_ in MESSAGE} | {"DMP-AUTHOR", "DMP-CONTENT-TYPE"}
    assert written == broken


def test_a_finding_never_says_who() -> None:
    (finding,) = findings(((AUTHOR, '<id root="1.2.250.1.71.4.2.1" extension="80123456489"/>'),))
    assert finding.found == "11 caractères, préfixe 8"


def test_restricted_documents_are_refused_in_french_even_when_the_message_wants_the_dmp() -> None:
    assert facts().flags.dest_dmp is True
    (finding,) = findings(((SECRECY, SECRECY.replace('"N"', '"V"')),))
    assert "ne se partage pas" in finding.text
    assert "DESTDMP" in finding.text


# -- visibility ----------------------------------------------------------------------------------------------------

MINOR, ADULT, UNKNOWN = "20150328", "19790328", ""


@pytest.mark.parametrize(
    ("flags", "birth", "minors", "expected"),
    [
        (Flags(invisible_rep_legaux=True), MINOR, True, []),
        (Flags(invisible_rep_legaux=True), ADULT, True, [("DMP-REPRESENTATIVES", "warning")]),
        (Flags(invisible_rep_legaux=True), UNKNOWN, True, [("DMP-REPRESENTATIVES", "warning")]),
        (Flags(invisible_rep_legaux=True), MINOR, False, [("DMP-REPRESENTATIVES", "warning")]),
        (Flags(connexion_secrete=True, invisible_rep_legaux=True), MINOR, True, []),
        (Flags(connexion_secrete=True), MINOR, True, [("DMP-SECRET", "error")]),
        (Flags(connexion_secrete=True), UNKNOWN, True, [("DMP-SECRET", "error")]),
        (Flags(connexion_secrete=True), ADULT, True, [("DMP-SECRET", "warning")]),
        (Flags(connexion_secrete=True), ADULT, False, [("DMP-SECRET", "warning")]),
        (Flags(connexion_secrete=True, invisible_rep_legaux=True), MINOR, False,
         [("DMP-REPRESENTATIVES", "warning"), ("DMP-SECRET", "error")]),
        (Flags(masque_ps=True, invisible_rep_legaux=True), MINOR, True, []),
    ],
)  # fmt: skip
def test_minors(flags: Flags, birth: str, minors: bool, expected: list[tuple[str, str]]) -> None:
    found = check_visibility(flags, birth, TODAY, replace(CONFIG, minors=minors))
    assert [(f.rule, f.severity) for f in found] == expected


def test_a_site_may_refuse_the_restriction_for_an_adult() -> None:
    strict = replace(CONFIG, adult_representatives="refuse")
    (finding,) = check_visibility(Flags(invisible_rep_legaux=True), ADULT, TODAY, strict)
    assert (finding.rule, finding.severity) == ("DMP-REPRESENTATIVES", "error")


def test_without_a_day_age_is_not_judged() -> None:
    flags = Flags(connexion_secrete=True, masque_ps=True, invisible_patient=True)
    assert [f.rule for f in check_visibility(flags, MINOR, None, CONFIG)] == ["EX_2.1-1050"]


@pytest.mark.parametrize("action", ["replace", "delete", ""])
def test_a_change_of_visibility_is_for_replacements(action: str) -> None:
    assert check_visibility(Flags(modif_conf_code=True), ADULT, TODAY, CONFIG, action=action) == ()


@pytest.mark.parametrize(
    ("flags", "minors", "expected"),
    [
        (Flags(connexion_secrete=True, invisible_rep_legaux=True), True, True),
        (Flags(connexion_secrete=True, invisible_rep_legaux=True), False, False),
        (Flags(connexion_secrete=True), True, False),
        (Flags(invisible_rep_legaux=True), True, False),
        (Flags(), True, False),
    ],
)
def test_the_secret_connection(flags: Flags, minors: bool, expected: bool) -> None:
    assert is_secret(flags, replace(CONFIG, minors=minors)) is expected


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("20081121", False), ("20081122", True), ("20081120", False), ("2008", None), ("200811", None),
        ("20081131", None), ("20090000", True), ("19790230", False), ("", None), ("inconnu", None), ("00000000", None),
        ("20081122083000", True), ("²008", None), ("200810", False),
    ],
)  # fmt: skip
def test_eighteen_years_to_the_day(birth: str, expected: bool | None) -> None:
    assert is_minor(birth, TODAY, 18) is expected


def test_born_on_the_29th_of_february() -> None:
    assert is_minor("20080229", date(2026, 2, 28), 18) is True
    assert is_minor("20080229", date(2026, 3, 1), 18) is False


@given(st.text(max_size=12), st.dates(min_value=date(1900, 1, 1)), st.integers(1, 30))
def test_any_birth_date_is_judged(birth: str, today: date, majority: int) -> None:
    assert is_minor(birth, today, majority) in (True, False, None)


# -- national identifiers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1300017985", "12A0000014", "2732829320", "373282932000074", "0123456789"])
def test_good_structures(value: str) -> None:
    assert doubt_of_structure(value, keys=True) is None


@pytest.mark.parametrize(
    ("value", "certain"),
    [("300017985", False), ("1300017984", False), ("130001798", False), ("9300017985", False), ("x", False),
     ("", True), ("1300017985 ", True), ("1300017985/1", True), ("1^2", True)],
)  # fmt: skip
def test_doubtful_structures(value: str, certain: bool) -> None:
    doubt = doubt_of_structure(value, keys=True)
    assert doubt is not None
    assert doubt.certain is certain
    assert doubt.expected


@pytest.mark.parametrize("value", ["801234567897", "3300017985/AB-1", "573282932000074/x"])
def test_good_people(value: str) -> None:
    assert doubt_of_person(value, keys=True) is None


@pytest.mark.parametrize(
    ("value", "certain"),
    [("801234567898", False), ("01234567897", False), ("8012345678", False), ("9", False), ("3300017985", False),
     ("", True), ("8\u00a001234567897", True)],
)  # fmt: skip
def test_doubtful_people(value: str, certain: bool) -> None:
    doubt = doubt_of_person(value, keys=True)
    assert doubt is not None
    assert doubt.certain is certain


@given(st.text(max_size=70), st.booleans())
def test_any_identifier_is_judged(value: str, keys: bool) -> None:
    doubt_of_structure(value, keys=keys)
    doubt_of_person(value, keys=keys)


@given(st.integers(0, 10**9))
def test_one_digit_of_ten_is_the_key(number: int) -> None:
    assert sum(good_key(f"{number}{digit}") for digit in range(10)) == 1


# -- references ----------------------------------------------------------------------------------------------------

ORDERS = """<inFulfillmentOf><order>
    <id root="1.2.250.1.999.20" extension="CMD-1"/>
    <ps3-20:accessionNumber xmlns:ps3-20="urn:dicom-org:ps3-20" root="1.2.250.1.999.21" extension="105^1"/>
  </order></inFulfillmentOf>
  <inFulfillmentOf><order><id root="1.2.250.1.999.20" extension="CMD-1"/></order></inFulfillmentOf>
  <inFulfillmentOf><order><id root="2.25.7"/></order></inFulfillmentOf>
  <documentationOf>"""


def test_orders_and_accession_numbers_are_references() -> None:
    header = read_header(letter(("<documentationOf>", ORDERS)))
    expected = (
        "CMD-1^^^&1.2.250.1.999.20&ISO^urn:ihe:iti:xds:2013:order",
        "105\\S\\1^^^&1.2.250.1.999.21&ISO^urn:ihe:iti:xds:2013:accession",
    )
    assert reference_ids(header) == expected
    entry = build_entry(header, facts(), INS, CONFIG, entry_uuid="Document01", today=TODAY)
    assert entry.reference_ids == expected
    assert reference_ids(read_header(letter())) == ()


def test_the_kinds_of_reference_are_those_of_the_dmp() -> None:
    from connector.codes import load
    from connector.dmp.metadata import ACCESSION, ORDER

    assert {ORDER, ACCESSION} <= {concept.code for concept in load("J231")}


# -- forms of people -----------------------------------------------------------------------------------------------


def authors(*changes: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    author = build_entry(read_header(letter(*changes)), facts(), INS, CONFIG, entry_uuid="D", today=TODAY).authors[0]
    return author.person, author.institutions


def test_a_patient_is_an_author_without_structure() -> None:
    person, institutions = authors(
        (AUTHOR, '<id root="1.2.250.1.213.1.4.10" extension="279035121518989"/>'),
        ('<id root="1.2.250.1.999.7" extension="local"/>', ""),
    )
    assert person == "279035121518989^THOMAS^Eric^^^^^^&1.2.250.1.213.1.4.10&ISO^D^^^NH"
    assert institutions == ()


def test_a_digital_service_signs_under_its_editor() -> None:
    person, institutions = authors(
        (AUTHOR, '<id root="1.2.250.1.999.30" extension="service-1"/>'),
        ('<id root="1.2.250.1.999.7" extension="local"/>', ""),
        (
            "<assignedPerson><name><family>THOMAS</family><given>Eric</given></name></assignedPerson>",
            "<assignedAuthoringDevice><manufacturerModelName>v2</manufacturerModelName>"
            "<softwareName>Carnet</softwareName></assignedAuthoringDevice>",
        ),
        (f"<id {ORGANIZATION}/><name>Organisation-Y</name>\n      </rep",
         '<id root="1.3.2" extension="732829320"/><name>Editeur</name>\n      </rep'),
    )  # fmt: skip
    assert person == "service-1^Carnet^v2^^^^^^&1.2.250.1.999.30&ISO^U^^^RI"
    assert institutions == ("Editeur^^^^^&1.3.2&ISO^SIREN^^^732829320",)


def test_a_long_title_is_cut_and_the_letter_keeps_its_own() -> None:
    header = read_header(letter((TITLE, f"{'Lettre de liaison ' * 9}\n")))
    entry = build_entry(header, facts(), INS, CONFIG, entry_uuid="D", today=TODAY)
    assert len(entry.title) <= 128 < len(header.title)
    assert entry.title.endswith("…")
