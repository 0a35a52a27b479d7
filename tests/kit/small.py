"""A distribution of a few rules, laid out as the agency's, with the same kinds of defects. Written for these tests."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.cda.letters import SOUND
from tests.cda.test_checks import PDF

_HEAD = """<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2" defaultPhase="{phase}">
<title>{phase}</title><ns prefix="cda" uri="urn:hl7-org:v3"/><ns prefix="svs" uri="urn:ihe:iti:svs:2008"/>
<ns prefix="xsi" uri="http://www.w3.org/2001/XMLSchema-instance"/>
<ns prefix="skos" uri="http://www.w3.org/2004/02/skos/core#"/>
"""

HEADER = (
    _HEAD.format(phase="#ALL")
    + """<pattern><rule abstract="true" id="II">
  <let name="dotted" value="'^[0-9.]+$'"/>
  <assert role="error" test="@root">no root: <name/></assert>
  <assert role="warning" test="not(@root) or matches(@root, $dotted)">odd root <value-of select="@root"/></assert>
</rule></pattern>
<pattern id="header">
  <rule context="//cda:ClinicalDocument/cda:id"><extends rule="II"/></rule>
  <rule context="//cda:ClinicalDocument/cda:setId" id="set">
    <extends rule="II"/>
    <assert test="matches(@root, $dotted)">never reached by another rule</assert>
  </rule>
  <rule context="//cda:ClinicalDocument/cda:code" id="code">
    <let name="allowed" value="doc('include/voc-1.2.3-DYNAMIC.xml')/*/valueSet/conceptList/concept/@code"/>
    <assert test="@code = $allowed">code <value-of select="@code"/> is none of 1.2.3</assert>
  </rule>
  <rule context="//cda:ClinicalDocument/*" id="others"><report test="self::cda:unknown">unknown element</report></rule>
</pattern>
<pattern id="person"><rule context="cda:patient/cda:name/*">
  <assert test="not(@qualifier = 'SP')">a name "<value-of select="."/>" in <value-of select="name()"/></assert>
</rule></pattern></schema>"""
)

BODY = (
    _HEAD.format(phase="main")
    + """<include href="../include/Sections/s.sch"/>
<pattern id="asleep"><rule context="*"><assert test="false()">not of the phase</assert></rule></pattern>
<phase id="main"><active pattern="section"/></phase></schema>"""
)

SECTION = """<pattern xmlns="http://purl.oclc.org/dsdl/schematron" id="section">
<rule context="cda:section[cda:templateId/@root='1.9']"><assert test="cda:title">a section has a title</assert></rule>
<rule context="cda:section[cda:templateId/@root='1.9']/cda:text">
  <assert test="node()">a text says something</assert>
</rule>
</pattern>"""

MODELS = (
    _HEAD.format(phase="#ALL")
    + """<include href="../abstract/in.sch"/>
<pattern id="variables"><let name="path_x" value="'../../jeuxDeValeurs/JDV_SpecimenType_CISIS.xml'"/></pattern>
<pattern id="specimen" is-a="in">
  <param name="path" value="$path_x"/><param name="where" value="cda:specimen"/>
</pattern>
</schema>"""
)

ABSTRACT = """<pattern xmlns="http://purl.oclc.org/dsdl/schematron" abstract="true" id="in"><rule context="$where">
<let name="code" value="@code"/>
<assert test="document($path)//svs:Concept[@code=$code]">
[<value-of select="@code"/>:<value-of select="@displayName"/>]
</assert></rule></pattern>"""

SLOW = (
    _HEAD.format(phase="#ALL")
    + """<pattern id="slow"><rule context="cda:title[.='HANG']">
<assert test="sum(for $a in 1 to 1000000, $b in 1 to 1000000 return ($a * $b) mod 7) = 1">never said</assert></rule>
<rule context="cda:title[.='BREAK']"><assert test="error()">never said</assert></rule></pattern></schema>"""
)

MODEL = (
    _HEAD.format(phase="#ALL")
    + """<pattern id="model"><rule context="cda:ClinicalDocument">
