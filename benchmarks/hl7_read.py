"""Reading an admission against the cheapest thing Python can do with it: splitting it whole, down to sub-components.

`run()["ratio"]` is the median over rounds of (parse + 20 fields read) / (full split), both in the same round.
"""

from __future__ import annotations

import statistics

from benchmarks.timing import microseconds
from connector.hl7.er7 import parse

ADT = (
    "MSH|^~\\&|GAM|CHU-X|DPI|CHU-X|20240306111154||ADT^A01^ADT_A01|3975|D|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|FR||"
    "2.11^IHE_FRANCE-2.11-PAM\r"
    "EVN||20240306111154||||20240306111154\r"
    "PID|1||000003^^^CHU-X&000897406&N^PI~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20101207"
    "||PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L||19790328|F|||1 rue Neuve^^PARIS^^75007^FRA^H~^^^^^^BDL^^63220|||||S||"
    "24000006^^^CHU-X&000897406&M^AN|||||||1|||||N||VALI|20240306111153\r"
    "PD1||||||||||||N\r"
    "ROL||UC|ODRP|10000023084^AGNES^Isabelle^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS\r"
    "PV1|1|I|^^^CHU-X&000897406&M^O||||801234567897^Réault^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    "||||||||||||000897406^^^CHU-X&000897406&M^VN^^20210409|||||||||||||||||||||||||20240309110000\r"
    "PV2|||CHG\r"
    "ZBE|312^CHU-X^000897406|20240309110000||INSERT|N||Chir V^^^^^CHU-X&000897406&N^UF^^^6268|"
    "Chir V^^^^^CHU-X&000897406&N^UF^^^6268|HMS\r"
    "ZFA|ACTIF|20240306111154|||||||INO|20240306111154|IC|20240306111154\r"
    "ZFM|8\r"
    "ZFD|||Y|N|INSI|20211201\r"
).encode()

READS = (
    ("PID", 3, 1, 1, 1),
    ("PID", 3, 1, 5, 1),
    ("PID", 3, 2, 1, 1),
    ("PID", 3, 2, 4, 2),
    ("PID", 3, 2, 5, 1),
    ("PID", 5, 1, 1, 1),
    ("PID", 5, 1, 2, 1),
    ("PID", 7, 1, 1, 1),
    ("PID", 8, 1, 1, 1),
    ("PID", 11, 2, 9, 1),
    ("PID", 18, 1, 1, 1),
    ("PID", 32, 1, 1, 1),
    ("EVN", 2, 1, 1, 1),
    ("PV1", 2, 1, 1, 1),
    ("PV1", 19, 1, 1, 1),
    ("ZBE", 1, 1, 1, 1),
    ("ZBE", 4, 1, 1, 1),
    ("ZFA", 1, 1, 1, 1),
    ("ZFA", 9, 1, 1, 1),
    ("ZFA", 11, 1, 1, 1),
)


def read() -> list[str]:
    """Our reader, and twenty values through its public interface."""
    first = parse(ADT).first
    values = []
    for name, field, rep, comp, sub in READS:
        segment = first(name)
        values.append(segment.get(field, rep, comp, sub) if segment else "")
    return values


def full_split() -> list[list[list[list[list[str]]]]]:
    """Every sub-component of the message, with nothing but str.split."""
    return [
        [[[comp.split("&") for comp in rep.split("^")] for rep in field.split("~")] for field in line.split("|")]
        for line in ADT.decode().split("\r")
    ]


def run(rounds: int = 15, calls: int = 200) -> dict[str, float]:
    """Microseconds per message of both, and the median ratio; measured in alternation."""
    ours, plain = [], []
    for _ in range(rounds):
        plain.append(microseconds(full_split, calls))
        ours.append(microseconds(read, calls))
    return {
        "read_us": statistics.median(ours),
        "full_split_us": statistics.median(plain),
        "ratio": statistics.median(o / p for o, p in zip(ours, plain, strict=True)),
    }


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name:15} {value:8.2f}")
