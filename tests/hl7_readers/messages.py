"""Good messages of our own, and the one change that makes each of them wrong."""

from __future__ import annotations

import base64

CDA = b'<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>\n'
BASE64 = base64.b64encode(CDA).decode()
MAIL = base64.b64encode("Cher confrère, le compte rendu est joint.".encode()).decode()

_AGNES = "10000023084^AGNES^Isabelle^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
_INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
_IPP = "000003^^^CHU-X&000897406&N^PI"
_NAME = "PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L"
_ADDRESSES = "28 Av de Breteuil^^PARIS^^75007^FRA^H^^75107~^^^^^^BDL^^63220"
_PIERRE = "801234567897^Réault^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"


def _msh(sender: str, receiver: str, time: str, kind: str, control_id: str, version: str, profile: str = "") -> str:
    """`sender` and `receiver` are `application|facility`."""
    msh = f"MSH|^~\\&|{sender}|{receiver}|{time}||{kind}|{control_id}|T|{version}|||||FRA|UNICODE UTF-8"
    return f"{msh}|||{profile}" if profile else msh


def _segment(name: str, **fields: str) -> str:
    """`_segment("PID", f3="…", f5="…")`: fields by number, the others empty."""
    numbered = {int(key[1:]): value for key, value in fields.items()}
    return "|".join([name, *(numbered.get(n, "") for n in range(1, max(numbered) + 1))])


PID = _segment(
    "PID",
    f1="1",
    f3=f"{_IPP}~{_INS}",
    f5=_NAME,
    f7="19790328",
    f8="F",
    f11=_ADDRESSES,
    f18="24000008^^^CHU-X&000897406&N^AN",
    f30="N",
    f32="VALI",
)
PV1 = _segment(
    "PV1",
    f1="1",
    f2="I",
    f3="6268^^^CHU-X&000897406&N^O",
    f7=_PIERRE,
    f17=_PIERRE,
    f19="000297406^^^CHU-X&000897406&N^VN",
    f44="20240309110000",
)

ADT = "\r".join(
    [
        _msh(
            "GAM|CHU-X",
            "PFI|CHU-X",
            "20240309111154",
            "ADT^A01^ADT_A01",
            "3977",
            "2.5^FRA^2.11",
            "2.11^IHE_FRANCE-2.11-PAM",
        ),
        "EVN||20240309111154||||20240309110000",
        PID,
        _segment("ROL", f2="UC", f3="ODRP", f4=_AGNES),
        PV1,
        "ZBE|312^CHU-X^000897406|20240309110000||INSERT|N||Chir V^^^^^CHU-X&000897406&N^UF^^^6268||HMS",
        "ZFA|ACTIF|20240309111154|||||||IO|20240309111155|INC|20240309111156",
        "ZFD|||Y|N|INSI|20211201|CN|20301231",
    ]
)

MERGE = "\r".join(
    [
        _msh("GAM|CHU-X", "PFI|CHU-X", "20240309111154", "ADT^A40^ADT_A39", "4001", "2.5^FRA^2.11"),
        "EVN||20240309111154",
        PID,
        "MRG|000004^^^CHU-X&000897406&N^PI||24000010^^^CHU-X&000897406&N^AN",
    ]
)

_SB = (
    "PRT||UC||SB^^participation|801234564895^Eric^Thomas^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS|||"
    "Organisation-Y^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^IDNST^^^1120456789"
)
_RCT = (
    "PRT||UC||RCT^^participation|801234567897^Hoda^Adam^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    "||||||||||^^X.400^adam.hoda@test-ci-sis.mssante.fr"
)
_RCT_PATIENT = (
    "PRT||UC||RCT^^participation|279035121518989^PAT-TROIS^DOMINIQUE^^^^^^1.2.250.1.213.1.4.10^L^^^INS"
    "||||||||||^^X.400^279035121518989@patient.mssante.fr"
)
_SWITCHES = (
    ("MASQUE_PS", "N"),
    ("INVISIBLE_PATIENT", "N"),
    ("INVISIBLE_REP_LEGAUX", "N"),
    ("CONNEXION_SECRETE", "N"),
    ("MODIF_CONF_CODE", "N"),
    ("DESTDMP", "Y"),
    ("DESTMSSANTEPS", "N"),
    ("DESTMSSANTEPAT", "N"),
    ("ACK_RECEPTION", "Y"),
    ("ACK_LECTURE_MSS", "N"),
)
META = {code: number for number, (code, _) in enumerate(_SWITCHES, start=2)}
"""OBX occurrence of each switch in ORU and MDM."""


