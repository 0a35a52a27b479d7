"""The tolerant reader: a good letter, one change, and what is read, listed or refused."""

from __future__ import annotations

import pytest
from lxml import etree

from connector.letter import LetterError, letter_of
from connector.letter.build import build
from connector.letter.model import AdmissionLetter, DischargeLetter, Letter
from connector.letter.read import Kept, header_only, read
from connector.letter.read.narrative import plain
from tests.letter.letters import admission, changed, discharge, unstructured

V3 = {"v3": "urn:hl7-org:v3"}
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Document:
    """A built letter to change by XPath."""

    def __init__(self, letter: Letter) -> None:
        self.root = etree.fromstring(build(letter))

    def at(self, path: str) -> etree._Element:
        found = self.root.xpath(path, namespaces=V3)
        assert isinstance(found, list)
        assert found, path
        assert isinstance(found[0], etree._Element)
        return found[0]

    def section(self, loinc: str) -> str:
        return f"//v3:section[v3:code/@code='{loinc}']"

    def drop(self, path: str) -> None:
        for element in self.root.xpath(path, namespaces=V3):  # type: ignore[union-attr]
            element.getparent().remove(element)  # type: ignore[union-attr, arg-type]

    def narrate(self, loinc: str, text: str) -> None:
        """Another narrative, and no entries."""
        self.drop(f"{self.section(loinc)}/v3:entry")
        section = self.at(self.section(loinc))
        former = self.at(f"{self.section(loinc)}/v3:text")
        section.replace(former, etree.fromstring(f'<text xmlns="urn:hl7-org:v3">{text}</text>'))

    def read(self) -> tuple[Letter, tuple[Kept, ...]]:
        told = read(etree.tostring(self.root))
        return told.letter, told.kept_aside


@pytest.fixture
def leaving() -> Document:
    return Document(letter_of(discharge()))


@pytest.fixture
def entering() -> Document:
    return Document(letter_of(admission()))


def _discharge(document: Document) -> DischargeLetter:
    letter, _ = document.read()
    assert isinstance(letter, DischargeLetter)
    return letter


def _whats(kept: tuple[Kept, ...]) -> list[tuple[str, str]]:
    return [(item.what, item.value) for item in kept]


def _paths(document: Document) -> list[str]:
    with pytest.raises(LetterError) as refused:
        document.read()
    return [fault.path for fault in refused.value.faults]


@pytest.mark.parametrize("data", [discharge(), admission(), unstructured()])
def test_samples_come_back_as_they_are(data: dict[str, object]) -> None:
    told = read(build(letter_of(data)))
    assert told.kept_aside == ()
    assert build(told.letter) == build(letter_of(data))


# Old and odd documents


def test_a_model_of_another_version_and_old_templates_are_read(leaving: Document) -> None:
    whole = _discharge(leaving)
    leaving.at("/*/v3:templateId[@root='1.2.250.1.213.1.1.1.29']").set("extension", "2017.01")
    leaving.drop(
        "//v3:templateId[starts-with(@root, '1.2.250.1.213.1.1.2') or starts-with(@root, '1.2.250.1.213.1.1.3')]"
    )
    assert _discharge(leaving) == whole


def test_a_letter_without_the_template_of_its_model_is_known_by_its_code(leaving: Document) -> None:
    leaving.drop("/*/v3:templateId")
    assert _discharge(leaving).kind == "discharge"


def test_a_section_is_known_by_its_template_when_its_code_is_another(leaving: Document) -> None:
    leaving.at(f"{leaving.section('42349-1')}/v3:code").set("code", "29299-5")
    assert _discharge(leaving).reason == letter_of(discharge()).reason  # type: ignore[union-attr]


def test_sections_may_stand_in_another_order_and_inside_others(leaving: Document) -> None:
    whole = _discharge(leaving)
    body = leaving.at("//v3:structuredBody")
    body[:] = list(reversed(body))
    last = body[-1]
    body.remove(last)
    body[0][0].append(last)
    assert _discharge(leaving) == whole


