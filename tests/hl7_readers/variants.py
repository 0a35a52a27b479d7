"""One message in the many forms hospitals give it: content variants (text to text), then its dress (text to bytes).

Content is written with the nominal delimiters and CR; each variant keeps what the message asks for
(hl7v2-interface §1.5, §1.6, §7, §9.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tests.hl7_readers.messages import edit, without

Content = Callable[[str], str]


def _lines(text: str, change: Callable[[str], str], start: str) -> str:
    return "\r".join(change(line) if line.startswith(start) else line for line in text.split("\r"))


def _payload(text: str, change: Callable[[str], str]) -> str:
    """`text` with the base64 of its first document changed."""
    return re.sub(r"(?<=\^Base64\^)[A-Za-z0-9+/=]+", lambda found: change(found[0]), text, count=1)


def _chunks(encoded: str, width: int, joint: str) -> str:
    return joint.join(encoded[start : start + width] for start in range(0, len(encoded), width))


def _shift_status(line: str) -> str:
    fields = line.split("|")
    return "|".join([*fields[:10], *fields[11:]]) if len(fields) > 11 else line


def _acknowledgements_last(text: str) -> str:
    """ACK_* after the mail bodies, as volet 2.0 had them."""
    lines = text.split("\r")
    late = [line for line in lines if "|ACK_" in line]
    return "\r".join([line for line in lines if line not in late] + late)


def _role(text: str, spell: Callable[[str], str]) -> str:
    def change(line: str) -> str:
        fields = line.split("|")
        fields[4] = spell(fields[4].split("^")[0])
        return "|".join(fields)

    return _lines(text, change, "PRT")


def _values(text: str, ending: str) -> str:
    return re.sub(r"\^\^expandedYes-NoIndicator", ending, text)


def _glued(text: str, joint: str) -> str:
    return text.replace("\rPRT|", f"{joint}PRT|", 2).replace(f"{joint}PRT|", "\rPRT|", 1)


CONTENT: Mapping[str, Content] = {
    "padding lost": lambda m: _payload(m, lambda code: code.rstrip("=")),
    "blanks in the base64": lambda m: _payload(m, lambda code: _chunks(code, 11, " ")),
    "base64 on many lines": lambda m: _payload(m, lambda code: _chunks(code, 76, "\r")),
    "base64 on indented lines": lambda m: _payload(m, lambda code: _chunks(code, 19, "  \r   ")),
    "payload without ED components": lambda m: re.sub(r"\^te?xt\^xml\^base64\^", "", m, count=1, flags=re.I),
    "text and xml in another case": lambda m: re.sub(
        r"\^TEXT\^XML\^Base64", "^Text^xml^BASE64", m, count=1, flags=re.I
    ),
    "status in OBX-10": lambda m: _lines(m, _shift_status, "OBX|1|"),
    "status in small letters": lambda m: re.sub(r"\|([FCD])(?=\r|$)", lambda found: f"|{found[1].lower()}", m),
    "order in small letters": lambda m: re.sub(r"\rORC\|(\w\w)", lambda found: f"\rORC|{found[1].lower()}", m),
    "roles in small letters": partial(_role, spell=str.lower),
    "roles with the table of 2.0": partial(_role, spell=lambda role: f"{role}^^HL70912"),
    "roles with a text": partial(_role, spell=lambda role: f"{role}^Results Copies To^participation"),
    "roles alone": partial(_role, spell=lambda role: f" {role} "),
    "two PRT on one line": partial(_glued, joint=" "),
    "two PRT far apart on one line": partial(_glued, joint="     \t "),
    "table of 2.0": partial(_values, ending="^^HL70136"),
    "no table": partial(_values, ending=""),
    "blank before the table": partial(_values, ending="^^ expandedYes-NoIndicator"),
    "values in small letters": lambda m: re.sub(r"\|\|([YN])\^", lambda found: f"||{found[1].lower()}^", m),
    "MetaDMPMSS with a blank": lambda m: m.replace("^MetaDMPMSS", "^MetaDMPMSS "),
    "no MetaDMPMSS": lambda m: m.replace("^MetaDMPMSS", ""),
    "no labels": lambda m: re.sub(r"\|([A-Z_]+)\^[^|^]*\^MetaDMPMSS", r"|\1^^MetaDMPMSS", m),
    "codes in small letters": lambda m: re.sub(
        r"\|([A-Z_]{6,})\^(?=[^|]*MetaDMPMSS)", lambda found: f"|{found[1].lower()}^", m
    ),
    "representatives as in 1.2": lambda m: m.replace("INVISIBLE_REP_LEGAUX", "INVISIBLE_REPRESENTANTS_LEGAUX"),
    "representatives misspelled": lambda m: m.replace("INVISIBLE_REP_LEGAUX", "INVISIBLE_REPRENSANTS_LEGAUX"),
    "confidentiality as in 1.2": lambda m: m.replace("MODIF_CONF_CODE", "MODIF_CONFIDENTIALITYCODE"),
    "reading as in the examples": lambda m: m.replace("ACK_LECTURE_MSS", "ACK_LECTURE"),
    "acknowledgements last": _acknowledgements_last,
    "ghost metadata": lambda m: m + "\rOBX|99|XTN|REPLY_TO^x^MetaDMPMSS||||||||F",
    "no-break spaces after fields": lambda m: _lines(m, lambda line: line + "\u00a0" * 18, "PRT"),
    "no-break spaces in fields": lambda m: m.replace("^MetaDMPMSS||", "^MetaDMPMSS|\u00a0|"),
    "X.400 with its net": lambda m: m.replace("^^X.400^", "^NET^X.400^"),
    "blank before the namespace": lambda m: m.replace("^CISIS_CDA_HL7_V2", "^ CISIS_CDA_HL7_V2"),
    "no structure in MSH-9": lambda m: re.sub(r"(ORU\^R01|MDM\^T\d\d)\^\w+", r"\1", m),
    "birth date with a time": lambda m: edit(m, "PID-7", "197903280000"),
    "software segment": lambda m: m.replace("\rPID|", "\rSFT|Editeur^^|1|DPI|1\rPID|", 1),
    "unknown segment": lambda m: m + "\rZXX|1|local",
    "authenticated as LA": lambda m: edit(m, "TXA-17", "LA") if "\rTXA|" in m else m,
    "organisation in TXA-12": lambda m: _lines(m, lambda line: line.replace("^Organisation-Y", "^Une autre"), "TXA"),
    "trailing separators": lambda m: "\r".join(f"{line}|||" for line in m.split("\r")),
}
"""Variants that change nothing of what is asked for."""

SAME_CARRIER = (
    {"padding lost", "blanks in the base64"},
    {"blanks in the base64", "base64 on many lines", "base64 on indented lines"},
)
"""Variants that touch the same thing: together they are another test."""


def to_volet(text: str, version: str) -> str:
    """The message as a sender of volet 1.2 or 2.0 writes it (§7); anything else gives it back."""
    if version == "2.0":
        text = edit(text, "MSH-21", "2.0^CISIS_CDA_HL7_V2")
        if "|MDM^" in text:
            return without(without(text, "ORC"), "OBR")
        return edit(text, "ORC-1", "SC")
    if version == "1.2":
        text = edit(text, "MSH-21", "1.2^CISIS_CDA_HL7_V1")
        for current, older in (
            ("INVISIBLE_REP_LEGAUX", "INVISIBLE_REPRESENTANTS_LEGAUX"),
            ("MODIF_CONF_CODE", "MODIF_CONFIDENTIALITYCODE"),
        ):
            text = text.replace(current, older)
        text = without(without(text, "PRT||UC||SB"), "PRT||UC||RCT")
        text = "\r".join(line for line in text.split("\r") if "|ACK_" not in line)
        text = text.replace("^MetaDMPMSS", "").replace("^^expandedYes-NoIndicator", "")
        return edit(text, "ORC-1", "SC")
    return text


@dataclass(frozen=True)
class Dress:
    """How the characters become bytes. `declared` is MSH-18, `codec` what really wrote them."""

    delimiters: str = "|^~\\&"
    declared: str = "UNICODE UTF-8"
    codec: str = "utf-8"
    end: str = "\r"
    bom: bool = False
    before: str = ""
    between: str = ""
    after: str = ""

    def __call__(self, text: str) -> bytes:
        text = edit(text, "MSH-18", self.declared)
        signs = text[3:8]
        # a fifth sign in MSH-2 (v2.7) separates nothing
        body = text[:3] + self.delimiters + text[8:].translate(str.maketrans(signs, self.delimiters[:5]))
        first, *others = body.split("\r")
        written = (
            self.end.join([self.before + first, *(self.between + line for line in others)]) + self.end + self.after
        )
        return (b"\xef\xbb\xbf" if self.bom else b"") + written.encode(self.codec)


DELIMITERS = (
    "|^~\\&",
    "|^\u02dc\\&",
    "#^~\\&",
    "!*~\\%",
    "|$~\\&",
    "|&~\\^",
    "$%!\\*",
    "|\u00a7\u00b6\\&",
    "|^~\u00a4&",
    "|^~\\&#",
)
CHARSETS = (
    ("UNICODE UTF-8", "utf-8"),
    ("UTF-8", "utf-8"),
    ("8859/15", "iso8859-15"),
    ("8859/1", "iso8859-1"),
    ("", "utf-8"),
    ("", "iso8859-15"),
    ("UNICODE UTF-8", "iso8859-15"),
    ("ASCII", "cp1252"),
)
ENDS = ("\r", "\n", "\r\n", "\r\n\r\n", "\n\n")
