"""One admission and one document message of the official test patient, and ways to bend them."""

from __future__ import annotations

MSH = r"MSH|^~\&|GAM|CHU-X|DPI|CHU-X|20240306111154||ADT^A01^ADT_A01|3975|D|2.5^FRA^2.11|||||FRA|UNICODE UTF-8"
PID = (
    "PID|1||000003^^^CHU-X&000897406&N^PI~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20101207"
    "||PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L||19790328|F"
)
ADT_LINES = (MSH, "EVN||20240306111154", PID, "PV1|1|I", "ZFA|ACTIF|20240306111154")
ORU_MSH = (
    r"MSH|^~\&|SIL-Y|labo|PFI-X|Organisation-X|202106060931||ORU^R01^ORU_R01|015|P|2.5|||||FRA|8859/15"
    "|||2.1^CISIS_CDA_HL7_V2"
)


def adt(*, end: str = "\r", codec: str = "utf-8", lines: tuple[str, ...] = ADT_LINES) -> bytes:
    """The admission with another line end, character set or content."""
    return "".join(line + end for line in lines).encode(codec)


def msh(text: str = MSH, **fields: str) -> str:
    """MSH with fields replaced, by number: `msh(f10="015")`."""
    parts = text.split("|")
    for name, value in fields.items():
        number = int(name[1:])
        parts += [""] * (number - len(parts))
        parts[number - 1] = value
    return "|".join(parts)