def test_a_self_presenting_document_is_read(leaving: Document) -> None:
    sheet = etree.fromstring(
        '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform">'
        '<Contenu xmlns="urn:asip-sante:ci-sis"/></x:stylesheet>'
    )
    sheet[0].append(leaving.root)
    assert read(etree.tostring(sheet)).letter.id == letter_of(discharge()).id


def test_old_names_of_a_patient(leaving: Document) -> None:
    leaving.drop("//v3:patient/v3:name/*")
    name = leaving.at("//v3:patient/v3:name")
    for tag, qualifier, text in (("family", "SP", "DURAND"), ("family", "", "PAT-TROIS"), ("given", "", "DOMINIQUE")):
        element = etree.SubElement(name, f"{{urn:hl7-org:v3}}{tag}", {"qualifier": qualifier} if qualifier else {})
        element.text = text
    patient = _discharge(leaving).patient
    assert (patient.birth_family, patient.used_family) == ("PAT-TROIS", "DURAND")
    assert patient.first_birth_given == "DOMINIQUE"


def test_the_stay_is_completed_by_the_act_it_is(leaving: Document) -> None:
    whole = _discharge(leaving).stay
    leaving.drop("//v3:encompassingEncounter/v3:effectiveTime/v3:high")
    assert _discharge(leaving).stay == whole


def test_a_dispensing_unit_under_the_oid_of_the_guides_is_one() -> None:
    data = changed(discharge(), "treatments_at_discharge", [{"name": "CLOZAPINE", "ucd": "3400892069784"}])
    document = Document(letter_of(data))
    document.at("//v3:translation[@codeSystem='1.2.250.1.213.2.62']").set("codeSystem", "1.2.250.1.213.2.61")
    letter, kept = document.read()
    assert build(letter) == build(letter_of(data))
    assert kept == ()


# Narratives without entries


def test_rows_of_a_table_without_entries_are_a_treatment_each(leaving: Document) -> None:
    leaving.narrate(
        "10183-2",
        "<table><thead><tr><th>Médicament</th><th>Dose</th></tr></thead><tbody>"
        "<tr><td>LEPONEX 100 mg</td><td>1 comprimé</td></tr>"
        "<tr><td>SOLIAN <content>100 mg</content></td><td/></tr></tbody></table>"
        "<paragraph>Ne rien<br/>arrêter seul</paragraph>",
    )
    letter, kept = leaving.read()
    assert isinstance(letter, DischargeLetter)
    assert [item.text for item in letter.treatments_at_discharge] == [
        "Médicament : LEPONEX 100 mg ; Dose : 1 comprimé",
        "Médicament : SOLIAN 100 mg",
        "Ne rien\narrêter seul",
    ]
    assert kept == ()


def test_a_narrative_is_readable_text() -> None:
    text = """<text xmlns="urn:hl7-org:v3">
        <paragraph>Première   ligne,
            la même</paragraph>
        <list><item>un</item><item>deux<br/>suite</item></list>
        <table><caption>Bilan</caption><tbody><tr><th>Poids</th><td>62 kg</td></tr>
        <tr><td>a</td><td>b</td><td>c</td></tr></tbody></table> fin <!-- rien -->
    </text>"""
    assert plain(etree.fromstring(text)) == (
        "Première   ligne, la même\n- un\n- deux\nsuite\nBilan\nPoids : 62 kg\na | b | c\nfin"
    )


def test_a_comment_that_only_the_table_has_is_read(entering: Document) -> None:
    entering.drop("//v3:substanceAdministration/v3:entryRelationship")
    letter, _ = entering.read()
    whole = letter_of(admission())
    assert isinstance(letter, AdmissionLetter)
    assert isinstance(whole, AdmissionLetter)
    assert [item.comment for item in letter.treatments_at_admission] == [
        item.comment for item in whole.treatments_at_admission
    ]


# What is set aside


def test_a_treatment_that_is_denied_is_never_read_as_given(leaving: Document) -> None:
    entry = leaving.at(f"{leaving.section('10183-2')}//v3:substanceAdministration")
    entry.getparent().addnext(etree.fromstring(etree.tostring(entry.getparent())))  # type: ignore[union-attr, arg-type]
    entry.set("negationInd", "true")
    whole = letter_of(discharge())
    letter, kept = leaving.read()
    assert isinstance(letter, DischargeLetter)
    assert isinstance(whole, DischargeLetter)
    assert len(letter.treatments_at_discharge) == len(whole.treatments_at_discharge)
    assert "entrée qui nie (negationInd)" in [item.what for item in kept]