def _switches(kind: str) -> list[str]:
    return [
        f"OBX|{number}|{kind}|{code}^{code.lower()}^MetaDMPMSS||{value}^^expandedYes-NoIndicator||||||F"
        for number, (code, value) in enumerate(_SWITCHES, start=2)
    ]


ORU = "\r".join(
    [
        _msh("SIL-Y|labo", "PFI|CHU-X", "202106060931", "ORU^R01^ORU_R01", "015", "2.5", "2.1^CISIS_CDA_HL7_V2"),
        PID,
        PV1,
        "ORC|NW|98765431^Nephro|1001-E1^labo",
        "OBR|1|98765431^Nephro|1001-E1^labo|11502-2^CR d'examens biologiques^LN",
        f"OBX|1|ED|11502-2^CR d'examens biologiques^LN||^TEXT^XML^Base64^{BASE64}||||||F",
        _SB,
        _RCT,
        _RCT_PATIENT,
        "PRT||UC||REPLY^^participation|||||||||||^^X.400^adam.hoda@test-ci-sis.mssante.fr",
        *_switches("CE"),
        f"OBX|12|ED|CORPSMAIL_PS^Corps du mail pour un PS^MetaDMPMSS||^TEXT^^Base64^{MAIL}||||||F",
    ]
)

MDM = "\r".join(
    [
        _msh(
            "RIS-Y|Organisation-Y", "PFI|CHU-X", "202106060931", "MDM^T10^MDM_T02", "016", "2.6", "2.1^CISIS_CDA_HL7_V2"
        ),
        "EVN||20211005152908||||20211005152908",
        PID,
        PV1,
        "ORC|RO",
        "OBR|1|||18748-4^CR d'imagerie médicale^LN",
        _segment(
            "TXA",
            f1="1",
            f2="18748-4",
            f3="TEXT",
            f12="1.2.250.1.71.4.2.2.120456789.82^Organisation-Y",
            f13="1.2.250.1.71.4.2.2.120456789.81^Organisation-Y",
            f17="AU",
        ),
        f"OBX|1|ED|18748-4^CR d'imagerie médicale^LN||^text^XML^Base64^{BASE64}||||||C",
        _SB,
        _RCT,
        *_switches("CWE"),
    ]
)

ACK = _msh("PFI|CHU-X", "RIS-Y|Organisation-Y", "202106060932", "ACK^T10^ACK", "017", "2.6") + "\rMSA|AA|016"

ZAM = "\r".join(
    [
        _msh(
            "PFI|CHU-X", "RIS-Y|Organisation-Y", "202106060940", "ZAM^Z01^ZAM_Z01", "018", "2.6", "2.1^CISIS_CDA_HL7_V2"
        ),
        "EVN||20210606093900",
        "OBX|1|CWE|ACK_RECEPTION_DMP^Accusé de réception DMP^AckMetierZAM|016|N^^expandedYes-NoIndicator||||||F",
        "ERR|||207^Application error^messageErrorCondition|E|DMPClosed^DMP fermé^DMP_ERROR_CODE",
    ]
)


def edit(message: str, path: str, value: str) -> str:
    """`message` with one field replaced: `PID-5`, or `OBX[7]-5` for the seventh OBX. MSH counts as in HL7."""
    name, _, number = path.partition("-")
    name, _, occurrence = name.rstrip("]").partition("[")
    position = int(number) - (name == "MSH")
    lines = message.split("\r")
    index = [i for i, line in enumerate(lines) if line.startswith(name)][int(occurrence or 1) - 1]
    fields = lines[index].split("|")
    fields += [""] * (position + 1 - len(fields))
    fields[position] = value
    lines[index] = "|".join(fields)
    return "\r".join(lines)


def without(message: str, start: str) -> str:
    """`message` without the segments that start with `start`."""
    return "\r".join(line for line in message.split("\r") if not line.startswith(start))


def insert(message: str, after: str, segment: str) -> str:
    """`message` with a segment added after the first one that starts with `after`."""
    lines = message.split("\r")
    index = next(i for i, line in enumerate(lines) if line.startswith(after))
    return "\r".join([*lines[: index + 1], segment, *lines[index + 1 :]])


def switch(message: str, code: str, value: str) -> str:
    """`message` with one MetaDMPMSS switch changed."""
    return edit(message, f"OBX[{META[code]}]-5", f"{value}^^expandedYes-NoIndicator" if value else "")
