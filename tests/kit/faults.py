"""The 130 faults of the calibration (cda-kit-calibration, "Faults put in on purpose"), each rebuilt on its example.

A row is the base, the fault, the suites that catch it by their initials (`SUITES`; "" is what the kit does not catch),
and the operation that makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.kit.surgery import Operation, append, both, cut, double, insert, move_after, put, reverse, unset, write

BASES = {
    "LDL-SES": "LDL-SES_2022.01.xml",
    "LDL-EES": "LDL-EES_2022.01.xml",
    "N1": "DOC_NON_STRUCTURE_CDA-R2-N1.xml",
}
SUITES = {
    "X": "XSD",
    "S": "StructurationMinimale",
    "I": "IHE",
    "M": "ModelesDeContenusCDA",
    "A": "Modeles_ANS",
    "T": "terminologies",
    "V": "CI-SIS_LDL-SES_2022.01",
    "E": "CI-SIS_LDL-EES_2022.01",
}
TOLD_BY_NOBODY = "missing optional section allergies"
"""Legal: the section is optional."""

ONLY_WARNED = frozenset(
    {
        "no used name (CL)",
        "no informationRecipient",
        "no participant (médecin traitant)",
        "sections order reversed",
        "serviceEvent code AMB",
        # in a test environment: ten official examples do it
        "INS test OID -> production 1.4.8",
    }
)
"""What our rules tell without refusing."""

TA_ASIP = "1.2.250.1.213.1.1.4.322"
ROLE = "h:recordTarget/h:patientRole"
INS = f"{ROLE}/h:id[1]"
PATIENT = f"{ROLE}/h:patient"
NAME = f"{PATIENT}/h:name"
AUTHOR = "h:author/h:assignedAuthor"
KEEPER = "h:custodian/h:assignedCustodian/h:representedCustodianOrganization/h:id"
SIGNER = "h:legalAuthenticator/h:assignedEntity"
EVENT = "h:documentationOf/h:serviceEvent"
INDUSTRY = f"{EVENT}/h:performer/h:assignedEntity/h:representedOrganization/h:standardIndustryClassCode"
STAY = "h:componentOf/h:encompassingEncounter"
PLACE = f"{STAY}/h:location/h:healthCareFacility"
BODY = "h:component/h:structuredBody/h:component"
RAW = "h:component/h:nonXMLBody/h:text"
MODEL = "h:templateId[@root='1.2.250.1.213.1.1.1.29']"


def section(loinc: str, inside: str = "") -> str:
    """A section, or what is `inside` it."""
    found = f"{BODY}/h:section[h:code/@code='{loinc}']"
    return f"{found}/{inside}" if inside else f"{BODY}[h:section/h:code/@code='{loinc}']"


STATUS, REASON, EVENTS, OUT, PLAN, ALLERGIES = "33557-0", "42349-1", "42545-4", "10183-2", "18776-5", "48765-2"
IN, COMMENT = "42346-7", "55112-7"
DRUG = "h:entry//h:manufacturedMaterial/h:code"


def entry(code: str, inside: str = "") -> str:
    """The entry of an event, or what is `inside` its observation."""
    found = section(EVENTS, f"h:entry[h:observation/h:code/@code='{code}']")
    return f"{found}/h:observation/{inside}" if inside else found


@dataclass(frozen=True, slots=True)
class Planted:
    base: str
    fault: str
    caught: str
    operation: Operation

    @property
    def suites(self) -> set[str]:
        return {SUITES[initial] for initial in self.caught}


_SES: list[tuple[str, str, Operation]] = [
    ("no INS/any patientRole/id", "XS", cut(f"{ROLE}/h:id")),
    ("INS id removed (IPP kept)", "", cut(INS)),
    ("INS OID unknown 1.2.250.1.213.1.4.99", "", put(INS, "root", "1.2.250.1.213.1.4.99")),
    ("INS NIR wrong key/13 digits", "", put(INS, "extension", "2790351215189")),
    ("INS extension removed", "S", unset(INS, "extension")),
    ("INS test OID -> production 1.4.8", "", put(INS, "root", "1.2.250.1.213.1.4.8")),
    ("no birth family (BR)", "S", cut(f"{NAME}/h:family[@qualifier='BR']")),
    ("no given list (unqualified)", "S", cut(f"{NAME}/h:given[not(@qualifier)]")),
    ("no first given (BR)", "S", cut(f"{NAME}/h:given[@qualifier='BR']")),
    ("no used name (CL)", "", cut(f"{NAME}/*[@qualifier='CL']")),
    ("family qualifier SP (old style)", "S", put(f"{NAME}/h:family[@qualifier='CL']", "qualifier", "SP")),
    ("no gender", "S", cut(f"{PATIENT}/h:administrativeGenderCode")),
    ("gender code X", "SM", put(f"{PATIENT}/h:administrativeGenderCode", "code", "X")),
    ("no birthTime", "SV", cut(f"{PATIENT}/h:birthTime")),
    ("birthTime 1979-03-28", "XS", put(f"{PATIENT}/h:birthTime", "value", "1979-03-28")),
    ("birthTime impossible 19791340", "S", put(f"{PATIENT}/h:birthTime", "value", "19791340")),
    ("no birthplace", "S", cut(f"{PATIENT}/h:birthplace")),
    ("birthplace county INSEE 99999", "", write(f"{PATIENT}/h:birthplace//h:county", "99999")),
    ("wrong doc LOINC 11488-4 (other valid type)", "V", put("h:code", "code", "11488-4")),
    ("doc LOINC nonexistent 99999-9", "SV", put("h:code", "code", "99999-9")),
    ("doc code wrong codeSystem", "", put("h:code", "codeSystem", "1.2.250.1.213.1.1.4.12")),
    ("doc code no displayName", "S", unset("h:code", "displayName")),
    ("no realmCode", "S", cut("h:realmCode")),
    ("realmCode US", "S", put("h:realmCode", "code", "US")),
    ("no template CI-SIS 1.2.250.1.213.1.1.1.1", "S", cut("h:templateId[@root='1.2.250.1.213.1.1.1.1']")),
    ("no template HL7 France", "S", cut("h:templateId[@root='2.16.840.1.113883.2.8.2.1']")),
    ("no LDL-SES template", "S", cut(MODEL)),
    ("LDL-SES template version 2021.01", "", put(MODEL, "extension", "2021.01")),
    ("no title", "S", cut("h:title")),
    ("effectiveTime no timezone", "", put("h:effectiveTime", "value", "20191203133000")),
    ("effectiveTime ISO format", "XS", put("h:effectiveTime", "value", "2019-12-03T13:30:00+01:00")),
    ("confidentialityCode Z", "S", put("h:confidentialityCode", "code", "Z")),
    ("languageCode FR", "S", put("h:languageCode", "code", "FR")),
    ("no setId", "S", cut("h:setId")),
    ("versionNumber abc", "XS", put("h:versionNumber", "value", "abc")),
    ("no author", "XS", cut("h:author")),
    ("author id removed", "XS", cut(f"{AUTHOR}/h:id")),
    ("author RPPS bad key/short 123", "", put(f"{AUTHOR}/h:id", "extension", "123")),
    ("author specialty code unknown", "SM", put(f"{AUTHOR}/h:code", "code", "G15_10/SM99")),
    ('author prefix "Dr"', "S", write(f"{AUTHOR}/h:assignedPerson/h:name/h:prefix", "Dr")),
    ('author suffix unknown "XX"', "S", write(f"{AUTHOR}/h:assignedPerson/h:name/h:suffix", "XX")),
    ("no custodian", "XS", cut("h:custodian")),
    ("custodian id root not FINESS/struct OID", "S", put(KEEPER, "root", "1.2.3.4")),
    ('custodian FINESS extension junk "ABC"', "", put(KEEPER, "extension", "ABC")),
    ("custodian FINESS extension missing", "", unset(KEEPER, "extension")),
    ("author FINESS 8 digits no prefix", "", put(f"{AUTHOR}/h:representedOrganization/h:id", "extension", "75080344")),
    ("no legalAuthenticator", "S", cut("h:legalAuthenticator")),
    ("legalAuthenticator signatureCode X", "S", put("h:legalAuthenticator/h:signatureCode", "code", "X")),
    ("legalAuthenticator no id", "XS", cut(f"{SIGNER}/h:id")),
    ("legalAuthenticator no assignedPerson", "", cut(f"{SIGNER}/h:assignedPerson")),
    ("no informationRecipient", "", cut("h:informationRecipient")),
    ("no participant (médecin traitant)", "", cut("h:participant")),
    ("participant typeCode ZZZ", "XS", put("h:participant", "typeCode", "ZZZ")),
    ("participant typeCode SBJ (valid HL7, not in JDV)", "S", put("h:participant", "typeCode", "SBJ")),
    ("participant functionCode unknown", "S", put("h:participant/h:functionCode", "code", "XXX")),
    ("no documentationOf", "SV", cut("h:documentationOf")),
    ("serviceEvent no effectiveTime", "SV", cut(f"{EVENT}/h:effectiveTime")),
    ("serviceEvent low after high", "", put(f"{EVENT}/h:effectiveTime/h:low", "value", "20191229111700+0100")),
    ("serviceEvent no performer", "S", cut(f"{EVENT}/h:performer")),
    ("performer no standardIndustryClassCode", "S", cut(INDUSTRY)),
    ("performer standardIndustryClassCode unknown", "S", put(INDUSTRY, "code", "XXX")),
    ("serviceEvent code AMB", "", put(f"{EVENT}/h:code", "code", "AMB")),
    ("serviceEvent code junk", "", put(f"{EVENT}/h:code", "code", "JUNK")),
    ("no componentOf", "S", cut("h:componentOf")),
    ("encompassingEncounter no effectiveTime", "XS", cut(f"{STAY}/h:effectiveTime")),
    ("healthCareFacility code unknown", "S", put(f"{PLACE}/h:code", "code", "SA99")),
    ("no healthCareFacility", "S", cut(f"{STAY}/h:location")),
    ("telecom without scheme", "S", put(f"{ROLE}/h:telecom", "value", "0144534551")),
    ("telecom use ZZ", "XS", put(f"{ROLE}/h:telecom", "use", "ZZ")),
    ("missing section statut du document", "V", cut(section(STATUS))),
    ("missing section raison recommandation", "V", cut(section(REASON))),
    ("missing section résultats événements", "V", cut(section(EVENTS))),
    ("missing section traitements à la sortie", "V", cut(section(OUT))),
    (TOLD_BY_NOBODY, "", cut(section(ALLERGIES))),
    ("section traitements sortie wrong LOINC", "I", put(section(OUT, "h:code"), "code", "18610-6")),
    ("section raison wrong LOINC", "I", put(section(REASON, "h:code"), "code", "29299-5")),
    ("section événements wrong LOINC", "I", put(section(EVENTS, "h:code"), "code", "11490-0")),
    ("section statut wrong LOINC", "A", put(section(STATUS, "h:code"), "code", "11490-0")),
    ("section without text (événements)", "", cut(section(EVENTS, "h:text"))),
    ("section without title (événements)", "", cut(section(EVENTS, "h:title"))),
    ("section without id (événements)", "", cut(section(EVENTS, "h:id"))),
    ("statut: no entry", "A", cut(section(STATUS, "h:entry"))),
    (
        "statut: value code GEN-066 (old TA_ASIP)",
        "",
        both(
            put(section(STATUS, "h:entry/h:observation/h:value"), "code", "GEN-066"),
            put(section(STATUS, "h:entry/h:observation/h:value"), "codeSystem", TA_ASIP),
        ),
    ),
    ("statut: value code junk SNOMED", "", put(section(STATUS, "h:entry/h:observation/h:value"), "code", "123456")),
    ("events: no modalité entrée entry", "", cut(entry("ORG-070"))),
    ("events: no modalité sortie entry", "", cut(entry("ORG-074"))),
    ("events: no synthèse médicale entry", "", cut(entry("MED-142"))),
    ("events: no recherche micro-organismes entry", "", cut(entry("MED-309"))),
    ("events: no transfusion entry", "", cut(entry("MED-145"))),
    ("events: no dérivés du sang entry", "", cut(entry("MED-147"))),
    ("events: modalité entrée value not in JDV", "V", put(entry("ORG-070", "h:value"), "code", "160849004")),
    ("events: modalité sortie value not in JDV", "", put(entry("ORG-074", "h:value"), "code", "GEN-092.06.99")),
    ("events: entry code junk", "MV", put(entry("ORG-070", "h:code"), "code", "ZZZ-999")),
    ("events: transfusion value as ST", "X", put(entry("MED-145", "h:value"), "xsi:type", "ST")),
    (
        "events: CI-SIS templateId of modalité sortie removed",
        "",
        cut(entry("ORG-074", "h:templateId[@root='1.2.250.1.213.1.1.3.48.7']")),
    ),
    ("traitements sortie: no entry", "I", cut(section(OUT, "h:entry"))),
    ("traitements sortie: product code removed", "IM", cut(section(OUT, DRUG))),
    ("traitements sortie: ATC translation junk", "", put(section(OUT, f"{DRUG}/h:translation"), "code", "ZZZZZ")),
    (
        "traitements sortie: statusCode active",
        "I",
        put(section(OUT, "h:entry/h:substanceAdministration/h:statusCode"), "code", "active"),
    ),
    (
        "traitements sortie: dangling #reference",
        "",
        put(section(OUT, "h:entry/h:substanceAdministration/h:text/h:reference"), "value", "#nowhere"),
    ),
    ("CCAM code junk in plan de soins", "T", put(section(PLAN, "h:entry/h:procedure/h:code"), "code", "ZZZZ999")),
    ("LOINC section code junk (allergies)", "I", put(section(ALLERGIES, "h:code"), "code", "00000-0")),
    ("unknown element in header", "X", insert("h:title", "<unknown/>")),
    ("header order: title after effectiveTime", "X", move_after("h:title", "h:effectiveTime")),
    (
        "body: nonXMLBody + SES template",
        "SV",
        both(
            insert(
                "h:component/h:structuredBody",
                '<nonXMLBody><text mediaType="application/pdf" representation="B64">JVBERi0xLjQK</text></nonXMLBody>',
            ),
            cut("h:component/h:structuredBody"),
        ),
    ),
    ("sections order reversed", "", reverse(BODY)),
    ("two legalAuthenticators", "XS", double("h:legalAuthenticator")),
    ("author time missing", "XS", cut("h:author/h:time")),
    (
        "DOCTYPE-less narrative: <script> in text",
        "X",
        insert(section(EVENTS, "h:text/h:table"), "<script>alert(1)</script>"),
    ),
]
_EES: list[tuple[str, str, Operation]] = [
    ("code 11490-0", "E", put("h:code", "code", "11490-0")),
    ("serviceEvent code AMB", "E", put(f"{EVENT}/h:code", "code", "AMB")),
    ("no birthTime", "SE", cut(f"{PATIENT}/h:birthTime")),
    ("no section traitements admission", "E", cut(section(IN))),
    ("no section allergies", "E", cut(section(ALLERGIES))),
    ("no section commentaire", "E", cut(section(COMMENT))),
    ("no section motif", "E", cut(section(REASON))),
    (
        "allergy value type junk",
        "M",
        put(section(ALLERGIES, "h:entry/h:act/h:entryRelationship/h:observation/h:code"), "code", "JUNK"),
    ),
    ("CIM-10 junk", "T", put(f"{BODY}//h:value[@codeSystem='2.16.840.1.113883.6.3']", "code", "ZZ9.9")),
    ("UCUM junk", "T", put(f"{BODY}//h:doseQuantity/h:low[@unit]", "unit", "junk")),
    ("encounter code junk", "S", put(f"{STAY}/h:code", "code", "JUNK")),
]
_N1: list[tuple[str, str, Operation]] = [
    ("XDS-SD template removed", "S", cut("h:templateId[@root='1.3.6.1.4.1.19376.1.2.20']")),
    (
        "extra volet template",
        "SV",
        insert("h:id", '<templateId root="1.2.250.1.213.1.1.1.29" extension="2022.01"/>'),
    ),
    ("mediaType image/gif", "", put(RAW, "mediaType", "image/gif")),
    ("no representation B64", "", unset(RAW, "representation")),
    ("base64 garbage", "", write(RAW, "*** pas du base64 ***")),
    ("empty text", "", write(RAW, "")),
    ("text is not PDF (base64 of hello)", "", write(RAW, "aGVsbG8=")),
    ("reference instead of inline", "", both(write(RAW, ""), append(RAW, '<reference value="lettre.pdf"/>'))),
    ("code not in JDV J07", "S", put("h:code", "code", "99999-9")),
    ("no legalAuthenticator", "S", cut("h:legalAuthenticator")),
]

FAULTS = tuple(
    Planted(base, fault, caught, operation)
    for base, rows in (("LDL-SES", _SES), ("LDL-EES", _EES), ("N1", _N1))
    for fault, caught, operation in rows
)
