"""The header reader on our own letter, whole and broken."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.cda.model import Coded, InstanceId
from connector.ins.model import OID_NIR_TEST, MatriculeIns
from tests.cda.letters import LETTER, letter, letter_without, self_presenting


def test_the_whole_letter() -> None:
    header = read_header(letter())
    assert header.id == InstanceId("2.25.329800735698586629295641978511506172918")
    assert header.set_id == InstanceId("2.25.1", "S")
    assert header.version == "2"
    assert [template.root for template in header.templates] == [
        "2.16.840.1.113883.2.8.2.1",
        "1.2.250.1.213.1.1.1.1",
        "1.2.250.1.213.1.1.1.29",
    ]
    assert header.code == Coded("11490-0", "2.16.840.1.113883.6.1", "Lettre de liaison à la sortie")
    assert header.title == "Lettre de liaison du service de cardiologie"
    assert header.effective_time == "20261120163000+0100"
    assert header.confidentiality == Coded("N", "2.16.840.1.113883.5.25", "Normal")
    assert header.language == "fr-FR"
    assert header.facility == Coded("SA01", "1.2.250.1.71.4.2.4", "Etablissement public de santé")
    assert header.replaced_id == InstanceId("2.25.17")
    assert (header.body, header.body_media_type, header.self_presenting) == ("structured", "", False)


def test_the_patient_is_read_through_comments() -> None:
    header = read_header(letter())
    assert header.patient_ids == (
        InstanceId(OID_NIR_TEST, "279035121518989"),
        InstanceId("1.2.250.1.999.1", "000003"),
    )
    assert header.ins() == MatriculeIns("279035121518989", OID_NIR_TEST)
    traits = header.traits
    assert (traits.birth_name, traits.first_given, traits.given_names) == (
        "PAT-TROIS",
        "DOMINIQUE",
        "DOMINIQUE MARIE-LOUISE",
    )
    assert (traits.used_name, traits.used_given) == ("PAT-TROIS-USUEL", "DOMI")
    assert (traits.birth_date, traits.sex, traits.birth_place) == ("19790328", "F", "63220")
    assert traits.missing() == ()


def test_authors_person_and_device() -> None:
    person, device = read_header(letter()).authors
    assert person.id == InstanceId("1.2.250.1.71.4.2.1", "801234564895"), "the national id wins over the local one"
    assert (person.family, person.given, person.device) == ("THOMAS", "Eric", False)
    assert person.code == Coded("G15_10/SM04", "1.2.250.1.213.1.1.4.5", "Médecin - Cardiologie")
    assert person.function is not None
    assert person.function.display == "Médecin responsable"
    assert person.organization is not None
    assert person.organization.id == InstanceId("1.2.250.1.71.4.2.2", "1120456789")
    assert (device.family, device.given, device.device) == ("Logiciel", "Modele-1", True)
    assert device.organization is None


def test_authenticator_custodian_and_service_event() -> None:
    header = read_header(letter())
    assert header.legal_authenticator is not None
    assert header.legal_authenticator.family == "Hoda"
    assert header.legal_authenticator.time == "20261120164500+0100"
    assert header.custodian is not None
    assert header.custodian.name == "Organisation-Y"
    (event,) = header.service_events
    assert event.code == Coded("IMP", "2.16.840.1.113883.5.4", "Hospitalisation")
    assert (event.low, event.high) == ("20261110090000+0100", "20261120150000+0100")
    assert event.setting is not None
    assert event.setting.code == "ETABLISSEMENT"


@pytest.mark.parametrize(
    ("path", "field", "empty"),
    [
        ("v3:title", "title", ""),
        ("v3:languageCode", "language", ""),
        ("v3:setId", "set_id", None),
        ("v3:versionNumber", "version", ""),
        ("v3:templateId", "templates", ()),
        ("v3:author", "authors", ()),
        ("v3:custodian", "custodian", None),
        ("v3:legalAuthenticator", "legal_authenticator", None),
        ("v3:documentationOf", "service_events", ()),
        ("v3:relatedDocument", "replaced_id", None),
        ("v3:componentOf", "facility", None),
        ("v3:component", "body", "none"),
        ("v3:recordTarget/v3:patientRole/v3:id", "patient_ids", ()),
    ],
)
def test_optional_elements_may_be_absent(path: str, field: str, empty: object) -> None:
    assert getattr(read_header(letter_without(path)), field) == empty


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("v3:family[@qualifier='BR']", "birth_name"),
        ("v3:given[@qualifier='BR']", "first_given"),
        ("../v3:birthTime", "birth_date"),
        ("../v3:administrativeGenderCode", "sex"),
        ("../v3:birthplace", "birth_place"),
    ],
)
def test_an_absent_trait_is_missing_by_name(path: str, field: str) -> None:
    parent = "v3:recordTarget/v3:patientRole/v3:patient"
    full = f"{parent}/{path[3:]}" if path.startswith("../") else f"{parent}/v3:name/{path}"
    assert read_header(letter_without(full)).traits.missing() == (field,)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (letter_without("v3:id"), "id/@root"),
        (letter_without("v3:code"), "code/@code"),
        (letter_without("v3:effectiveTime"), "effectiveTime/@value"),
        (letter_without("v3:confidentialityCode"), "confidentialityCode/@code"),
        (letter_without("v3:recordTarget"), "recordTarget"),
        (letter(("<recordTarget>", "<recordTarget/><recordTarget>")), "recordTarget"),
        (
            letter(('<effectiveTime value="20261120163000+0100"/>', '<effectiveTime nullFlavor="UNK"/>')),
            "effectiveTime/@value",
        ),
        (letter(('<code code="11490-0"', '<code nullFlavor="UNK"')), "code/@code"),
        (letter(('<id root="2.25.3298', '<id nullFlavor="NI" x="2.25.3298')), "id/@root"),
        (letter(("urn:hl7-org:v3", "urn:hl7-org:v4")), "/*"),
        (LETTER.replace("ClinicalDocument", "Document").encode(), "/*"),
        (LETTER.replace("<ClinicalDocument", '<!DOCTYPE x [<!ENTITY e "e">]><ClinicalDocument', 1).encode(), "CDA"),
        (LETTER.encode()[:-20], "CDA"),
        (b"", "CDA"),
        (b"Bonjour", "CDA"),
        (b"%PDF-1.7 ...", "document"),
        (b"MSH|^~\\&|", "document"),
        (b"{\\rtf1", "document"),
        (self_presenting().replace(b"c:Contenu", b"c:Autre"), "/*"),
    ],
)
def test_refusals_name_the_field(document: bytes, field: str) -> None:
    with pytest.raises(CdaError) as caught:
        read_header(document)
    assert caught.value.context["field"] == field
    assert caught.value.context["found"]
    assert caught.value.context["expected"]


def test_a_zip_is_named() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("DOC0001.XML", LETTER)
    with pytest.raises(CdaError) as caught:
        read_header(buffer.getvalue())
    assert caught.value.context["found"] == "ZIP archive"


def test_the_cap_is_a_refusal() -> None:
    with pytest.raises(CdaError) as caught:
        read_header(letter(), cap=100)
    assert caught.value.context["limit"] == 100


def test_a_refusal_shows_no_identity() -> None:
    broken = letter(('<family qualifier="BR">PAT-TROIS</family>', "<family>PAT-TROIS"))
    with pytest.raises(CdaError) as caught:
        read_header(broken)
    shown = str(caught.value) + str(caught.value.context)
    assert "PAT-TROIS" not in shown
    assert "279035121518989" not in shown


def test_self_presenting_documents_are_read_from_inside() -> None:
    header = read_header(self_presenting())
    assert header.self_presenting
    assert header.traits == read_header(letter()).traits


@pytest.mark.parametrize(("href", "expected"), [("#", True), ("#style", True), ("letter.xsl", False), ("", False)])
def test_an_instruction_pointing_inside_makes_it_self_presenting(href: str, expected: bool) -> None:
    document = letter(('href="letter.xsl"', f'href="{href}"'))
    assert read_header(document).self_presenting is expected


def test_unstructured_body() -> None:
    body = '<nonXMLBody><text mediaType="application/pdf" representation="B64">JVBERi0=</text></nonXMLBody>'
    header = read_header(letter(("<structuredBody/>", body)))
    assert (header.body, header.body_media_type) == ("non-xml", "application/pdf")


def test_a_body_above_the_usual_text_limit_is_read() -> None:
    body = f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{"A" * 11_000_000}</text></nonXMLBody>'
    assert read_header(letter(("<structuredBody/>", body))).body == "non-xml"


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        ("<family qualifier='BR'>A</family><family qualifier='SP'>B</family>", ("A", "B")),
        ("<family>A</family>", ("A", "")),
        ("<family>A</family><family qualifier='CL'>B</family>", ("A", "B")),
        ("<family qualifier='BR CL'>A</family>", ("A", "A")),
        ("<family qualifier='BR'><!-- A --></family><family qualifier='BR'>B</family>", ("B", "")),
    ],
)
def test_family_names_old_and_new(planted: str, expected: tuple[str, str]) -> None:
    found = '<family qualifier="BR">PAT-TROIS</family>'
    document = letter((found, planted), ('<family qualifier="CL">PAT-TROIS-USUEL</family>', ""))
    traits = read_header(document).traits
    assert (traits.birth_name, traits.used_name) == expected


@pytest.mark.parametrize(
    ("plain", "expected"),
    [("<given>ANNE</given><given>MARIE</given>", "ANNE"), ("<given>ANNE MARIE</given>", ""), ("", "")],
)
def test_first_given_name_when_nothing_is_qualified(plain: str, expected: str) -> None:
    document = letter(("<given>DOMINIQUE MARIE-LOUISE</given>", plain), ('<given qualifier="BR">DOMINIQUE</given>', ""))
    assert read_header(document).traits.first_given == expected


@pytest.mark.parametrize(("code", "sex"), [("F", "F"), ("M", "M"), ("UN", "U"), ("X", "")])
def test_sex_mapping(code: str, sex: str) -> None:
    found = '<administrativeGenderCode code="F"'
    assert read_header(letter((found, f'<administrativeGenderCode code="{code}"'))).traits.sex == sex


def test_an_event_may_write_one_instant() -> None:
    found = '<effectiveTime><low value="20261110090000+0100"/><high value="20261120150000+0100"/></effectiveTime>'
    (event,) = read_header(letter((found, '<effectiveTime value="20261110"/>'))).service_events
    assert (event.low, event.high) == ("20261110", "")


def test_a_document_that_only_appends_replaces_nothing() -> None:
    assert read_header(letter(('typeCode="RPLC"', 'typeCode="XFRM"'))).replaced_id is None


def test_another_encoding() -> None:
    document = LETTER.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("latin-1")
    assert read_header(document).facility == read_header(letter()).facility


def test_the_header_shows_no_identity() -> None:
    assert "PAT-TROIS" not in repr(read_header(letter()))
    assert "279035121518989" not in repr(read_header(letter()))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_garbage_is_refused(content: bytes) -> None:
    with pytest.raises(CdaError):
        read_header(content)


def outcome(content: bytes) -> str:
    """The document's id, or the field that made it refused; anything else than CdaError goes through."""
    try:
        return read_header(content).id.root
    except CdaError as refusal:
        return str(refusal.context["field"])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_letter_cut_anywhere_or_with_a_byte_changed_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(letter())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for mutated in (bytes(content), bytes(content[:cut])):
        assert outcome(mutated)


name = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"), min_size=1
)


@settings(max_examples=100, deadline=None)
@given(family=name, given=name, title=name)
def test_any_text_is_read_as_written(family: str, given: str, title: str) -> None:
    root = etree.fromstring(letter())
    for path, value in (
        (".//{*}family[@qualifier='BR']", family),
        (".//{*}given[@qualifier='BR']", given),
        ("{*}title", title),
    ):
        node = root.find(path)
        assert node is not None
        for comment in node:
            node.remove(comment)
        node.text = value
    header = read_header(etree.tostring(root))
    assert (header.traits.birth_name, header.traits.first_given, header.title) == (family, given, title)
