"""The whole document: header, body, bytes."""

from __future__ import annotations

import base64
from typing import Final

from connector.base.ns import HL7V3, SDTC, XSI
from connector.letter.build import wording
from connector.letter.build.header import header
from connector.letter.build.place import Place
from connector.letter.build.sections import admission_sections, discharge_sections
from connector.letter.build.xml import Xml, element
from connector.letter.model import AdmissionLetter, Body, DischargeLetter, Letter

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_OPENING: Final = f'<ClinicalDocument xmlns="{HL7V3}" xmlns:xsi="{XSI}" xmlns:sdtc="{SDTC}">\n'


def build(letter: Letter) -> bytes:
    """The letter as CDA R2: level 3 for a discharge or an admission, level 1 for a file (cda-lettre-de-liaison).

    UTF-8 with its declaration. Nothing but the letter decides the bytes: identifiers and times are its own, those of
    sections and entries derive from the document's. Every reference to the narrative is resolved.
    """
    parts = [*header(letter), _component(letter)]
    return (_DECLARATION + _OPENING + "\n".join(parts) + "\n</ClinicalDocument>\n").encode()


def _component(letter: Letter) -> Xml:
    match letter:
        case DischargeLetter():
            sections = discharge_sections(letter, _place(letter))
        case AdmissionLetter():
            sections = admission_sections(letter, _place(letter))
        case _:
            return element("component", element("nonXMLBody", _file(letter.body)))
    # One section a line, for whoever reads the source; no white space enters a section.
    lines = Xml("".join(f"\n{section.xml()}" for section in sections) + "\n")
    return element("component", element("structuredBody", lines))


def _place(letter: DischargeLetter | AdmissionLetter) -> Place:
    return Place(f"{letter.id.root}^{letter.id.extension or ''}", wording.clock(letter))


def _file(body: Body) -> Xml:
    content = Xml(base64.b64encode(body.content).decode("ascii"))
    return element("text", content, mediaType=body.media_type, representation="B64")
