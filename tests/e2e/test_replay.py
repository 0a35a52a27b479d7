"""What a person puts back in the queue, and what comes back by itself once the clock is right."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connector.base.clock import utc_now
from connector.cli.main import app
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from tests.e2e.harness import Site, toml_of
from tests.e2e.messages import admission, letter
from tests.e2e.process import write_toml


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    write_toml(toml_of(site.simulator, site.hospital.port, tmp_path), path)
    return path


def replay(config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["replay", "-c", str(config), "--reason", "certificat remplacé", *arguments])
    return result.exit_code, result.output + str(result.exception or "")


def held_letter(site: Site, control_id: str) -> str:
    """uniqueId of a letter the DMP refused for its certificate: held under configuration.…"""
    message, document = letter(control_id)
    rule = FaultRule("fault", transaction="ITI-41", unique_id=document, code="Sender", subcode="DMPInvalidCertificate")
    site.simulator.faults.add(rule)
    site.send(message)
    assert site.wait_delivery(document).state == "held"
    return document


def test_entries_of_one_cause_are_replayed_together(site: Site, config: Path) -> None:
    site.send(admission("ADT2001"))
    documents = [held_letter(site, f"MDM20{n:02d}") for n in range(3)]
    assert replay(config, "--code", "configuration", "--yes")[0] == 0
    for document in documents:
        lines = site.wait_state("done", document_id=document)
        assert any("certificat remplacé" in line.text for line in lines)
        assert site.accepted(document) == 1


def test_an_entry_is_replayed_by_its_number(site: Site, config: Path) -> None:
    site.send(admission("ADT2002"))
    document = held_letter(site, "MDM2010")
    (number,) = site.query("SELECT id FROM delivery WHERE document_id = ? AND kind = 'publication'", document)[0]
    assert replay(config, str(number))[0] == 0
    site.wait_state("done", document_id=document)
    code, output = replay(config, str(number))
    assert code == 3
    assert "ne peut pas être rejoué dans l'état done" in output


def test_a_held_patient_is_let_go_by_a_person_only(site: Site, config: Path) -> None:
    site.send(admission("ADT2003"))
    site.send(
        admission("ADT2004", event="A44", PID_3="000003^^^CHU-X&000897406&N^PI")
        + b"MRG|000004^^^CHU-X&000897406&N^PI\r"
    )
    message, document = letter("MDM2020")
    site.send(message)
    assert site.wait_delivery(document).code == "patient.blocked"
    (number,) = site.query("SELECT id FROM delivery WHERE document_id = ? AND kind = 'publication'", document)[0]
    assert replay(config, str(number), "--unblock")[0] == 0
    site.wait_state("done", document_id=document)
    assert site.accepted(document) == 1


def test_which_ones_must_be_said(config: Path) -> None:
    code, output = replay(config)
    assert code != 0
    assert "say which ones" in output


def test_nothing_is_signed_by_a_wrong_clock_and_nothing_waits_for_a_person(tmp_path: Path, pki_folder: Path) -> None:
    def late_by_ten_minutes() -> datetime:
        return utc_now() + timedelta(minutes=10)

    simulator = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder, clock=late_by_ten_minutes)
    with Site(tmp_path, simulator) as site:
        site.send(admission("ADT2005"))
        # the first answer tells that the clock is wrong, were it a refusal
        lines = site.wait_state("retry", control_id="ADT2005")
        assert any("horloge" in line.text for line in lines)
        message, document = letter("MDM2030")
        site.send(message)
        lines = site.wait_state("retry", document_id=document)
        assert any("horloge" in line.text for line in lines)
        assert site.accepted(document) == 0
        assert not [call for call in site.simulator.log.lines() if call.transaction == "ITI-41"]
