"""A discharge letter of our own, whole and then broken one thing at a time."""

from __future__ import annotations

from lxml import etree

V3 = {"v3": "urn:hl7-org:v3"}

LETTER = """<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="letter.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <realmCode code="FR"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.2.8.2.1"/>
  <templateId root="1.2.250.1.213.1.1.1.1"/>
  <templateId root="1.2.250.1.213.1.1.1.29" extension="2022.01"/>
  <id root="2.25.329800735698586629295641978511506172918"/>
  <code code="11490-0" codeSystem="2.16.840.1.113883.6.1" displayName="Lettre de liaison à la sortie"/>
  <title>Lettre de liaison
    du service <!-- brouillon --> de cardiologie</title>
  <effectiveTime value="20261120163000+0100"/>
  <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25" displayName="Normal"/>
  <languageCode code="fr-FR"/>
  <setId root="2.25.1" extension="S"/>
  <versionNumber value="2"/>
  <recordTarget><patientRole>
    <!-- <id extension="6270289770738693" root="1.2.250.1.213.1.4.8"/> -->
    <id extension="279035121518989" root="1.2.250.1.213.1.4.10"/>
    <id extension="000003" root="1.2.250.1.999.1"/>
    <patient>
      <name>
        <family qualifier="BR">PAT-TROIS</family>
        <given>DOMINIQUE MARIE-LOUISE</given>
        <given qualifier="BR">DOMINIQUE</given>
        <family qualifier="CL">PAT-TROIS-USUEL</family>
        <given qualifier="CL">DOMI</given>
      </name>
      <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>
      <birthTime value="19790328"/>
      <birthplace><place><addr><county>63220</county><city>MEZEL</city></addr></place></birthplace>
    </patient>
  </patientRole></recordTarget>
  <author>
    <functionCode code="ATTPHYS" codeSystem="2.16.840.1.113883.5.88" displayName="Médecin responsable"/>
    <time value="20261120163000+0100"/>
    <assignedAuthor>
      <id root="1.2.250.1.999.7" extension="local"/>
      <id root="1.2.250.1.71.4.2.1" extension="801234564895"/>
      <code code="G15_10/SM04" codeSystem="1.2.250.1.213.1.1.4.5" displayName="Médecin - Cardiologie"/>
      <assignedPerson><name><family>THOMAS</family><given>Eric</given></name></assignedPerson>
      <representedOrganization>
        <id root="1.2.250.1.71.4.2.2" extension="1120456789"/><name>Organisation-Y</name>
      </representedOrganization>
    </assignedAuthor>
  </author>
  <author>
    <time value="20261120163000+0100"/>
    <assignedAuthor>
      <id root="1.2.250.1.71.4.2.1" extension="3120456789/1"/>
      <assignedAuthoringDevice>
        <manufacturerModelName>Modele-1</manufacturerModelName><softwareName>Logiciel</softwareName>
      </assignedAuthoringDevice>
    </assignedAuthor>
  </author>
  <custodian><assignedCustodian><representedCustodianOrganization>
    <id root="1.2.250.1.71.4.2.2" extension="1120456789"/><name>Organisation-Y</name>
  </representedCustodianOrganization></assignedCustodian></custodian>
  <legalAuthenticator>
    <time value="20261120164500+0100"/><signatureCode code="S"/>
    <assignedEntity>
      <id root="1.2.250.1.71.4.2.1" extension="801234567897"/>
      <assignedPerson><name><family>Hoda</family><given>Adam</given></name></assignedPerson>
    </assignedEntity>
  </legalAuthenticator>
  <documentationOf><serviceEvent>
    <code code="IMP" codeSystem="2.16.840.1.113883.5.4" displayName="Hospitalisation"/>
    <effectiveTime><low value="20261110090000+0100"/><high value="20261120150000+0100"/></effectiveTime>
    <performer typeCode="PRF"><assignedEntity>
      <id root="1.2.250.1.71.4.2.1" extension="801234567897"/>
      <representedOrganization>
        <standardIndustryClassCode code="ETABLISSEMENT" codeSystem="1.2.250.1.213.1.1.4.9"
          displayName="Etablissement de santé"/>
      </representedOrganization>
    </assignedEntity></performer>
  </serviceEvent></documentationOf>
  <relatedDocument typeCode="RPLC"><parentDocument><id root="2.25.17"/></parentDocument></relatedDocument>
  <componentOf><encompassingEncounter>
    <effectiveTime><low value="20261110090000+0100"/></effectiveTime>
    <location><healthCareFacility>
      <code code="SA01" codeSystem="1.2.250.1.71.4.2.4" displayName="Etablissement public de santé"/>
    </healthCareFacility></location>
  </encompassingEncounter></componentOf>
  <component><structuredBody/></component>
</ClinicalDocument>
"""


_RECIPIENT = """<informationRecipient><intendedRecipient>
    <id root="1.2.250.1.71.4.2.1" extension="801234567897"/>
    <informationRecipient><name><family>BOILEAU</family></name></informationRecipient>
  </intendedRecipient></informationRecipient>
  <legalAuthenticator>"""
_FAMILY_DOCTOR = """<participant typeCode="INF">
    <functionCode code="PCP" codeSystem="2.16.840.1.113883.5.88" displayName="Médecin traitant"/>
    <time nullFlavor="NA"/>
    <associatedEntity classCode="PROV"><id root="1.2.250.1.71.4.2.1" extension="801234567897"/></associatedEntity>
  </participant>
  <documentationOf>"""

SOUND = (
    LETTER.replace("<county>63220</county><city>MEZEL</city>", "<county>51215</county><city>DOMPREMY</city>")
    .replace("<legalAuthenticator>", _RECIPIENT)
    .replace("<documentationOf>", _FAMILY_DOCTOR)
)
"""The same with nothing that our own rules would tell."""


def letter(*changes: tuple[str, str]) -> bytes:
    """The letter with each (found, planted) text replaced; a text that is not there is a mistake of the test."""
    document = LETTER
    for found, planted in changes:
        assert found in document, found
        document = document.replace(found, planted)
    return document.encode()


def letter_without(path: str) -> bytes:
    """The letter without the elements at `path` ("v3:id", "v3:recordTarget/…")."""
    root = etree.fromstring(LETTER.encode())
    found = root.findall(path, V3)
    assert found, path
    for element in found:
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    return etree.tostring(root.getroottree())


def self_presenting(document: str = LETTER) -> bytes:
    """The letter carried by a stylesheet that shows it."""
    return wrapped(document.partition("?>")[2].partition("?>")[2])


def wrapped(body: str) -> bytes:
    """A ClinicalDocument, written from its root, carried by a stylesheet."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="#"?>'
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        f'<c:Contenu xmlns:c="urn:asip-sante:ci-sis">{body}</c:Contenu><xsl:template match="/"/></xsl:stylesheet>'
    ).encode()