def test_an_event_that_did_not_take_place_is_no_event(leaving: Document) -> None:
    leaving.at("//v3:observation[v3:code/@code='MED-145']").set("moodCode", "INT")
    assert _paths(leaving) == ["transfusion"]


def test_a_section_of_another_kind_is_listed_with_its_text(leaving: Document) -> None:
    other = etree.fromstring(
        '<component xmlns="urn:hl7-org:v3"><section><code code="29762-2" displayName="Habitus"/>'
        "<title>Mode de vie</title><text>Tabac : 10 par jour</text></section></component>"
    )
    leaving.at("//v3:structuredBody").append(other)
    _, kept = leaving.read()
    (found,) = kept
    assert found.what == "partie du document"
    assert "Tabac : 10 par jour" in found.value
    assert found.path.startswith("/ClinicalDocument/component/structuredBody/component[")


def test_text_around_a_table_is_listed(leaving: Document) -> None:
    narrative = leaving.at(f"{leaving.section('10183-2')}/v3:text")
    etree.SubElement(narrative, "{urn:hl7-org:v3}paragraph").text = "Surveiller la kaliémie"
    assert ("élément paragraph", "Surveiller la kaliémie") in _whats(leaving.read()[1])


def test_a_cell_that_contradicts_its_entry_is_listed(entering: Document) -> None:
    cell = entering.at(f"{entering.section('48765-2')}//v3:td[normalize-space()='en cours']")
    cell.text = "terminé"
    assert ("texte du récit", "terminé") in _whats(entering.read()[1])


def test_a_dangling_reference_is_listed(leaving: Document) -> None:
    leaving.at("//v3:observation[v3:code/@code='MED-309']/v3:text/v3:reference").set("value", "#nulle-part")
    _, kept = leaving.read()
    assert ("référence sans cible dans le texte", "#nulle-part") in _whats(kept)


def test_a_reference_without_its_sign_is_followed(leaving: Document) -> None:
    pointer = leaving.at("//v3:observation[v3:code/@code='MED-142']/v3:text/v3:reference")
    pointer.set("value", str(pointer.get("value")).removeprefix("#"))
    assert leaving.read() == (_discharge(Document(letter_of(discharge()))), ())


def test_a_time_whose_zone_nobody_said_keeps_its_day(leaving: Document) -> None:
    for path in ("//v3:encompassingEncounter/v3:effectiveTime/v3:low", "//v3:serviceEvent/v3:effectiveTime/v3:low"):
        leaving.at(path).set("value", "20191029111700")
    letter, kept = leaving.read()
    assert letter.stay.admission == "2019-10-29"
    assert _whats(kept) == [("heure sans fuseau horaire", "20191029111700")] * 2


def test_a_dose_whose_unit_is_unusable_goes_as_a_whole(leaving: Document) -> None:
    path = f"{leaving.section('10183-2')}//v3:doseQuantity"
    for bound in ("low", "high"):
        leaving.at(f"{path}/v3:{bound}").set("unit", "deux cuillères")
    letter, kept = leaving.read()
    assert isinstance(letter, DischargeLetter)
    assert letter.treatments_at_discharge[0].dose is None
    (found,) = [item for item in kept if item.path == "treatments_at_discharge[0].dose"]
    assert found.what == "l'unité contient un nombre"
    assert "deux cuillères" in found.value


def test_a_second_telephone_that_is_none_goes_alone(leaving: Document) -> None:
    role = leaving.at("//v3:patientRole")
    for value in ("bip 12", "bip 13"):
        telecom = etree.Element("{urn:hl7-org:v3}telecom", value=value)
        leaving.at("//v3:patientRole/v3:patient").addprevious(telecom)
    assert role.findall("{urn:hl7-org:v3}telecom")
    letter, kept = leaving.read()
    assert letter.patient.telecoms == letter_of(discharge()).patient.telecoms
    assert sorted(item.value for item in kept) == ["bip 12", "bip 13"]


