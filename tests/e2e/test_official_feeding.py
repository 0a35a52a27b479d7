"""The agency's own documents, fed: published, replaced, deleted, refused as the volet wants (hl7v2-interface §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.simulator.config import SimConfig
from tests.e2e.harness import INS, Rest, Site
from tests.e2e.test_official import CONSENT, DOCUMENTS

RADIO, RADIO_2 = "1.2.250.1.71.4.2.2.120456789.71024000081", "1.2.250.1.71.4.2.2.120456789.71024000082"
BIO, BIO_2 = "1.2.250.1.213.1.1.9", "1.2.250.1.213.1.1.13"

HOSPITAL, LABORATORY = "1120456789", "1120459876"
"""OU of the certificates: the structure of the authors of the MDM, and of those of the ORU."""

Open = Callable[..., Site]


@pytest.fixture
def open_site(tmp_path: Path, official_data: Path) -> Iterator[Open]:
    """`open_site(structure, section={…})`: a site whose certificates are of `structure`, S2's patient admitted."""
    opened: list[Site] = []

    def make(structure: str, **sections: dict[str, Any]) -> Site:
        site = Site(tmp_path, SimConfig(folder=tmp_path / "simulator"), **sections)
        if structure == LABORATORY:
            site.as_other_structure(structure)
        opened.append(site.__enter__())
        name = f"{CONSENT}/ConsentementConsultation_NonOppositionAlimentation.er7"
        assert site.send((official_data / "ans-messages" / name).read_bytes()).code == "AA"
        site.settled("3975")
        return site

    yield make
    for site in opened:
        site.__exit__(None, None, None)


@pytest.fixture
def send(official_data: Path) -> Callable[[Site, str], str]:
    """Sends an official sample by its number; gives the code of the acknowledgement."""

    def one(site: Site, number: str) -> str:
        return site.send((official_data / "ans-messages" / DOCUMENTS[number][0]).read_bytes()).code

    return one


def newest(site: Site, document: str) -> Rest:
    return site.wait_delivery(document)


def statuses(site: Site, document: str) -> list[str]:
    found = site.simulator.registry.documents(INS)
    return [entry.item.status.rpartition(":")[2] for entry in found if entry.unique_id == document]


Send = Callable[[Site, str], str]


def test_radiology_created_replaced_then_deleted(open_site: Open, send: Send) -> None:
    site = open_site(HOSPITAL)
    assert send(site, "S12") == "AA"
    assert newest(site, RADIO).state == "done"
    assert statuses(site, RADIO) == ["Approved"]
    assert send(site, "S8") == "AA"
    assert newest(site, RADIO_2).state == "done"
    assert (statuses(site, RADIO), statuses(site, RADIO_2)) == (["Deprecated"], ["Approved"])
    assert send(site, "S10") == "AA"
    site.wait(lambda lines: any("supprimé" in line.text for line in lines), document_id=RADIO_2)
    assert statuses(site, RADIO_2) == ["Deleted"]
    assert send(site, "S11") == "AE"
    assert site.hospital.received == []


def test_biology_created_with_its_z01_and_a_replacement_of_the_unknown(open_site: Open, send: Send) -> None:
    site = open_site(LABORATORY)
    assert send(site, "S15") == "AA"
    assert newest(site, BIO).state == "done"
    assert send(site, "S13") == "AA"
    rest = newest(site, BIO_2)
    assert (rest.state, rest.code) == ("held", "predecessor.unknown")
    assert send(site, "S14") == "AE"
    assert statuses(site, BIO_2) == []


def test_z01_of_the_biology_report_says_yes(open_site: Open, send: Send) -> None:
    site = open_site(LABORATORY)
    send(site, "S15")
    newest(site, BIO)
    site.wait(lambda lines: any("ZAM^Z01 positif" in line.text for line in lines), document_id=BIO)
    statuses_told = [zam.all("OBX")[0] for zam in site.hospital.received if zam.header.event == "Z01"]
    assert [(obx.get(4), obx.get(5)) for obx in statuses_told] == [("015", "Y")]


@pytest.mark.parametrize(("number", "document"), [("S8", RADIO_2), ("S12", RADIO)])
def test_under_the_message_s_structure_only_its_author_may_feed(
    open_site: Open, send: Send, number: str, document: str
) -> None:
    site = open_site(HOSPITAL, dmp={"structure_policy": "message"})
    assert send(site, number) == "AA"
    rest = newest(site, document)
    assert (rest.state, rest.code) == ("refused", "901")
    assert "EX_2.1-1140" in rest.reason
    assert statuses(site, document) == []


@pytest.mark.parametrize(("number", "document"), [("S8", RADIO_2), ("S12", RADIO), ("S13", BIO_2), ("S15", BIO)])
def test_the_kit_refuses_the_official_samples_by_name(
    open_site: Open, send: Send, cda_kit: Path, number: str, document: str
) -> None:
    structure = HOSPITAL if number in ("S8", "S12") else LABORATORY
    site = open_site(structure, gate={"kit": str(cda_kit), "schematron": "refuse"})
    assert send(site, number) == "AA"
    rest = newest(site, document)
    assert (rest.state, rest.code) == ("refused", "906")
    assert "[KIT-" in rest.reason
    assert statuses(site, document) == []


def test_the_kit_may_only_warn(open_site: Open, send: Send, cda_kit: Path) -> None:
    site = open_site(HOSPITAL, gate={"kit": str(cda_kit), "schematron": "warn"})
    assert send(site, "S12") == "AA"
    assert newest(site, RADIO).state == "done"
    lines = site.lines(document_id=RADIO)
    ran = next(line.text for line in lines if line.event == "contrôle du CDA")
    assert "StructurationMinimale" in ran
