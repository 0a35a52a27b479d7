"""A hand-written AdhocQueryResponse (never made by our writer) and the entry it describes."""

from __future__ import annotations

from connector.xds.model import APPROVED, STABLE, Author, Code, DocumentEntry

PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
XML_PATIENT = PATIENT.replace("&", "&amp;")


def slot(name: str, *values: str) -> str:
    """Slot markup; values are already XML."""
    inner = "".join(f"<rim:Value>{value}</rim:Value>" for value in values)
    return f'<rim:Slot name="{name}"><rim:ValueList>{inner}</rim:ValueList></rim:Slot>'


def code(scheme: str, value: str, system: str, display: str) -> str:
    """Coded classification markup."""
    return (
        f'<rim:Classification id="c" classificationScheme="urn:uuid:{scheme}" classifiedObject="d"'
        f' nodeRepresentation="{value}">{slot("codingScheme", system)}'
        f'<rim:Name><rim:LocalizedString value="{display}"/></rim:Name></rim:Classification>'
    )


ENTRY_XML = f"""<rim:ExtrinsicObject id="urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-0d9d6a8f1c11"
  lid="urn:uuid:1c2d3e4f-0000-4000-8000-000000000001" status="{APPROVED}" objectType="{STABLE}" isOpaque="false"
  mimeType="text/xml">
  {slot("creationTime", "20240115093000")}
  {slot("languageCode", "fr-FR")}
  {slot("hash", "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33")}
  {slot("size", "14218")}
  {slot("repositoryUniqueId", "1.2.250.1.213.4.1.1.1.2")}
  {slot("serviceStartTime", "20240110080000")}
  {slot("sourcePatientId", XML_PATIENT)}
  {slot("sourcePatientInfo", "PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F")}
  {slot("legalAuthenticator", "801234564895^THOMAS^Eric^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^D^^^IDNPS")}
  {slot("urn:example:ward", "A", "B")}
  <rim:Name><rim:LocalizedString charset="UTF8" xml:lang="FR" value="Lettre de liaison"/></rim:Name>
  <rim:Description/>
  <rim:VersionInfo versionName="2"/>
  <rim:Classification id="a" classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d" classifiedObject="d">
    {slot("authorPerson", "801234564895^THOMAS^Eric^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^D^^^IDNPS")}
    {slot("authorInstitution", "Organisation-Y^^^^^&amp;1.2.250.1.71.4.2.2&amp;ISO^IDNST^^^1120456789")}
    {slot("authorSpecialty", "G15_10/SM26^Médecin^1.2.250.1.213.1.1.4.5")}
  </rim:Classification>
  {code("41a5887f-8865-4c09-adf7-e362475b143a", "10", "1.2.250.1.213.1.1.4.1", "Compte rendu")}
  {code("f0306f51-975f-434e-a61c-c59651d33983", "11490-0", "2.16.840.1.113883.6.1", "Lettre")}
  {code("a09d5840-386c-46f2-b5ad-9c3699a4309d", "urn:asip:ci-sis:ldl-ses:2017", "1.2.250.1.213.1.1.4.2.282", "LDL")}
  {code("f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", "SA01", "1.2.250.1.71.4.2.4", "Hôpital")}
  {code("cccf5598-8b07-4b77-a05e-ae952c785ead", "ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Etablissement")}
  {code("f4f85eac-e6cb-4883-b524-f2705394840f", "N", "2.16.840.1.113883.5.25", "Normal")}
  {code("f4f85eac-e6cb-4883-b524-f2705394840f", "MASQUE_PS", "1.2.250.1.213.1.1.4.13", "Masqué")}
  {code("2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "IMP", "2.16.840.1.113883.5.4", "Hospitalisation")}
  <rim:ExternalIdentifier id="e1" registryObject="d" value="{XML_PATIENT}"
    identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"/>
  <rim:ExternalIdentifier id="e2" registryObject="d" value="1.2.250.1.999.1.1.42"
    identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"/>
</rim:ExtrinsicObject>"""

ANSWER_XML = f"""<query:AdhocQueryResponse xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
  xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" startIndex="0" totalResultCount="1"
  status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success">
  <rim:RegistryObjectList><!-- one entry -->{ENTRY_XML}</rim:RegistryObjectList>
</query:AdhocQueryResponse>"""

ENTRY = DocumentEntry(
    entry_uuid="urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-0d9d6a8f1c11",
    unique_id="1.2.250.1.999.1.1.42",
    patient_id=PATIENT,
    mime_type="text/xml",
    class_code=Code("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
    type_code=Code("11490-0", "2.16.840.1.113883.6.1", "Lettre"),
    format_code=Code("urn:asip:ci-sis:ldl-ses:2017", "1.2.250.1.213.1.1.4.2.282", "LDL"),
    facility_type=Code("SA01", "1.2.250.1.71.4.2.4", "Hôpital"),
    practice_setting=Code("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Etablissement"),
    confidentiality=(
        Code("N", "2.16.840.1.113883.5.25", "Normal"),
        Code("MASQUE_PS", "1.2.250.1.213.1.1.4.13", "Masqué"),
    ),
    creation_time="20240115093000",
    language="fr-FR",
    source_patient_id=PATIENT,
    title="Lettre de liaison",
    authors=(
        Author(
            person="801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
            institutions=("Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1120456789",),
            specialties=("G15_10/SM26^Médecin^1.2.250.1.213.1.1.4.5",),
        ),
    ),
    legal_authenticator="801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
    event_codes=(Code("IMP", "2.16.840.1.113883.5.4", "Hospitalisation"),),
    service_start="20240110080000",
    source_patient_info=("PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F"),
    hash="0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
    size=14218,
    repository_id="1.2.250.1.213.4.1.1.1.2",
    logical_id="urn:uuid:1c2d3e4f-0000-4000-8000-000000000001",
    version="2",
    status=APPROVED,
    extra_slots=(("urn:example:ward", ("A", "B")),),
)
