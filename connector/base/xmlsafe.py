"""The only way XML from outside becomes a tree: no DOCTYPE, no entity, no network, a size cap.

Measured in stack.md §6: lxml lets a DOCTYPE through silently with resolve_entities=False, so it is refused here.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lxml import etree

from connector.base.errors import CodecError, LimitError

DEFAULT_CAP = 16 * 1024 * 1024
"""Bytes; one million empty elements (4 MB) cost 26 times their size in memory."""

MARKUP_CAP = 2_000_000
"""Tags and end tags; each element costs about 100 bytes of memory whatever its size on the wire."""

_BLOCK = 256 * 1024


def parse_xml(data: bytes, *, cap: int = DEFAULT_CAP, huge: bool = False, what: str = "XML") -> etree._Element:
    """Root element of `data`, comments and processing instructions kept.

    Raises LimitError above `cap` bytes, CodecError on malformed XML or any DOCTYPE.
    `huge` lifts libxml2's 10 MB text node limit, for CDA documents with their own cap only.
    """
    _check_limits(len(data), data.count(b"<"), cap, what)
    try:
        root = etree.fromstring(data, _parser(huge))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _malformed(error, what) from error
    return _without_doctype(root, what)


def parse_xml_file(path: Path, *, cap: int = DEFAULT_CAP, huge: bool = False, what: str = "XML") -> etree._Element:
    """`parse_xml` of a file whose bytes never are in memory as a whole. Raises OSError besides."""
    with path.open("rb") as file:
        markup = sum(block.count(b"<") for block in iter(partial(file.read, _BLOCK), b""))
        _check_limits(file.tell(), markup, cap, what)
        file.seek(0)
        try:
            root = etree.parse(file, _parser(huge)).getroot()
        except (etree.XMLSyntaxError, ValueError) as error:
            raise _malformed(error, what) from error
    return _without_doctype(root, what)


def _parser(huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=huge,
        remove_comments=False,
        remove_pis=False,
    )


def _check_limits(size: int, markup: int, cap: int, what: str) -> None:
    if size > cap:
        raise LimitError(
            f"{what} is too large",
            field=what,
            found=str(size),
            expected=f"at most {cap} bytes",
            limit=cap,
        )
    if markup > MARKUP_CAP:
        raise LimitError(
            f"{what} has too many tags",
            field=what,
            found=str(markup),
            expected=f"at most {MARKUP_CAP}",
            limit=MARKUP_CAP,
        )


def _malformed(error: Exception, what: str) -> CodecError:
    # libxml2 quotes the document in some messages: keep only the kind and the line.
    line = getattr(error, "lineno", None)
    return CodecError(f"{what} is not well-formed", field=what, found=f"line {line}", expected="well-formed XML")


def _without_doctype(root: etree._Element, what: str) -> etree._Element:
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise CodecError(f"{what} carries a DOCTYPE", field=what, found="DOCTYPE", expected="no DOCTYPE")
    return root
