"""The official examples: read, listed, built again with the same content (docs/letter-roundtrip.md)."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from connector.letter import LetterError
from connector.letter.build import build
from connector.letter.model import AdmissionLetter, DischargeLetter, UnstructuredLetter
from connector.letter.read import Kept, header_only, read
from tests.letter.compare import differences

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = ("LDL-SES_2022.01.xml", "LDL-EES_2022.01.xml", "DOC_NON_STRUCTURE_CDA-R2-N1.xml")
BODY = "/ClinicalDocument/component/structuredBody"


@pytest.fixture(scope="session")
def examples(official_data: Path) -> Path:
    return official_data / "cisis-data" / "examples"


def _explained(name: str) -> list[str]:
    page = (ROOT / "docs" / "letter-roundtrip.md").read_text(encoding="utf-8")
    part = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \| .+ \|$", part, re.MULTILINE)


@pytest.mark.parametrize("name", EXPLAINED)
def test_built_again_every_difference_is_explained(examples: Path, name: str) -> None:
    original = (examples / name).read_bytes()
    rebuilt = build(read(original).letter)
    assert sorted(differences(original, rebuilt)) == sorted(_explained(name))


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_was_built_reads_as_the_same_letter_with_nothing_aside(examples: Path, name: str) -> None:
    letter = read((examples / name).read_bytes()).letter
    again = read(build(letter))
    assert again.letter == letter
    assert again.kept_aside == ()


@pytest.mark.parametrize(
    ("before", "after", "fact"),
    [
        ("<name>LEPONEX 100 mg<", "<name>LEPONEX 50 mg<", "+ 10183-2/1/substanceAdministration/consumable/"),
        ('code="N05AH02"', 'code="N05AH03"', "+ 10183-2/1/substanceAdministration/consumable/"),
        ('ID="statutDoc">En cours', 'ID="statutDoc">Fini', "+ 33557-0/1/observation/text → fini"),
        ("<td>03/12/2019</td>", "<td></td>", "- 10183-2/text: 03/12/2019"),
        ("<postalCode>75007<", "<postalCode>75008<", "+ recordTarget/patientRole/addr/postalCode=75008"),
        ('typeCode="INF"', 'typeCode="REF"', "- participant @typeCode=INF"),
    ],
)
def test_the_comparison_sees(examples: Path, before: str, after: str, fact: str) -> None:
    original = (examples / "LDL-SES_2022.01.xml").read_text(encoding="utf-8")
    assert before in original
    changed = original.replace(before, after)
    assert differences(original.encode(), original.encode()) == []
    assert any(line.startswith(fact) for line in differences(original.encode(), changed.encode()))


def test_discharge(examples: Path) -> None:
    letter = read((examples / "LDL-SES_2022.01.xml").read_bytes()).letter
    assert isinstance(letter, DischargeLetter)
    assert letter.patient.ins.value == "279035121518989"
    assert letter.patient.birth_given_names == ("DOMINIQUE", "MARIE-LOUISE")
    assert letter.primary_physician is not None
    assert letter.primary_physician.family == "MEDIONI"
    assert [person.family for person in letter.recipients] == ["BOILEAU", "DUCOUT"]
    assert letter.act is not None
    assert letter.act.performer.suffix == "DR"
    assert letter.reason == "Episode psychotique – cachexie/anorexie"
    assert letter.mode_of_exit.value.code == "GEN-092.06.01"
    assert letter.medical_synthesis.text == "Infection respiratoire aigüe"
    assert letter.micro_organism_search.value is True
    assert letter.transfusion.value is False
    (stopped,) = letter.treatments_stopped
    assert stopped.name == "SOLIAN 100 mg"
    assert stopped.cip is not None
    assert stopped.cip.code == "3400934874741"
    assert stopped.comment == "arrêt suite à analyses médicales"
    assert stopped.dose is not None
    assert (stopped.dose.value, stopped.dose.unit, stopped.dose.text) == ("1", "{tbl}", None)
    assert letter.examinations == "Echographie attendue"
    assert letter.plan_of_care is not None
    assert [item.text for item in letter.plan_of_care.encounters] == ["Médecin traitant"]
    assert letter.devices[0].udi == "{01}00844588003288{17}141120{10}7654321D{21}10987654d321"
    assert letter.allergies[0].text == "Aucune allergie / intolérance identifiée pendant le séjour"


def test_admission(examples: Path) -> None:
    letter = read((examples / "LDL-EES_2022.01.xml").read_bytes()).letter
    assert isinstance(letter, AdmissionLetter)
    (allergy,) = letter.allergies
    assert allergy.agent is not None
    assert allergy.agent.name == "Paracétamol"
    # The official letter denies the reaction; a reader that missed it would say the contrary.
    assert [(item.text, item.absent) for item in allergy.reactions] == [("Urticaire", True)]
    assert allergy.severity is not None
    assert allergy.severity.code == "6736007"
    (problem,) = letter.medical_history
    assert problem.code is not None
    assert (problem.code.code, problem.start, problem.status) == ("N10", "2018-10-01", "completed")
    assert problem.comment == "aucun commentaire particulier"
    (act,) = letter.surgical_history
    assert (act.start, act.end) == ("2017-08-01", "2017-08-02")
    assert letter.comment == "Texte portant d'autres informations utiles"
    assert letter.participants[0].type.code == "REFB"


def test_level_1(examples: Path) -> None:
    letter = read((examples / "DOC_NON_STRUCTURE_CDA-R2-N1.xml").read_bytes()).letter
    assert isinstance(letter, UnstructuredLetter)
    assert letter.type.code == "11502-2"
    assert letter.body.content.startswith(b"%PDF-1.5")
    assert letter.stay.admission == "2020-07-01"


def test_what_the_discharge_letter_keeps_aside(examples: Path) -> None:
    kept = read((examples / "LDL-SES_2022.01.xml").read_bytes()).kept_aside
    assert set(kept) == {
        Kept(
            f"{BODY}/component[3]/section/entry[9]/observation/text/reference/@value",
            "référence sans cible dans le texte",
            "admiSang",
        ),
        Kept(
            f"{BODY}/component[9]/section/entry/act/entryRelationship/observation/text/reference/@value",
            "référence sans cible dans le texte",
            "#NO-ALL",
        ),
        Kept(
            f"{BODY}/component[9]/section/entry/act/entryRelationship/observation/value/originalText/reference/@value",
            "référence sans cible dans le texte",
            "#",
        ),
        Kept(f"{BODY}/component[1]/section/entry/observation/effectiveTime", "date", "20181203"),
        Kept(
            f"{BODY}/component[3]/section/text/table/tbody/tr[9]",
            "élément tr",
            "Administration de dérivés du sang Non",
        ),
        Kept(f"{BODY}/component[7]/section/text/table[2]/tbody/tr/td[3]", "texte du récit", "01/01/2020"),
        Kept(f"{BODY}/component[8]/section/text/table/tbody/tr/td[1]", "texte du récit", "24/09/2018"),
        Kept(
            f"{BODY}/component[8]/section/text/table/tbody/tr/td[3]",
            "texte du récit",
            "[1.2.250.1.213.1.1.9.9 (OID de test)] eee",
        ),
    }


LEVEL_1 = {
    "BIO-CR-BIO_2021.01_CDA-R2-Niveau-1.xml",
    "DOC_NON_STRUCTURE_CDA-R2-N1.xml",
    "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml",
}


def test_a_structured_document_of_another_kind_is_refused_by_its_code(examples: Path) -> None:
    others = {file.name for file in examples.glob("*.xml")} - LEVEL_1 - set(EXPLAINED)
    assert len(others) == 42
    for name in sorted(others):
        with pytest.raises(LetterError) as refused:
            read((examples / name).read_bytes())
        assert [fault.path for fault in refused.value.faults] == ["code"], name


def test_every_example_has_a_head_which_a_level_1_letter_keeps(examples: Path) -> None:
    for file in sorted(examples.glob("*.xml")):
        head = header_only(file.read_bytes())
        assert head.signed, file.name
        if file.name in LEVEL_1:
            letter = read(file.read_bytes()).letter
            again = header_only(build(letter))
            assert (again.document, again.version, again.ins) == (head.document, head.version, head.ins)


_FIXED = frozenset({"templateId", "typeId", "realmCode", "title", "th"})
"""Elements that are not told: what a document follows, headings."""

_MECHANICS = frozenset(
    {"classCode", "codeSystemName", "contextControlCode", "determinerCode", "ID", "inversionInd", "nullFlavor"}
    | {"operator", "schemaLocation", "type", "typeCode", "border", "align", "colspan"}
)


def _values(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Every attribute, and "" for every text, that says something of this patient and of this stay."""
    for element in root.iter("*"):
        name = etree.QName(element).localname
        parent = "" if element.getparent() is None else etree.QName(element.getparent()).localname
        for key in element.attrib:
            local = etree.QName(key).localname
            made_up = name == "id" and re.fullmatch(r"[0-9A-F-]{36}", element.get(key, ""))
            if (
                name not in _FIXED
                and local not in _MECHANICS
                and not made_up
                and not _says_what(element, parent, local)
            ):
                yield element, str(key)
        label = name == "td" and element.getprevious() is None and len(list(element.itersiblings())) == 1
        if element.text and element.text.strip() and name not in _FIXED and not label:
            yield element, ""


