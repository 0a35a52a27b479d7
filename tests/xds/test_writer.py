"""Writing: round trip of any value, schema order, nothing empty on the wire."""

from __future__ import annotations

from hypothesis import given, settings
from lxml import etree

from connector.base.ns import RIM, q
from connector.base.xmlsafe import parse_xml
from connector.xds import ebrim
from connector.xds.model import Author, Code, DocumentEntry, Submission
from connector.xds.slots import new_ids
from tests.xds.samples import ENTRY
from tests.xds.strategies import SUBMISSIONS

ORDER = ["Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier"]


def written(submission: Submission) -> etree._Element:
    root = etree.Element("root", nsmap={"rim": RIM})
    ebrim.add_submission(root, submission)
    return parse_xml(etree.tostring(root))[0]


@settings(max_examples=60)
@given(SUBMISSIONS)
def test_what_is_written_reads_back_the_same(submission: Submission) -> None:
    read = ebrim.read_objects(written(submission))
    assert read.submission_sets == [submission.submission_set]
    assert tuple(read.entries) == submission.entries
    assert tuple(read.associations) == submission.associations


@settings(max_examples=30)
@given(SUBMISSIONS)
def test_children_follow_the_schema_and_ids_are_unique(submission: Submission) -> None:
    listing = written(submission)
    for node in listing:
        ranks = [ORDER.index(etree.QName(child).localname) for child in node]
        assert ranks == sorted(ranks)
    made = [node.get("id") for tag in ("Classification", "ExternalIdentifier") for node in listing.iter(q(RIM, tag))]
    assert len(made) == len(set(made))
    assert all(value.text for value in listing.iter(q(RIM, "Value")))


def test_every_classification_and_identifier_names_its_owner() -> None:
    root = etree.Element("root", nsmap={"rim": RIM})
    ebrim.add_entry(root, ENTRY, iter(range(100)))
    owners = {node.get("classifiedObject") for node in root.iter(q(RIM, "Classification"))}
    owners |= {node.get("registryObject") for node in root.iter(q(RIM, "ExternalIdentifier"))}
    assert owners == {ENTRY.entry_uuid}


MINIMAL = DocumentEntry(
    entry_uuid="Document01",
    unique_id="1.2.3",
    patient_id="1^^^&1.2&ISO",
    mime_type="text/xml",
    class_code=Code("10", "1.9", "Compte rendu"),
    type_code=None,
    format_code=None,
    facility_type=None,
    practice_setting=None,
    confidentiality=(),
    creation_time="20260110083000",
    language="fr-FR",
    source_patient_id="",
    title="Titre & suite",
    authors=(Author(person="1^A^B"),),
)
MINIMAL_XML = (
    '<rim:ExtrinsicObject xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" id="Document01" '
    'objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" mimeType="text/xml">'
    '<rim:Slot name="creationTime"><rim:ValueList><rim:Value>20260110083000</rim:Value></rim:ValueList></rim:Slot>'
    '<rim:Slot name="languageCode"><rim:ValueList><rim:Value>fr-FR</rim:Value></rim:ValueList></rim:Slot>'
    '<rim:Name><rim:LocalizedString charset="UTF8" xml:lang="FR" value="Titre &amp; suite"/></rim:Name>'
    '<rim:Classification id="cl001" classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d" '
    'classifiedObject="Document01" nodeRepresentation="">'
    '<rim:Slot name="authorPerson"><rim:ValueList><rim:Value>1^A^B</rim:Value></rim:ValueList></rim:Slot>'
    "</rim:Classification>"
    '<rim:Classification id="cl002" classificationScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a" '
    'classifiedObject="Document01" nodeRepresentation="10">'
    '<rim:Slot name="codingScheme"><rim:ValueList><rim:Value>1.9</rim:Value></rim:ValueList></rim:Slot>'
    '<rim:Name><rim:LocalizedString charset="UTF8" xml:lang="FR" value="Compte rendu"/></rim:Name></rim:Classification>'
    '<rim:ExternalIdentifier id="ei003" registryObject="Document01" '
    'identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" value="1^^^&amp;1.2&amp;ISO">'
    '<rim:Name><rim:LocalizedString charset="UTF8" xml:lang="FR" value="XDSDocumentEntry.patientId"/></rim:Name>'
    "</rim:ExternalIdentifier>"
    '<rim:ExternalIdentifier id="ei004" registryObject="Document01" '
    'identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="1.2.3">'
    '<rim:Name><rim:LocalizedString charset="UTF8" xml:lang="FR" value="XDSDocumentEntry.uniqueId"/></rim:Name>'
    "</rim:ExternalIdentifier></rim:ExtrinsicObject>"
)


def test_a_small_entry_byte_for_byte() -> None:
    root = etree.Element("root", nsmap={"rim": RIM})
    ebrim.add_entry(root, MINIMAL, new_ids())
    assert etree.tostring(root[0], encoding="unicode") == MINIMAL_XML
