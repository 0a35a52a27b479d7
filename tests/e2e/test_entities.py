"""Two legal entities in one connector: each letter leaves under its own certificates, structure and sector."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from lxml import etree

from connector.base.clock import utc_now
from connector.base.ns import DS, SAML2, q
from connector.settings import parse_settings
from connector.simulator.config import SimConfig
from connector.simulator.pki import MAIN_STRUCTURE, OTHER_STRUCTURE, Pki
from connector.trust.keys import structure_of
from tests.e2e.captured import PROVIDE, Captured, read_captures
from tests.e2e.harness import Site, toml_of
from tests.e2e.messages import admission, letter
from tests.e2e.process import fixed_port
from tests.e2e.test_api import get

MakeEntities = Callable[..., Site]


def laboratory(pki_folder: Path) -> dict[str, Any]:
    """The second entity, with the certificates the simulator's authority made for its other structure."""
    pki = Pki.create(pki_folder, utc_now())
    return {
        "name": "labo",
        "structure": OTHER_STRUCTURE,
        "aliases": ["300017985"],
        "sign_certificate": str(pki.sign_other.certificate),
        "sign_key": str(pki.sign_other.key),
        "auth_certificate": str(pki.auth_other.certificate),
        "auth_key": str(pki.auth_other.key),
        "sector": "SA25",
        "name_id": "structure",
        "internal_id": "sgl",
    }


@pytest.fixture
def make_entities(tmp_path: Path, pki_folder: Path) -> Iterator[MakeEntities]:
    """A site of two entities whose calls are captured, one admission done."""
    with ExitStack() as stack:

        def make(**overrides: Any) -> Site:
            config = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder, capture_dir=tmp_path / "captured")
            site = stack.enter_context(Site(tmp_path, config, entities=[laboratory(pki_folder)], **overrides))
            site.send(admission("ADT7001"))
            return site

        yield make


def written_by(message: bytes, structure: str, sender: str = "") -> bytes:
    """`message` with every structure of its document, and PRT-8.10 (`sender`, else the same), replaced."""
    coded = re.search(rb"\^Base64\^([^|\r]+)", message)
    assert coded is not None
    content = base64.b64decode(coded[1])
    assert content.count(MAIN_STRUCTURE.encode()) > 2
    again = base64.b64encode(content.replace(MAIN_STRUCTURE.encode(), structure.encode()))
    message = message.replace(coded[1], again)
    prt = re.search(rb"PRT\|[^\r]*\|SB\^[^\r]*", message)
    assert prt is not None
    assert MAIN_STRUCTURE.encode() in prt[0]
    return message.replace(prt[0], prt[0].replace(MAIN_STRUCTURE.encode(), (sender or structure).encode()))


def submission(site: Site, unique_id: str) -> Captured:
    """The one ITI-41 that carried a document."""
    (found,) = (
        request
        for request in read_captures(site.folder / "captured")
        if request.action == PROVIDE and unique_id in request.documents()
    )
    return found


def who(request: Captured) -> dict[str, str]:
    """The structure in each place it appears, the sector and the NameID."""
    assertion = etree.fromstring(request.assertion)
    attributes = request.attributes()
    assert request.client is not None
    der = base64.b64decode(assertion.findtext(f".//{q(DS, 'X509Certificate')}") or "")
    issuer = re.search(r"OU=([^,]+)", assertion.findtext(q(SAML2, "Issuer")) or "")
    assert issuer is not None
    return {
        "tls": structure_of(request.client),
        "issuer": issuer[1],
        "signer": structure_of(x509.load_der_x509_certificate(der)),
        "vihf": attributes["Identifiant_Structure"][0],
        "sector": attributes["Secteur_Activite"][0].partition("^")[0],
        "name_id": assertion.findtext(f"{q(SAML2, 'Subject')}/{q(SAML2, 'NameID')}") or "",
    }


def test_each_letter_leaves_under_its_own_certificate_and_structure(make_entities: MakeEntities) -> None:
    site = make_entities()
    ours, first = letter("MDM7001")
    theirs, second = letter("MDM7002")
    aliased, third = letter("MDM7003")
    assert site.send(ours).code == "AA"
    assert site.send(written_by(theirs, OTHER_STRUCTURE)).code == "AA"
    assert site.send(written_by(aliased, OTHER_STRUCTURE, "300017985")).code == "AA"
    for unique_id in (first, second, third):
        assert site.wait_delivery(unique_id).state == "done"
        assert site.accepted(unique_id) == 1
    places = ("tls", "issuer", "signer", "vihf")
    main, other = dict.fromkeys(places, MAIN_STRUCTURE), dict.fromkeys(places, OTHER_STRUCTURE)
    assert who(submission(site, first)) == main | {"sector": "SA01", "name_id": "801234564895"}
    laboratory_speaks = other | {"sector": "SA25", "name_id": f"{OTHER_STRUCTURE}/sgl"}
    assert who(submission(site, second)) == laboratory_speaks
    assert who(submission(site, third)) == laboratory_speaks


