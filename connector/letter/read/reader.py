"""From CDA to a letter: `read`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connector.base.errors import CodecError, LimitError
from connector.base.xmlsafe import parse_xml
from connector.cda.header import CDA_CAP, CdaError, clinical_document, read_header
from connector.cda.model import CdaHeader
from connector.letter.errors import LetterError, fault
from connector.letter.model import Letter
from connector.letter.model.codes import shown
from connector.letter.read import body
from connector.letter.read.cursor import Cursor, Kept, Reading
from connector.letter.read.header import header
from connector.letter.read.leftovers import leftovers
from connector.letter.read.shed import accepted
from connector.letter.read.unsaid import as_given
from connector.letter.read.values import Plain, code

_KINDS: Final = {
    "1.2.250.1.213.1.1.1.29": "discharge",
    "1.2.250.1.213.1.1.1.21": "admission",
    "11490-0": "discharge",
    "18761-7": "admission",
}
"""Kind of a structured letter by the template of its model, whatever its version, else by its LOINC code."""

_TYPES: Final = {"discharge": "11490-0", "admission": "18761-7"}


@dataclass(frozen=True, slots=True)
class ReadLetter:
    """A letter as the document tells it; `kept_aside` lists what the model does not hold."""

    letter: Letter = field(repr=False)
    kept_aside: tuple[Kept, ...]


def read(cda: bytes, *, cap: int = CDA_CAP) -> ReadLetter:
    """The letter in a CDA: LDL-SES and LDL-EES of any version, or a level 1 document (cda-lettre-de-liaison §1 to §4).

    Old templates, other places and absent optional parts are accepted. Nothing is lost in silence: what the model has
    no place for, or refuses, is in `kept_aside` with its path. Made-up identifiers of sections and entries, their
    titles, and why a value is absent (nullFlavor) are not told.

    Raises LetterError: bytes that are no ClinicalDocument of at most `cap` bytes, a structured document of another
    kind, or a value the letter cannot do without.
    """
    document = parsed(cda, cap)
    reading = Reading(document)
    root = reading.cursor(document)
    data = header(root)
    kind = _kind(root)
    if root.at("code").settle("code", _TYPES.get(kind, "")):
        root.at("code").take()
    match kind:
        case "discharge":
            told = body.discharge(body.sections(root), data)
        case "admission":
            told = body.admission(body.sections(root))
        case _:
            told = _unstructured(root)
    letter, refused = accepted(_without_nothing({"kind": kind, **data, **told}))
    return ReadLetter(as_given(letter), (*leftovers(reading), *refused))


def parsed(cda: bytes, cap: int) -> etree._Element:
    """The ClinicalDocument of a file, self-presenting or not. Raises LetterError."""
    try:
        return clinical_document(parse_xml(cda, cap=cap, huge=True, what="CDA"))
    except CodecError as error:
        # A CDA that cannot be read is a fault like another; the words of the parser are for programs.
        found = error
    raise LetterError([fault("document", _words(found), "un document CDA R2", str(found.context.get("found", "")))])


def header_of(cda: bytes, cap: int) -> CdaHeader:
    """The header as the feeding of the DMP reads it. Raises LetterError."""
    try:
        return read_header(cda, cap=cap)
    except CodecError as error:
        found = error
    place = str(found.context.get("field", "document"))
    raise LetterError([fault(place, _words(found), str(found.context.get("expected", "")))])


def _words(error: CodecError) -> str:
    match error:
        case LimitError():
            return "le document est trop grand"
        case CdaError():
            return "le document n'est pas un CDA"
    return "le document n'est pas un XML lisible"


def _kind(root: Cursor) -> str:
    if root.at("component/nonXMLBody"):
        return "unstructured"
    code = root.at("code").peek("code")
    for sign in (*(item.peek("root") for item in root.each("templateId")), code):
        if sign in _KINDS:
            return _KINDS[sign]
    raise LetterError(
        [fault("code", "ce document structuré n'est pas une lettre de liaison", "11490-0 ou 18761-7", shown(code))]
    )


def _unstructured(root: Cursor) -> Plain:
    """Level 1: the file, inline; its type is the code of the document."""
    text = root.at("component/nonXMLBody/text")
    media = text.attribute("mediaType")
    element = text.element
    content: str | bytes | None = None
    if element is not None and element.text:
        content = element.text if text.settle("representation", "B64") else element.text.encode()
        root.reading.taken.add((element, "text()"))
    return {"type": code(root.at("code")), "body": {"media_type": media, "content": content}}


def _without_nothing(data: Plain) -> Plain:
    return {name: value for name, value in data.items() if value not in (None, "", [], {})}
