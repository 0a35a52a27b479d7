"""What the builder writes of a hand-written letter, part by part; and that no field of the letter is left aside."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from lxml import etree

from connector.letter.build import build
from connector.letter.errors import LetterError
from connector.letter.plain import letter_of
from connector.letter.read import read
from tests.letter.letters import PDF, Data, admission, changed, discharge, unstructured

V3 = {"v": "urn:hl7-org:v3", "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
NAME = "{urn:hl7-org:v3}"


def tree(data: Data) -> etree._Element:
    return etree.fromstring(build(letter_of(data)))


def found(node: etree._Element, path: str) -> list[Any]:
    result = node.xpath(path, namespaces=V3)
    return result if isinstance(result, list) else [result]


def one(node: etree._Element, path: str) -> Any:
    (only,) = found(node, path)
    return only


def section(root: etree._Element, loinc: str) -> etree._Element:
    only = one(root, f".//v:section[v:code/@code='{loinc}']")
    assert isinstance(only, etree._Element)
    return only


def said(node: etree._Element, pointer: str) -> str:
    """The narrative that a pointer of `node` leads to."""
    name = str(one(node, pointer)).removeprefix("#")
    return "".join(one(node.getroottree().getroot(), f"//*[@ID='{name}']").itertext())


def test_the_document_opens_with_its_declaration_and_holds_no_white_space_between_cells() -> None:
    document = build(letter_of(discharge()))
    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"')
    assert document.decode().count("\n") < 80
    blocks = "//v:section/v:text/descendant-or-self::*[self::v:text[v:table] or self::v:table or self::v:tr]"
    assert [
        node.tag for node in found(etree.fromstring(document), f"{blocks}[normalize-space(text())='' and text()]")
    ] == []


HEADER = (
    "realmCode",
    "typeId",
    "templateId",
    "id",
    "code",
    "title",
    "effectiveTime",
    "confidentialityCode",
    "languageCode",
    "setId",
    "versionNumber",
    "recordTarget",
    "author",
    "informant",
    "custodian",
    "informationRecipient",
    "legalAuthenticator",
    "participant",
    "documentationOf",
    "componentOf",
    "component",
)


def test_the_header_is_in_the_order_of_the_schema() -> None:
    tags = [str(node.tag).removeprefix(NAME) for node in tree(discharge())]
    assert list(dict.fromkeys(tags)) == list(HEADER)


@pytest.mark.parametrize(
    ("data", "templates", "code"),
    [
        (discharge, ["1.2.250.1.213.1.1.1.29"], "11490-0"),
        (admission, ["1.2.250.1.213.1.1.1.21"], "18761-7"),
        (unstructured, ["1.3.6.1.4.1.19376.1.2.20"], "11490-0"),
    ],
)
def test_each_kind_has_its_model_and_its_type(data: Any, templates: list[str], code: str) -> None:
    root = tree(data())
    assert found(root, "v:templateId/@root") == ["2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", *templates]
    versions = ["2022.01"] if data is not unstructured else []
    assert found(root, "v:templateId/@extension") == versions
    assert one(root, "v:code/@code") == code


def test_a_file_is_carried_as_it_is() -> None:
    text = one(tree(unstructured()), "v:component/v:nonXMLBody/v:text")
    assert (text.get("mediaType"), text.get("representation")) == ("application/pdf", "B64")
    assert base64.b64decode(text.text) == PDF


def test_sections_are_in_the_order_of_the_models() -> None:
    codes = "//v:section/v:code/@code"
    leaving = ["33557-0", "42349-1", "42545-4", "18610-6", "10183-2", "30954-2", "18776-5", "46264-8", "48765-2"]
    whole = discharge() | {"devices": ["Canne"], "treatments_stopped": ["Aspirine"], "examinations": "Radio"}
    assert [code for code in found(tree(whole), codes) if code in leaving] == leaving
    entering = ["42349-1", "42346-7", "48765-2", "11348-0", "47519-4", "55112-7"]
    whole = admission() | {"medical_history": ["Asthme"], "surgical_history": ["Appendicectomie"]}
    assert [code for code in found(tree(whole), codes) if code in entering] == entering


def test_a_replacement_names_the_document_it_replaces() -> None:
    data = discharge() | {"version": 2, "replaces": {"id": "2.25.7^a", "version": 1}}
    root = tree(data)
    assert one(root, "v:versionNumber/@value") == "2"
    former = one(root, "v:relatedDocument[@typeCode='RPLC']/v:parentDocument")
    assert (one(former, "v:id/@root"), one(former, "v:id/@extension")) == ("2.25.7", "a")
    assert one(former, "v:versionNumber/@value") == "1"


def test_the_primary_physician_is_the_first_recipient_and_a_participant() -> None:
    data = discharge()
    doctor = {"rpps": "10100000017", "family": "PREMIER"}
    other = {"rpps": "10100000025", "family": "SECOND"}
    root = tree(data | {"primary_physician": doctor, "recipients": [other, doctor]})
    names = "v:informationRecipient/v:intendedRecipient/v:informationRecipient/v:name/v:family/text()"
    assert found(root, names) == ["PREMIER", "SECOND"]
    assert one(root, "v:participant[v:functionCode/@code='PCP']/@typeCode") == "INF"


def test_what_a_recipient_has_no_room_for_is_said_of_an_informed_participant() -> None:
    structure = {"name": "Cabinet", "practice_setting": "AMBULATOIRE", "telecoms": ["0102030405"]}
    person = {"rpps": "10100000017", "family": "PREMIER", "specialty": "G15_10/SM26", "organization": structure}
    data = discharge() | {"recipients": [person, {"rpps": "10100000025", "family": "SECOND"}]}
    root = tree(data)
    informed = one(root, "v:participant[@typeCode='INF'][not(v:functionCode)]")
    assert one(informed, "v:associatedEntity/v:id/@extension") == "810100000017"
    assert one(informed, "v:associatedEntity/v:code/@code") == "G15_10/SM26"
    assert one(informed, ".//v:standardIndustryClassCode/@code") == "AMBULATOIRE"
    assert found(informed, ".//v:telecom") == []
    told = read(build(letter_of(data)))
    assert told.kept_aside == ()
    assert told.letter.recipients == letter_of(data).recipients
    assert told.letter.participants == letter_of(data).participants


def test_the_primary_physician_is_informed_once() -> None:
    doctor = {"rpps": "10100000017", "family": "PREMIER", "specialty": "G15_10/SM26"}
    root = tree(discharge() | {"primary_physician": doctor, "recipients": [doctor]})
    assert len(found(root, "v:participant[@typeCode='INF']")) == 1
    other = doctor | {"specialty": "G15_10/SM02"}
    root = tree(discharge() | {"primary_physician": doctor, "recipients": [other]})
    assert len(found(root, "v:participant[@typeCode='INF']")) == 2


def test_an_informed_person_who_is_no_recipient_stays_a_participant() -> None:
    person = {"rpps": "10100000017", "family": "PREMIER", "specialty": "G15_10/SM26"}
    others = [{"rpps": "10100000025", "family": "PREMIER"}]
    data = discharge() | {"recipients": others, "participants": [{"type": "INF", "person": person}]}
    told = read(build(letter_of(data))).letter
    assert (told.recipients, told.participants) == (letter_of(data).recipients, letter_of(data).participants)


def test_the_unit_of_the_stay_is_told_beside_another_act() -> None:
    data = discharge()
    data["act"] = {"start": "2024-03-06", "performer": {"rpps": "10100000017", "family": "PREMIER"}}
    place = "v:componentOf//v:healthCareFacility/v:location/v:name/text()"
    assert one(tree(data), place) == "Médecine interne"
    assert one(tree(changed(data, "stay.place", "Pavillon A")), place) == "Médecine interne, Pavillon A"
    assert found(tree(changed(discharge(), "stay.place", "Pavillon A")), place) == ["Pavillon A"]


def test_the_practice_setting_of_the_stay_is_that_of_its_act() -> None:
    structure = {"name": "Cabinet", "practice_setting": "AMBULATOIRE"}
    data = changed(changed(discharge(), "legal_authenticator.organization", structure), "stay.unit", ...)
    root = tree(data)
    setting = "v:documentationOf//v:representedOrganization/v:standardIndustryClassCode/@code"
    assert one(root, setting) == data["stay"]["practice_setting"]
    assert one(root, "v:legalAuthenticator//v:standardIndustryClassCode/@code") == "AMBULATOIRE"


def test_one_day_is_one_point_in_time() -> None:
    day = "2024-03-02"
    data = changed(changed(discharge(), "stay.admission", day), "stay.discharge", day)
    root = tree(data)
    assert one(root, "v:componentOf/v:encompassingEncounter/v:effectiveTime/@value") == "20240302"
    event = one(root, "v:documentationOf/v:serviceEvent/v:effectiveTime")
    assert (one(event, "v:low/@value"), one(event, "v:high/@value")) == ("20240302", "20240302")


@pytest.mark.parametrize("code", ["no-known-medications", "no-medication-info"])
def test_no_treatment_is_a_coded_statement(code: str) -> None:
    data = admission() | {"treatments_at_admission": [], "no_treatment_at_admission": {"code": code}}
    entry = one(section(tree(data), "42346-7"), "v:entry/v:substanceAdministration")
    assert one(entry, "v:code/@code") == code
    assert one(entry, "v:code/@codeSystem") == "2.16.840.1.113883.5.1150.1"
    assert one(entry, ".//v:manufacturedMaterial/v:code/@nullFlavor") == "NA"
    assert "traitement" in said(entry, "v:text/v:reference/@value")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("no-known-allergies", "609328004"),
        ("no-allergy-info", "609328004"),
        ("no-known-medication-allergies", "416098002"),
        ("no-known-food-allergies", "414285001"),
        ("no-known-environmental-allergies", "419199007"),
    ],
)
def test_no_allergy_is_a_coded_statement(code: str, kind: str) -> None:
    data = admission() | {"allergies": [], "no_allergy": {"code": code, "text": "Rien de connu"}}
    part = section(tree(data), "48765-2")
    observed = one(part, "v:entry/v:act/v:entryRelationship/v:observation")
    assert (one(observed, "v:code/@code"), one(observed, "v:value/@code")) == (kind, code)
    assert said(observed, "v:value/v:originalText/v:reference/@value") == "Rien de connu"


def test_a_treatment_in_words_needs_no_code() -> None:
    data = admission() | {"treatments_at_admission": ["Paracétamol\nsi douleur"], "no_treatment_at_admission": None}
    entry = one(section(tree(data), "42346-7"), "v:entry/v:substanceAdministration")
    assert said(entry, "v:text/v:reference/@value") == "Paracétamolsi douleur"
    material = one(entry, ".//v:manufacturedMaterial")
    assert one(material, "v:code/@nullFlavor") == "UNK"
    assert one(material, "v:code/v:originalText/v:reference/@value") == one(entry, "v:text/v:reference/@value")


def test_a_treatment_in_codes_says_them_all() -> None:
    treatment = {
        "name": "LEPONEX 100 mg",
        "cis": {"code": "62552920", "display": "LEPONEX 100 mg, comprimé sécable"},
        "atc": {"code": "N05AH02", "display": "Clozapine"},
        "start": "2019-12-03",
        "end": "2020-02-02",
        "timing": {"every": {"value": "1", "unit": "d"}},
        "dose": {"value": "0,5", "unit": "{tbl}", "text": "un demi-comprimé"},
        "max_dose": {"value": "300", "unit": "mg", "per": {"value": "1", "unit": "d"}},
        "dosing_mode": "tapered",
        "dosing": "un demi, puis un",
    }
    entry = one(
        section(tree(changed(discharge(), "treatments_at_discharge", [treatment])), "10183-2"),
        "v:entry/v:substanceAdministration",
    )
    assert "1.3.6.1.4.1.19376.1.5.3.1.4.8" in found(entry, "v:templateId/@root")
    first, second = found(entry, "v:effectiveTime")
    assert (one(first, "v:low/@value"), one(first, "v:high/@value")) == ("20191203", "20200202")
    assert one(second, "v:period/@unit") == "d"
    assert found(entry, "v:doseQuantity/*/@value") == ["0.5", "0.5"]
    assert said(entry, "v:doseQuantity/v:low//v:reference/@value") == "un demi-comprimé"
    assert one(entry, "v:maxDoseQuantity/v:numerator/@value") == "300"
    assert one(entry, ".//v:manufacturedMaterial/v:code/@code") == "62552920"
    assert one(entry, ".//v:manufacturedMaterial/v:code/v:translation/@codeSystemName") == "ATC"
    assert said(entry, ".//v:act[v:code/@code='PINSTRUCT']/v:text/v:reference/@value") == "un demi, puis un"


def test_a_dispensing_unit_is_named_in_its_system() -> None:
    treatment = {"name": "CLOZAPINE", "ucd": "3400892069784"}
    part = section(tree(changed(discharge(), "treatments_at_discharge", [treatment])), "10183-2")
    told = one(part, ".//v:manufacturedMaterial/v:code/v:translation")
    assert (told.get("codeSystem"), told.get("codeSystemName")) == ("1.2.250.1.213.2.62", "UCD")
    assert "[UCD 3400892069784]" in "".join(one(part, "v:text").itertext())


def test_the_six_events_are_always_told_and_the_synthesis_has_an_author() -> None:
    bare = {
        name: value for name, value in discharge().items() if name not in ("adverse_event", "micro_organisms_found")
    }
    part = section(tree(bare), "42545-4")
    codes = found(part, "v:entry/v:observation/v:code/@code")
    assert [code for code in codes if code in "ORG-070 ORG-074 MED-142 MED-309 MED-145 MED-147"] == [
        "ORG-070",
        "ORG-074",
        "MED-142",
        "MED-309",
        "MED-145",
        "MED-147",
    ]
    synthesis = one(part, "v:entry/v:observation[v:code/@code='MED-142']")
    assert found(synthesis, "v:author")


@pytest.mark.parametrize("stage", ["to_request", "booked", "done"])
def test_each_stage_of_an_encounter_is_told_apart(stage: str) -> None:
    plan = {"encounters": [{"text": "Cardiologue", "stage": stage}]}
    entry = one(section(tree(discharge() | {"plan_of_care": plan}), "18776-5"), "v:entry/v:encounter")
    expected = {"to_request": ("ARQ", "new"), "booked": ("ARQ", "active"), "done": ("EVN", "completed")}
    assert (entry.get("moodCode"), one(entry, "v:statusCode/@code")) == expected[stage]


HARD = "]]> <b>&amp;</b> & \"x\" 'y' < z > \u00a0é漢🙂"


def test_what_is_markup_elsewhere_is_text_here() -> None:
    root = tree(changed(discharge(), "reason", HARD) | {"title": HARD})
    assert one(section(root, "42349-1"), "string(v:text)") == HARD
    assert one(root, "v:title/text()") == " ".join(HARD.split())
    treatment = {"name": HARD, "cis": {"code": "62552920", "display": HARD}}
    material = one(
        section(tree(changed(discharge(), "treatments_at_discharge", [treatment])), "10183-2"),
        ".//v:manufacturedMaterial",
    )
    assert one(material, "v:code/@displayName") == " ".join(HARD.split())


def test_a_text_keeps_its_lines() -> None:
    root = tree(changed(discharge(), "reason", "un\n\ntrois"))
    content = one(section(root, "42349-1"), "v:text/v:paragraph/v:content")
    assert [str(node.tag).removeprefix(NAME) for node in content] == ["br", "br"]
    event = tree(changed(discharge(), "medical_synthesis", {"text": "un\n\ntrois"}))
    assert one(event, "//v:observation[v:code/@code='MED-142']/v:value/text()") == "un\n\ntrois"


PROGRAM = (
    "import hashlib; from connector.letter.build import build; from connector.letter.plain import letter_of;"
    "from tests.letter.letters import discharge; print(hashlib.sha256(build(letter_of(discharge()))).hexdigest())"
)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_writes_the_same_bytes(seed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Auckland"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == hashlib.sha256(build(letter_of(discharge()))).hexdigest()


def paths(value: Any, before: str = "") -> Iterator[str]:
    """Every place of plain data, groups and leaves."""
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in places:
        path = f"{before}.{name}" if before else str(name)
        yield path
        yield from paths(item, path)


@pytest.mark.parametrize("data", [discharge, admission, unstructured])
def test_nothing_that_a_letter_says_is_left_aside(data: Any) -> None:
    whole = data()
    built = build(letter_of(whole))
    tried = 0
    silent = []
    for path in paths(whole):
        less = changed(deepcopy(whole), path, ...)
        try:
            letter = letter_of(less)
        except LetterError:
            continue
        tried += 1
        if build(letter) == built and letter != letter_of(whole):
            silent.append(path)
    assert tried > 20
    assert silent == []