def test_the_legal_authenticator_chooses_where_the_site_says_so(make_entities: MakeEntities) -> None:
    site = make_entities(caller={"entity_from": "legal-authenticator"})
    message, unique_id = letter("MDM7004")
    site.send(written_by(message, OTHER_STRUCTURE, "1999999999"))
    assert site.wait_delivery(unique_id).state == "done"
    assert who(submission(site, unique_id))["tls"] == OTHER_STRUCTURE


def test_a_structure_of_nobody_waits_until_the_settings_know_it(make_entities: MakeEntities) -> None:
    site = make_entities()
    message, unique_id = letter("MDM7005")
    site.send(written_by(message, MAIN_STRUCTURE, "1999999999"))
    rest = site.wait_delivery(unique_id)
    assert rest.state == "held"
    assert rest.code.startswith("configuration")
    assert "1999999999" in rest.reason
    assert site.accepted(unique_id) == 0
    site.restart(caller={"unknown_entity": "default"})
    site.act("retry", unique_id)
    assert site.wait_delivery(unique_id, "done").state == "done"
    assert who(submission(site, unique_id))["tls"] == MAIN_STRUCTURE


def test_a_letter_of_the_other_entity_is_not_ours_to_feed(make_entities: MakeEntities) -> None:
    """The sender's structure chooses the hospital, every author is of the laboratory: EX_2.1-1140, nothing leaves."""
    site = make_entities()
    message, unique_id = letter("MDM7006")
    site.send(written_by(message, OTHER_STRUCTURE, MAIN_STRUCTURE))
    rest = site.wait_delivery(unique_id)
    assert rest.state == "refused"
    assert site.accepted(unique_id) == 0
    zam = site.hospital.wait(1)
    err = zam.first("ERR")
    assert err is not None
    assert (err.get(5), err.get(5, comp=3)) == ("901", "applicationErrorCondition")


def test_certificates_of_every_entity_are_watched_and_an_entity_may_come_later(
    make_entities: MakeEntities, pki_folder: Path
) -> None:
    port = fixed_port(random.Random(17))
    site = make_entities(api={"port": port})

    def named() -> set[str]:
        return set(re.findall(r'connector_certificate_days\{certificate="([^"]+)"\}', get(port, "/metrics")[1]))

    both = {"SIGN", "AUTH_CLI", "SIGN labo", "AUTH_CLI labo"}
    assert named() == both
    table = toml_of(site.simulator, site.hospital.port, site.folder, api={"port": port})
    assert site.reload(parse_settings(table, site.folder)) == ("entities",)
    assert named() == {"SIGN", "AUTH_CLI"}
    table["entities"] = [laboratory(pki_folder)]
    assert site.reload(parse_settings(table, site.folder)) == ("entities",)
    assert named() == both
    message, unique_id = letter("MDM7007")
    site.send(written_by(message, OTHER_STRUCTURE))
    assert site.wait_delivery(unique_id).state == "done"
    assert who(submission(site, unique_id))["tls"] == OTHER_STRUCTURE


def test_a_professional_speaks_with_the_role_of_the_document(make_entities: MakeEntities) -> None:
    site = make_entities(caller={"role": "professional"})
    message, unique_id = letter("MDM7008")
    site.send(message)
    assert site.wait_delivery(unique_id).state == "done"
    assert submission(site, unique_id).attributes()["urn:oasis:names:tc:xacml:2.0:subject:role"] == [
        "10^1.2.250.1.71.1.2.7",
        "SM26^1.2.250.1.71.4.2.5",
    ]
    nobody, unsigned = letter("MDM7009", PRT_5="801234567897^Réault^Pierre^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS")
    site.send(nobody)
    assert site.wait_delivery(unsigned).state == "done"
    assert submission(site, unsigned).attributes()["urn:oasis:names:tc:xacml:2.0:subject:role"] == [
        "AUTOMATE^1.2.250.1.213.1.1.4.6"
    ]
    assert any("Envoyé comme automate" in line.text for line in site.lines(document_id=unsigned))
