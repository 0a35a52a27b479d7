"""The process in which the stylesheet of a self-presenting document runs: document on stdin, clean page on stdout.

`python -m connector.render.html.foreign`; any failure is an exit code, nothing of the document goes to stderr.
"""

from __future__ import annotations

import resource
import sys
from typing import Any, Final

from lxml import etree

from connector.base.xmlsafe import parse_xml
from connector.cda.header import CDA_CAP
from connector.render.html.clean import clean
from connector.render.html.facts import html_text

OWN_SECONDS: Final = 10
_MEMORY: Final = 1024**3
"""Bytes of address space."""
_NO_PAGE: Final = 3
# reading is allowed, and answered by the resolver: denied, the first document() would end it all
_ONLY_READING: Final = etree.XSLTAccessControl(  # type: ignore[call-arg]
    read_file=True, write_file=False, create_dir=False, read_network=False, write_network=False
)


class _Elsewhere(etree.Resolver):
    """Whatever the stylesheet asks for beside the document is an empty document: no file is opened."""

    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:
        return self.resolve_string("<nothing/>", context)  # type: ignore[call-arg]


def show_itself(document: bytes) -> bytes | None:
    """The cleaned page that `document` makes of itself, None when there is nothing to read in it."""
    parse_xml(document, cap=CDA_CAP, huge=True, what="CDA")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    parser.resolvers.add(_Elsewhere())
    root = etree.fromstring(document, parser, base_url="file:///nowhere/document.xml")
    page = etree.XSLT(root, access_control=_ONLY_READING)(root.getroottree()).getroot()
    cleaned = b"" if page is None else clean(etree.tostring(page, method="html", encoding="utf-8"))
    return cleaned if cleaned and html_text(cleaned) else None


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (OWN_SECONDS, OWN_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    page = show_itself(sys.stdin.buffer.read())
    if page is None:
        return _NO_PAGE
    sys.stdout.buffer.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
