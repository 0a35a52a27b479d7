"""ITI-57 byte for byte: a change of status, and a new version of a document's metadata."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import RIM, q
from connector.xds import iti57
from connector.xds.model import APPROVED, DELETED, Author, Code, SubmissionSet
from tests.xds.samples import ENTRY, PATIENT
from tests.xds.test_writer import ORDER

SET = SubmissionSet(
    "SubmissionSet01",
    "2.25.7",
    "1.2.250.1.999.9.1",
    PATIENT,
    "20261121093000",
    Code("97", "1.2.250.1.213.2.2", "Indifférencié"),
    (Author("3120456789/connector^dmp-connector^PFI^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"),),
)
TARGET = "urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-0d9d6a8f1c11"


def slot(name: str, value: str) -> str:
    return f'<rim:Slot name="{name}"><rim:ValueList><rim:Value>{value}</rim:Value></rim:ValueList></rim:Slot>'


def name(value: str) -> str:
    return f'<rim:Name><rim:LocalizedString charset="UTF8" xml:lang="FR" value="{value}"/></rim:Name>'


def identifier(number: int, scheme: str, value: str, label: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="ei{number:03d}" registryObject="SubmissionSet01" '
        f'identificationScheme="urn:uuid:{scheme}" value="{value.replace("&", "&amp;")}">'
        f"{name(f'XDSSubmissionSet.{label}')}</rim:ExternalIdentifier>"
    )


DELETION = (
    '<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" '
    'xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><rim:RegistryObjectList>'
    '<rim:RegistryPackage id="SubmissionSet01">'
    + slot("submissionTime", "20261121093000")
    + '<rim:Classification id="cl001" classificationScheme="urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d" '
    'classifiedObject="SubmissionSet01" nodeRepresentation="">'
    + slot("authorPerson", "3120456789/connector^dmp-connector^PFI^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^U^^^RI")
    + '</rim:Classification><rim:Classification id="cl002" '
    'classificationScheme="urn:uuid:aa543740-bdda-424e-8c96-df4873be8500" '
    'classifiedObject="SubmissionSet01" nodeRepresentation="97">'
    + slot("codingScheme", "1.2.250.1.213.2.2")
    + name("Indifférencié")
    + "</rim:Classification>"
    + identifier(3, "6b5aea1a-874d-4603-a4bc-96a0a7b38446", PATIENT, "patientId")
    + identifier(4, "554ac39e-e3fe-47fe-b233-965d2a147832", "1.2.250.1.999.9.1", "sourceId")
    + identifier(5, "96fdda7c-d067-4183-912e-bf5ee74998a8", "2.25.7", "uniqueId")
    + "</rim:RegistryPackage>"
    '<rim:Classification id="cl006" classifiedObject="SubmissionSet01" '
    'classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>'
    '<rim:Association id="Association01" '
    'associationType="urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus" sourceObject="SubmissionSet01" '
    f'targetObject="{TARGET}" objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association">'
    + slot("OriginalStatus", APPROVED)
    + slot("NewStatus", DELETED)
    + "</rim:Association></rim:RegistryObjectList></lcm:SubmitObjectsRequest>"
)


def test_a_deletion_byte_for_byte() -> None:
    root = iti57.build_request(iti57.status_change(SET, TARGET, APPROVED, DELETED))
    assert etree.tostring(root, encoding="unicode") == DELETION


def test_a_new_version_carries_the_whole_entry_under_a_symbolic_id() -> None:
    masked = replace(ENTRY, confidentiality=ENTRY.confidentiality[:1])
    root = iti57.build_request(iti57.new_version(SET, masked))
    (node,) = root.iter(q(RIM, "ExtrinsicObject"))
    assert (node.get("id"), node.get("lid"), node.get("status")) == ("Document01", ENTRY.logical_id, None)
    ranks = [ORDER.index(etree.QName(child).localname) for child in node]
    assert ranks == sorted(ranks)
    text = etree.tostring(node, encoding="unicode")
    assert "VersionInfo" not in text
    for kept in (ENTRY.unique_id, ENTRY.hash, "14218", ENTRY.repository_id, "urn:example:ward", ENTRY.title):
        assert kept in text
    assert "MASQUE_PS" not in text


def test_a_new_version_names_the_one_it_follows() -> None:
    (association,) = iti57.new_version(SET, ENTRY).associations
    assert (association.source, association.target) == ("SubmissionSet01", "Document01")
    assert association.type == "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
    assert association.slots == (("SubmissionSetStatus", ("Original",)), ("PreviousVersion", ("2",)))


@pytest.mark.parametrize(
    ("field", "missing"),
    [("ExtrinsicObject/lid", {"logical_id": ""}), ("ExtrinsicObject/VersionInfo/@versionName", {"version": ""})],
)
def test_an_entry_without_its_version_cannot_be_followed(field: str, missing: dict[str, str]) -> None:
    with pytest.raises(CodecError) as refused:
        iti57.new_version(SET, replace(ENTRY, **missing))  # type: ignore[arg-type]
    assert refused.value.context["field"] == field
