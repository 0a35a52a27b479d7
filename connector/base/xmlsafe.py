"""The only way XML from outside becomes a tree: no DOCTYPE, no entity, no network, a size cap.

Measured in stack.md §6: lxml lets a DOCTYPE through silently with resolve_entities=False, so it is refused here.
"""

from __future__ import annotations

from lxml import etree

from connector.base.errors import CodecError, LimitError

DEFAULT_CAP = 16 * 1024 * 1024
"""Bytes; one million empty elements (4 MB) cost 26 times their size in memory."""

MARKUP_CAP = 2_000_000
"""Tags and end tags; each element costs about 100 bytes of memory whatever its size on the wire."""


def parse_xml(data: bytes, *, cap: int = DEFAULT_CAP, huge: bool = False, what: str = "XML") -> etree._Element:
    """Root element of `data`, comments and processing instructions kept.

    Raises LimitError above `cap` bytes, CodecError on malformed XML or any DOCTYPE.
    `huge` lifts libxml2's 10 MB text node limit, for CDA documents with their own cap only.
    """
    if len(data) > cap:
        raise LimitError(
            f"{what} is too large",
            field=what,
            found=str(len(data)),
            expected=f"at most {cap} bytes",
            limit=cap,
        )
    markup = data.count(b"<")
    if markup > MARKUP_CAP:
        raise LimitError(
            f"{what} has too many tags",
            field=what,
            found=str(markup),
            expected=f"at most {MARKUP_CAP}",
            limit=MARKUP_CAP,
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=huge,
        remove_comments=False,
        remove_pis=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # libxml2 quotes the document in some messages: keep only the kind and the line.
        line = getattr(error, "lineno", None)
        raise CodecError(
            f"{what} is not well-formed", field=what, found=f"line {line}", expected="well-formed XML"
        ) from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise CodecError(f"{what} carries a DOCTYPE", field=what, found="DOCTYPE", expected="no DOCTYPE")
    return root
