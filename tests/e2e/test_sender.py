"""Who asks for the sending (PRT SB), as each message writes it and as the DMP hears it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from connector.base.ns import RIM, SAML2, q
from connector.simulator.config import SimConfig
from tests.e2e.captured import PROVIDE, Captured, read_captures
from tests.e2e.harness import Site
from tests.e2e.messages import deletion, letter
from tests.e2e.test_publication import admitted

SET_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
UPDATE = "urn:ihe:iti:2010:UpdateDocumentSet"
SENT_BY = re.compile(rb"PRT\|[^\r]*\|SB\^[^\r]*")
AUTHORITY = b"&1.2.250.1.71.4.2.2&ISO"


@pytest.fixture
def capturing(tmp_path: Path, pki_folder: Path) -> Iterator[Site]:
    config = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder, capture_dir=tmp_path / "captured")
    with Site(tmp_path, config) as site:
        admitted(site)
        yield site


def sent_by(message: bytes, prt: bytes) -> bytes:
    changed, count = SENT_BY.subn(prt, message)
    assert count == 1
    return changed


def request(site: Site, action: str) -> Captured:
    """The one request of this action."""
    (found,) = (one for one in read_captures(site.folder / "captured") if one.action == action)
    return found


def set_author(request: Captured) -> dict[str, str]:
    """Slots of the author of the submission set."""
    (author,) = (
        found
        for found in request.envelope.iter(q(RIM, "Classification"))
        if found.get("classificationScheme") == SET_AUTHOR
    )
    return {str(slot.get("name")): slot.findtext(f".//{q(RIM, 'Value')}") or "" for slot in author.iter(q(RIM, "Slot"))}


def name_id(request: Captured) -> str:
    return etree.fromstring(request.assertion).findtext(f".//{q(SAML2, 'NameID')}") or ""


def fed(site: Site, prt: bytes) -> bytes:
    message, document = letter("MDM9201")
    message = sent_by(message, prt)
    ack = site.send(message)
    assert ack.code == "AA", ack
    assert site.wait_delivery(document).state == "done"
    return message


def test_a_device_alone_asks_for_the_structure_that_feeds(capturing: Site) -> None:
    message = fed(capturing, b"PRT||UC||SB^Send by^participation||||||DEV1")
    author = "3120456789/DEV1^dmp-connector^PFI^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"
    assert set_author(request(capturing, PROVIDE)) == {"authorPerson": author}
    assert capturing.send(deletion("MDM9202", message)).code == "AA"
    assert any(line.text == "Document supprimé du DMP" for line in capturing.settled("MDM9202"))
    assert set_author(request(capturing, UPDATE)) == {"authorPerson": author}


def test_bare_numbers_get_their_national_prefix(capturing: Site) -> None:
    person = b"10000023084^Adam^Hoda^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
    structure = b"Organisation-Y^^^^^" + AUTHORITY + b"^FINEG^^^300017985"
    fed(capturing, b"PRT||UC||SB^Send by^participation|" + person + b"|||" + structure)
    sent = request(capturing, PROVIDE)
    assert name_id(sent) == "810000023084"
    assert set_author(sent) == {
        "authorPerson": "810000023084^Adam^Hoda^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
        "authorInstitution": "Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1300017985",
    }
