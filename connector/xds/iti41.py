"""ITI-41: metadata and XOP references out, registry response in (dmp-interface a.7)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from lxml import etree

from connector.base.ns import LCM, RIM, XDSB, XOP, q
from connector.xds.model import Submission
from connector.xds.responses import RegistryResponse, parse_registry_response
from connector.xds.writer import add_submission


def build_request(submission: Submission, cids: Mapping[str, str]) -> etree._Element:
    """The ProvideAndRegisterDocumentSetRequest; one `xop:Include` per entry, bytes travel as MIME parts.

    `cids` maps entry_uuid to Content-ID (without angle brackets). Raises KeyError when an entry has none:
    an entry without its part is a fault (ihe-rules D-38).
    """
    root = etree.Element(q(XDSB, "ProvideAndRegisterDocumentSetRequest"), nsmap={"xds": XDSB, "lcm": LCM, "rim": RIM})
    add_submission(etree.SubElement(root, q(LCM, "SubmitObjectsRequest")), submission)
    for entry in submission.entries:
        document = etree.SubElement(root, q(XDSB, "Document"), id=entry.entry_uuid)
        href = "cid:" + quote(cids[entry.entry_uuid], safe="@.-_")
        etree.SubElement(document, q(XOP, "Include"), nsmap={"xop": XOP}, href=href)
    return root


def parse_response(node: etree._Element) -> RegistryResponse:
    """The bare RegistryResponse of a submission; it names no identifier, even on success (a.7)."""
    return parse_registry_response(node)