def test_what_is_kept_aside_is_not_shown_by_accident() -> None:
    assert "PAT-TROIS" not in repr(Kept("/ClinicalDocument", "nom", "PAT-TROIS"))


# Refusals


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("//v3:patient/v3:birthTime", "patient.birth_date"),
        ("//v3:custodian", "custodian"),
        ("//v3:legalAuthenticator", "legal_authenticator"),
        ("/*/v3:effectiveTime", "effective_time"),
        ("//v3:section[v3:code/@code='42349-1']", "reason"),
        ("//v3:observation[v3:code/@code='ORG-074']", "mode_of_exit"),
        ("//v3:section[v3:code/@code='10183-2']", "treatments_at_discharge"),
    ],
)
def test_what_a_letter_cannot_do_without_is_refused_with_its_path(leaving: Document, path: str, fault: str) -> None:
    leaving.drop(path)
    assert _paths(leaving) == [fault]


def test_a_treatment_that_cannot_be_named_is_refused_rather_than_dropped(leaving: Document) -> None:
    entry = f"{leaving.section('10183-2')}/v3:entry[1]/v3:substanceAdministration"
    leaving.drop(f"{entry}//v3:manufacturedMaterial/v3:name")
    leaving.drop(f"{entry}//v3:reference")
    assert _paths(leaving) == ["treatments_at_discharge[0].text"]


@pytest.mark.parametrize(
    ("cda", "text"),
    [
        (b"%PDF-1.4", "le document n'est pas un XML lisible"),
        (b"<a/>", "le document n'est pas un CDA"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "le document n'est pas un XML lisible"),
        (b"<a>" + b" " * 2000 + b"</a>", "le document est trop grand"),
    ],
)
def test_what_is_no_cda_is_refused(cda: bytes, text: str) -> None:
    with pytest.raises(LetterError) as refused:
        read(cda, cap=1000)
    assert [fault.text for fault in refused.value.faults] == [text]


def test_a_document_nested_too_deep_is_refused(leaving: Document) -> None:
    place = leaving.at(f"{leaving.section('42349-1')}/v3:text")
    for _ in range(300):
        place = etree.SubElement(place, "{urn:hl7-org:v3}content")
    with pytest.raises(LetterError) as refused:
        leaving.read()
    assert [fault.text for fault in refused.value.faults] == ["le document est trop imbriqué"]


def test_more_than_anyone_would_read_is_counted(leaving: Document) -> None:
    for number in range(3000):
        place = etree.Element("{urn:hl7-org:v3}telecom", value=f"tel:{number:010}")
        leaving.at("//v3:assignedCustodian").append(place)
    _, kept = leaving.read()
    assert len(kept) == 501
    assert kept[-1].what == "plus de 500 autres éléments que la lettre ne contient pas"


# The head


def test_head() -> None:
    data = changed(discharge(), "version", 2)
    data["replaces"] = {"id": "1.2.3.4", "version": 1}
    letter = letter_of(data)
    head = header_only(build(letter))
    assert (head.document.root, head.version, head.structured) == (letter.id.root, "2", True)
    assert head.set_id is not None
    assert head.set_id.root == letter.set_id.root
    assert head.replaces is not None
    assert head.replaces.root == "1.2.3.4"
    assert head.ins is not None
    assert head.ins.value == letter.patient.ins.value
    assert head.traits.birth_name == letter.patient.birth_family
    assert head.structure == f"1{letter.custodian.finess}"
    assert (head.signed, head.legal_authenticator) == (True, letter.legal_authenticator.id)
    assert letter.patient.birth_family not in repr(head)


def test_head_of_a_document_nobody_answers_for(leaving: Document) -> None:
    leaving.drop("//v3:legalAuthenticator")
    assert header_only(etree.tostring(leaving.root)).signed is False


def test_head_without_identifier_is_refused(leaving: Document) -> None:
    leaving.drop("/*/v3:id")
    with pytest.raises(LetterError) as refused:
        header_only(etree.tostring(leaving.root))
    assert [fault.path for fault in refused.value.faults] == ["id/@root"]
