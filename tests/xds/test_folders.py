"""Folders read from a hand-written answer, beside the submission set that made them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.base.xmlsafe import parse_xml
from connector.xds.iti18 import parse_answer
from connector.xds.model import APPROVED, STATUS_SUCCESS, Code, Folder, QueryAnswer
from tests.xds.samples import XML_PATIENT, code, slot


def identifier(scheme: str, value: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="e" registryObject="f" identificationScheme="urn:uuid:{scheme}" value="{value}"/>'
    )


FOLDER_XML = f"""<rim:RegistryPackage id="urn:uuid:0f000000-0000-4000-8000-000000000001"
 lid="urn:uuid:0f000000-0000-4000-8000-000000000002" status="{APPROVED}" home="urn:oid:1.2.3">
{slot("lastUpdateTime", "20261121093000")}
<rim:Name><rim:LocalizedString value="Grossesse"/></rim:Name>
<rim:Description><rim:LocalizedString value="suivi"/></rim:Description>
<rim:VersionInfo versionName="1"/>
<rim:Classification id="n" classifiedObject="f" classificationNode="urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"/>
{code("1ba97051-7806-41a8-a48b-8fce7af683c5", "F1", "1.2.9", "Dossier de suivi")}
{identifier("f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a", XML_PATIENT)}
{identifier("75df8f67-9973-4fbe-a900-df66cefecc5a", "1.2.3.4")}
</rim:RegistryPackage>"""
SET_XML = f"""<rim:RegistryPackage id="urn:uuid:5e000000-0000-4000-8000-000000000001" status="{APPROVED}">
{identifier("96fdda7c-d067-4183-912e-bf5ee74998a8", "1.2.3.5")}</rim:RegistryPackage>"""
OTHER_XML = '<rim:RegistryPackage id="urn:uuid:00000000-0000-4000-8000-000000000001"/>'
FOLDER = Folder(
    entry_uuid="urn:uuid:0f000000-0000-4000-8000-000000000001",
    unique_id="1.2.3.4",
    patient_id=XML_PATIENT.replace("&amp;", "&"),
    codes=(Code("F1", "1.2.9", "Dossier de suivi"),),
    title="Grossesse",
    comments="suivi",
    last_update="20261121093000",
    logical_id="urn:uuid:0f000000-0000-4000-8000-000000000002",
    version="1",
    status=APPROVED,
    home="urn:oid:1.2.3",
)


def answer(*packages: str) -> QueryAnswer:
    xml = f"""<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
      xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" status="{STATUS_SUCCESS}"><rim:RegistryObjectList>
      {"".join(packages)}</rim:RegistryObjectList></q:AdhocQueryResponse>"""
    return parse_answer(parse_xml(xml.encode()))


def test_a_folder_and_a_set_are_told_apart_by_their_identifiers() -> None:
    found = answer(SET_XML, FOLDER_XML, OTHER_XML)
    assert found.folders == (FOLDER,)
    assert [one.unique_id for one in found.submission_sets] == ["1.2.3.5"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1ba97051-7806-41a8-a48b-8fce7af683c5", "00000000-0000-4000-8000-000000000000", replace(FOLDER, codes=())),
        ("75df8f67-9973-4fbe-a900-df66cefecc5a", "00000000-0000-4000-8000-000000000000", replace(FOLDER, unique_id="")),
        ('<rim:VersionInfo versionName="1"/>', "", replace(FOLDER, version="")),
        ('value="Grossesse"', 'value=""', replace(FOLDER, title="")),
        ("lastUpdateTime", "lastUpdate", replace(FOLDER, last_update="")),
    ],
)
def test_what_is_missing_reads_as_nothing(old: str, new: str, expected: Folder) -> None:
    assert old in FOLDER_XML
    assert answer(FOLDER_XML.replace(old, new)).folders == (expected,)
