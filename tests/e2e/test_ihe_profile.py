"""The same hospital before a plain XDS.b registry and repository: profile `ihe`, no assertion, no DMP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from tests.e2e.harness import Site
from tests.e2e.messages import admission, deletion, successor
from tests.e2e.test_publication import zam_of
from tests.e2e.test_versions import published, status


@pytest.fixture
def ihe(tmp_path: Path, pki_folder: Path) -> Iterator[Site]:
    simulator = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder, ihe_pure=True, assertion_required=False)
    with Site(tmp_path, simulator, dmp={"profile": "ihe"}) as site:
        yield site


def admitted(site: Site, control_id: str = "ADT9001") -> None:
    assert site.send(admission(control_id)).code == "AA"
    site.settled(control_id)


def test_a_letter_is_replaced_and_its_successor_deleted(ihe: Site) -> None:
    admitted(ihe)
    _, first = published(ihe, "MDM9001")
    message, second = successor("MDM9002", first)
    assert ihe.send(message).code == "AA"
    assert ihe.wait_delivery(second).state == "done"
    assert (status(ihe, first), status(ihe, second)) == (["Deprecated"], ["Approved"])
    assert ihe.send(deletion("MDM9003", message)).code == "AA"
    assert any(line.text == "Document supprimé du DMP" for line in ihe.settled("MDM9003"))
    assert status(ihe, second) == ["Deprecated"]
    assert zam_of(ihe.hospital.wait(3))[:2] == ("Y", "MDM9003")


def test_a_deletion_whose_answer_is_lost_is_found_done(ihe: Site) -> None:
    admitted(ihe)
    message, document = published(ihe, "MDM9004")
    ihe.simulator.faults.add(FaultRule("cut-after", "ITI-57"))
    ihe.send(deletion("MDM9005", message))
    lines = ihe.wait_state("done", control_id="MDM9005")
    assert any("Le registre dit le document supprimé" in line.text for line in lines)
    assert status(ihe, document) == ["Deprecated"]


def test_documents_are_listed_and_read_at_admission_without_asking_for_a_record(ihe: Site) -> None:
    ihe.log_on()
    admitted(ihe)
    lines = ihe.settled("ADT9001")
    events = {line.event for line in lines}
    assert {"TD3.1", "TD3.2"} <= events
    assert not events & {"TD0.2", "TD0.3"}
    assert lines[-1].text == "Consultation terminée : 1 document(s) rapatrié(s)"
    (sidecar,) = (ihe.folder / "received").rglob("*.json")
    told = json.loads(sidecar.read_text())
    content = (sidecar.parent / told["file"]).read_bytes()
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == told["sha1"]


def test_without_a_professional_the_consultation_ends_plainly(ihe: Site) -> None:
    admitted(ihe)
    last = ihe.settled("ADT9001")[-1]
    assert last.state_to == "done"
    assert "aucune session Pro Santé Connect" in last.text


def test_what_the_hospital_says_of_the_dmp_means_nothing_here(ihe: Site) -> None:
    ihe.send(admission("ADT9006", ZFA_1="FERME"))
    ihe.settled("ADT9006")
    published(ihe, "MDM9006")
    assert not any(line.event == "TD0.2" for line in ihe.lines(control_id="MDM9006"))
