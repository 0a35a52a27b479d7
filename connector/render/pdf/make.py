"""From a document or a text to the bytes of a PDF/A-1b."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import typst
from lxml import etree

from connector.base.errors import ConnectorError, LimitError
from connector.base.finding import Finding, Severity
from connector.cda.checks.media import MEDIA, read_body
from connector.cda.header import CDA_CAP
from connector.cda.nodes import child
from connector.cda.people import read_traits
from connector.render.html.page import page_tree, read_document
from connector.render.html.stylesheet import DATA
from connector.render.pdf.blocks import Block, Images, page_blocks, text_blocks
from connector.render.pdf.glyphs import drawable, learn
from connector.render.pdf.images import opaque_image
from connector.render.pdfa import check_pdfa

_LINE: Final = 90
"""Characters of a line, shared by the columns of a table."""
_LONGEST: Final = 30
_SHORTEST: Final = 8
_MOST_ELEMENTS: Final = 40_000
"""Elements of a page that is put on paper; the largest official example has 1 200."""
_STEERING: Final = frozenset({"t", "n", "align"})
_PATIENT: Final = "recordTarget/patientRole/patient"


class PdfError(ConnectorError):
    """The typesetter made no PDF of a document; `context` has `found`, its own word for it."""


@dataclass(frozen=True, slots=True, repr=False)
class Pdf:
    """`made` is False for a PDF that was in the document and is handed on byte for byte.

    `findings` are the PDF/A rules (`connector.render.pdfa`), errors for what we made, warnings for what was received;
    and what of the document is not on paper as it is on the page (RENDER-nn).
    """

    content: bytes
    made: bool
    findings: tuple[Finding, ...] = ()


def to_pdf(cda: bytes, *, now: datetime, cap: int = CDA_CAP) -> Pdf:
    """A CDA as PDF/A-1b, made from the same page as the HTML.

    `now` (aware) is its date of creation, the only thing that changes from one call to the next. A level-1 document
    that carries a PDF gives that very PDF. Raises CdaError when `cda` is no ClinicalDocument, LimitError for one too
    large for paper, PdfError when it cannot be typeset.
    """
    document = read_document(cda, cap)
    carried = carried_pdf(document)
    if carried is not None:
        return carried
    foot = _foot(document)
    page, findings, _ = page_tree(document)
    _check_size(page)
    images = Images()
    blocks = page_blocks(page, images)
    return _typeset(page.findtext("head/title", "").strip(), foot, blocks, images, findings, now)


def text_to_pdf(text: str, *, title: str, now: datetime, foot: str = "") -> Pdf:
    """A plain text as PDF/A-1b, its line ends kept; `foot` is written at the bottom of each page. Raises PdfError."""
    heading: Block = {"t": "h", "l": 1, "r": [(title, "")]}
    return _typeset(title, foot, [heading, *text_blocks(text)], Images(), (), now)


def carried_pdf(document: etree._Element) -> Pdf | None:
    """The PDF of a level-1 document, as it is; None when it has none."""
    body = read_body(document)
    if body.text is None or body.content is None or body.text.get("mediaType") != "application/pdf":
        return None
    if not MEDIA["application/pdf"](body.content):
        return None
    said = _finding("RENDER-20", "info", "un PDF", "—", "Le PDF du document est remis tel quel, sans conversion")
    return Pdf(body.content, False, (said, *check_pdfa(body.content)))


def _check_size(page: etree._Element) -> None:
    """Paper is made in one piece, in time that grows with what is on it: some 15 s at this limit."""
    found = sum(1 for _ in page.iter())
    if found > _MOST_ELEMENTS:
        raise LimitError(
            "the document is too large for paper",
            field="document",
            found=str(found),
            expected=f"at most {_MOST_ELEMENTS} elements",
            limit=_MOST_ELEMENTS,
        )


def _foot(document: etree._Element) -> str:
    """Whose letter it is, on each page."""
    traits = read_traits(child(document, _PATIENT))
    return " ".join(part for part in (traits.birth_name, traits.first_given or traits.given_names) if part)


def _typeset(
    title: str, foot: str, blocks: list[Block], images: Images, findings: tuple[Finding, ...], now: datetime
) -> Pdf:
    letter: dict[str, Any] = {"title": title, "foot": foot, "blocks": blocks}
    learn([json.dumps(letter, ensure_ascii=False)])
    missing: set[str] = set()
    letter = _drawn(letter, missing)
    opaque = [opaque_image(source) for source in images.sources]
    letter["images"] = [list(image.content) if image is not None else [] for image in opaque]
    widths = {rank: image.width for rank, image in enumerate(opaque) if image is not None}
    content, shown = _attempt(letter, widths, now)
    lost = len(images.sources) - shown + images.untold
    return Pdf(content, True, (*findings, *_losses(missing, lost), *check_pdfa(content, strict=True)))


def _attempt(letter: dict[str, Any], widths: dict[int, int], now: datetime) -> tuple[bytes, int]:
    """The PDF and how many images are in it. What cannot be whole is given without tags, then without images.

    A very long table has more tags than PDF/A-1 allows in one array (8191); an image that looked right may be damaged,
    and which one is not told.
    """
    for placed in (widths, {}):
        for tags in (True, False):
            content = _compile({**letter, "blocks": _placed(letter["blocks"], placed)}, now, tags)
            if content is not None:
                return content, len(placed)
    raise PdfError("the document could not be typeset", found="typst")


def _compile(letter: dict[str, Any], now: datetime, tags: bool) -> bytes | None:
    try:
        made = typst.compile(
            _template(),
            format="pdf",
            pdf_standards=["a-1b"],
            pdf_tags=tags,
            ignore_system_fonts=True,
            sys_inputs={"letter": json.dumps(letter)},
            timestamp=int(now.timestamp()),
        )
    except typst.TypstError:
        # its text may quote the letter: what there is to say is said by the caller
        return None
    assert isinstance(made, bytes)
    return made


@cache
def _template() -> bytes:
    return (DATA / "letter.typ").read_bytes()


def _drawn(value: Any, missing: set[str], longest: int = _LONGEST) -> Any:
    """Every text of the letter as the fonts can draw it; what steers the drawing (t, n…) is ASCII and left as it is."""
    match value:
        case str():
            return drawable(value, missing, longest)
        case dict():
            longest = max(_SHORTEST, _LINE // value["cols"]) if "cols" in value else longest
            return {key: value[key] if key in _STEERING else _drawn(value[key], missing, longest) for key in value}
        case list() | tuple():
            return [_drawn(item, missing, longest) for item in value]
        case _:
            return value


def _placed(value: Any, widths: dict[int, int]) -> Any:
    """Images with their width; one that is not to be had is a notice."""
    match value:
        case {"t": "image", "n": int(rank)}:
            if rank in widths:
                return {**value, "w": widths[rank]}
            return {"t": "notice", "r": [("Image non reproduite ici : voir le document.", "")]}
        case dict():
            return {key: _placed(item, widths) for key, item in value.items()}
        case list():
            return [_placed(item, widths) for item in value]
        case _:
            return value


def _losses(missing: set[str], images: int) -> list[Finding]:
    found: list[Finding] = []
    if missing:
        count, text = f"{len(missing)} caractères", "Des caractères sans dessin sont écrits par leur numéro (U+…)"
        found.append(_finding("RENDER-21", "warning", count, "des caractères des polices embarquées", text))
    if images:
        text = "Des images du document ne sont pas reproduites dans le PDF"
        found.append(_finding("RENDER-22", "warning", f"{images} images", "des images PNG ou JPEG lisibles", text))
    return found


def _finding(rule: str, severity: Severity, found: str, expected: str, text: str) -> Finding:
    return Finding(rule, severity, "document", found, expected, text, "", "connector/render/pdf")