<assert test="cda:title">[{name}] a title</assert></rule></pattern></schema>"""
)

TERMS = (
    _HEAD.format(phase="#ALL")
    + """<pattern id="terms"><let name="terms" value="'../terminologie/'"/><rule context="//cda:code">
<let name="c" value="@code"/><assert test="not(doc-available(concat($terms, @codeSystem, '.rdf')) and not(exists(
doc(concat($terms, @codeSystem, '.rdf'))//skos:notation[text()= string($c)])))">no such code <value-of select="@code"/>
</assert></rule></pattern></schema>"""
)

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:hl7-org:v3" targetNamespace="urn:hl7-org:v3">
<xs:element name="ClinicalDocument"><xs:complexType><xs:sequence>
<xs:any namespace="##any" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence></xs:complexType></xs:element>
<xs:element name="versionNumber">
  <xs:complexType><xs:attribute name="value" type="xs:int"/></xs:complexType>
</xs:element>
</xs:schema>"""

RDF = """<r xmlns:skos="http://www.w3.org/2004/02/skos/core#"><skos:Concept><skos:notation>11490-0</skos:notation>
</skos:Concept><skos:Concept><skos:notation>IMP</skos:notation></skos:Concept></r>"""


def value_set(oid: str, *codes: str) -> str:
    concepts = "".join(f'<Concept code="{code}" codeSystem="1" displayName="x"/>' for code in codes)
    inner = f'<ValueSet id="{oid}"><ConceptList>{concepts}</ConceptList></ValueSet>'
    return f'<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008">{inner}</RetrieveValueSetResponse>'


BROKEN = '<schema xmlns="http://purl.oclc.org/dsdl/schematron"><include href="no.sch"/></schema>'

FILES = {
    "schematrons/profils/structurationMinimale/ASIP-STRUCT-MIN-StrucMin.sch": HEADER,
    "schematrons/profils/IHE.sch": BODY,
    # asked for as Sections/s.sch
    "schematrons/include/sections/S.sch": SECTION,
    "schematrons/profils/CI-SIS_ModelesDeContenusCDA.sch": MODELS,
    "schematrons/abstract/in.sch": ABSTRACT,
    "schematrons/profils/CI-SIS_Modeles_ANS.sch": SLOW,
    "schematrons/CI-SIS_LDL-SES_2022.01.sch": MODEL.replace("{name}", "2022"),
    "schematrons/CI-SIS_LDL-SES_2024.01.sch": MODEL.replace("{name}", "2024"),
    "schematrons/CI-SIS_VSM_2023.01.sch": BROKEN,
    "schematrons/profils/terminologies/schematron/terminologie.sch": TERMS,
    "schematrons/profils/terminologies/terminologie/2.16.840.1.113883.6.1.rdf": RDF,
    "jeuxDeValeurs/JDV_J07.xml": value_set("1.2.3", "11490-0", "34112-3"),
    # asked for as JDV_SpecimenType_CISIS.xml
    "jeuxDeValeurs/JDV_HL7_SpecimenType_CISIS.xml": value_set("1.2.4", "BLD"),
    "infrastructure/cda/CDA_extended.xsd": XSD,
}


def build(folder: Path) -> Path:
    """The distribution, in the new folder `folder`."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def letter(*changes: tuple[str, str]) -> bytes:
    """A letter that every rule of this distribution accepts, then changed."""
    document = SOUND
    for found, planted in changes:
        assert found in document, found
        document = document.replace(found, planted)
    return document.encode()


def level_1() -> bytes:
    body = base64.encodebytes(PDF).decode()
    text = f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{body}</text></nonXMLBody>'
    model = 'root="1.2.250.1.213.1.1.1.29" extension="2022.01"'
    return letter((model, 'root="1.3.6.1.4.1.19376.1.2.20"'), ("<structuredBody/>", text))