def _says_what(element: etree._Element, parent: str, attribute: str) -> bool:
    """Codes that the template fixes, their system and label; moods of what is tied to an entry."""
    name = etree.QName(element).localname
    fixed = {"section", "observation", "substanceAdministration", "ClinicalDocument"}
    kind = parent == "observation" and element.get("codeSystem") == "2.16.840.1.113883.6.96"
    if name == "code" and parent in fixed and not (kind and attribute == "code"):
        return not kind or element.get("code") == "418799008"
    if name in ("confidentialityCode", "administrativeGenderCode", "functionCode"):
        return attribute != "code"
    return attribute in ("moodCode", "negationInd") and parent in ("entryRelationship", "documentationOf")


@pytest.mark.parametrize("name", EXPLAINED[:2])
def test_nothing_is_lost_in_silence(examples: Path, name: str) -> None:
    """Each value, changed, is a refusal, another letter, or another thing kept aside."""
    cda = (examples / name).read_bytes()
    plain = read(cda)
    root = etree.fromstring(cda)
    places = list(_values(root))
    if os.environ.get("CONNECTOR_PROOF") != "full":
        places = random.Random(2022).sample(places, 120)
    silent = [place for place in places if not _tells(root, *place, plain.letter, plain.kept_aside)]
    assert [f"{root.getroottree().getpath(element)}@{key}" for element, key in silent] == []


def _tells(root: etree._Element, element: etree._Element, key: str, letter: object, kept: tuple[Kept, ...]) -> bool:
    before = element.get(key) if key else element.text
    assert before is not None
    if key:
        element.set(key, f"{before}7")
    else:
        element.text = f"{before} zzz"
    try:
        told = read(etree.tostring(root))
    except LetterError:
        return True
    finally:
        if key:
            element.set(key, before)
        else:
            element.text = before
    return told.letter != letter or told.kept_aside != kept
