"""The stylesheets of package data, compiled once for the process and safe to use from any thread."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

DATA: Final = Path(__file__).resolve().parent.parent / "data"
_NOTHING: Final = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]


@cache
def letter_stylesheet() -> etree.XSLT:
    """`letter.xsl` with `letter.css` in it; while it runs it opens no file and no address."""
    sheet = etree.parse(str(DATA / "letter.xsl"))
    sheet.xinclude()
    (style,) = sheet.findall(".//style")
    style.text = (DATA / "letter.css").read_text(encoding="utf-8")
    return etree.XSLT(sheet, access_control=_NOTHING)
