"""Names of the code systems a letter uses, as `codeSystemName` says them."""

from __future__ import annotations

from typing import Final

from connector.codes.medicines import ATC, CIP, CIS, UCD

LOINC: Final = "2.16.840.1.113883.6.1"
SNOMED_CT: Final = "2.16.840.1.113883.6.96"
TA_ASIP: Final = "1.2.250.1.213.1.1.4.322"
ACT_CODE: Final = "2.16.840.1.113883.5.4"
IHE_ACT_CODE: Final = "1.3.6.1.4.1.19376.1.5.3.2"

NAMES: Final = {
    LOINC: "LOINC",
    SNOMED_CT: "SNOMED CT",
    TA_ASIP: "TA_ASIP",
    ACT_CODE: "HL7:ActCode",
    IHE_ACT_CODE: "IHEActCode",
    "2.16.840.1.113883.6.3": "CIM-10",
    ATC: "ATC",
    CIS: "CIS",
    CIP: "CIP",
    UCD: "UCD",
    "1.2.250.1.215.300.1": "CCAM",
    "1.2.250.1.213.2.5": "CCAM",
    "1.2.250.1.213.2.68": "EMDN",
    "1.2.250.1.213.2.65": "CLADIMED",
    "1.2.250.1.215.200.2.1": "LPP",
    "0.4.0.127.0.16.1.1.2.1": "EDQM",
    "2.16.840.1.113883.5.112": "HL7:RouteOfAdministration",
    "2.16.840.1.113883.5.7": "HL7:ActPriority",
    "2.16.840.1.113883.5.25": "HL7:Confidentiality",
    "2.16.840.1.113883.4.642.4.1373": "HL7:allergyintolerance-clinical",
    "2.16.840.1.113883.5.1150.1": "IPS:AbsentOrUnknownData",
}
