"""Exports of several patients: their order, a DMP that falls silent, answers that are lost, stays that are due."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from tests.e2e.conftest import MakeSite
from tests.e2e.exporting import Export, letter, order_of_acceptance, run, settings_file, wait_for, write
from tests.e2e.harness import Site
from tests.e2e.letters import stays_awaiting
from tests.e2e.load import Identity, make_identities
from tests.e2e.messages import admission, edit, sample
from tests.e2e.test_letters_export import rows

BREAKER = {"destinations": {"*": {"failures": 2, "cooldown": 0.2, "longest": 0.5}}}


def patients(count: int) -> list[Identity]:
    return make_identities(count, random.Random(5))


def of(patient: Identity, number: int, **changes: Any) -> dict[str, Any]:
    """Data of a letter of this patient, unlike the others."""
    data = letter(number, **changes)
    return {**data, "patient": {**data["patient"], "ins": {**data["patient"]["ins"], "value": patient.ins}}}


def admitted(site: Site, known: list[Identity]) -> None:
    for number, patient in enumerate(known):
        assert site.send(patient.personalise(admission(f"ADT51{number:02d}"))).code == "AA"
    for number in range(len(known)):
        site.settled(f"ADT51{number:02d}")


@pytest.fixture
def ready(make_site: MakeSite) -> Site:
    """A site whose four patients are known and informed; its daemon is stopped."""
    known = patients(4)

    def world(simulated: Any) -> None:
        for patient in known:
            simulated.put_patient(patient.in_world())

    site = make_site(world)
    admitted(site, known)
    site.stop()
    site.stop = lambda: None  # type: ignore[method-assign]
    return site


def letters(folder: Path, each: int) -> Path:
    """Letters of the four patients in turn, some long, so that they are not made in the order they are read."""
    chance = random.Random(6)
    for number in range(each):
        for place, patient in enumerate(patients(4)):
            said = "Évolution favorable.\n" * chance.choice((1, 1, 2000))
            write(folder, f"{number:03d}-p{place}", of(patient, number, medical_synthesis=said))
    return folder


def order_by_patient(site: Site, out: Path) -> dict[str, list[str]]:
    """Names of the letters of each patient, in the order the DMP took them."""
    named = {row["document"]: Path(row["source"]).stem for row in rows(out)}
    taken: dict[str, list[str]] = {}
    for document in order_of_acceptance(site):
        taken.setdefault(named[document].rpartition("-")[2], []).append(named[document])
    return taken


def in_order(each: int) -> dict[str, list[str]]:
    return {f"p{place}": [f"{number:03d}-p{place}" for number in range(each)] for place in range(4)}


def accepted_once(site: Site, count: int) -> None:
    assert sorted(site.simulator.world.acceptances().values()) == [1] * count


# -- order -----------------------------------------------------------------------------------------------------------


def test_letters_of_each_patient_keep_their_order_while_patients_do_not_wait_for_each_other(
    ready: Site, tmp_path: Path
) -> None:
    source, out = letters(tmp_path / "lettres", 8), tmp_path / "out"
    slow = FaultRule("delay", transaction="ITI-41", ins=patients(4)[0].ins, times=0, seconds=0.15)
    ready.simulator.faults.add(slow)
    code, summary = run(settings_file(ready), out, source, "--workers", "2")
    assert (code, summary["counts"]["sent"]) == (0, 32), summary
    accepted_once(ready, 32)
    assert order_by_patient(ready, out) == in_order(8)
    named = {row["document"]: Path(row["source"]).stem for row in rows(out)}
    order = [named[document] for document in order_of_acceptance(ready)]
    assert order != sorted(order), "one after the other in all: the order of each proves nothing"


# -- silence ---------------------------------------------------------------------------------------------------------


def handed(site: Site) -> int:
    return int(site.query("SELECT count(*) FROM message WHERE type = 'MDM'")[0][0])


def silent(site: Site, out: Path, source: Path, effect: Any) -> Export:
    """An export that has met a DMP that does not answer, its breaker open."""
    site.simulator.faults.add(FaultRule(effect, transaction="ITI-41", times=0))
    export = Export(settings_file(site, engine=BREAKER), out, source, "--depth", "6")
    tried = "SELECT count(*) FROM delivery WHERE kind = 'publication' AND state <> 'queued'"
    wait_for(lambda: export.process.poll() is not None or site.query(tried)[0][0] >= 2, "letters tried")
    assert export.process.poll() is None, export.log.read_text(encoding="utf-8")
    return export


@pytest.mark.parametrize("effect", ["http-500", "cut-before"])
def test_an_export_waits_while_the_dmp_is_silent_and_goes_on_when_it_answers(
    ready: Site, tmp_path: Path, effect: str
) -> None:
    source, out = letters(tmp_path / "lettres", 5), tmp_path / "out"
    export = silent(ready, out, source, effect)
    most = 0
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert export.process.poll() is None, "the export gave up before its patience"
        most = max(most, handed(ready))
        time.sleep(0.05)
    assert 0 < most <= 6
    assert ready.simulator.world.acceptances() == {}
    ready.simulator.faults.clear()
    code, summary = export.end()
    assert (code, summary["counts"]["sent"]) == (0, 20), summary
    accepted_once(ready, 20)
    assert order_by_patient(ready, out) == in_order(5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_obeyed_while_the_dmp_is_silent(ready: Site, tmp_path: Path, number: signal.Signals) -> None:
    source, out = letters(tmp_path / "lettres", 5), tmp_path / "out"
    export = silent(ready, out, source, "http-500")
    time.sleep(1)
    export.process.send_signal(number)
    began = time.monotonic()
    code, summary = export.end()
    assert code == 1
    assert time.monotonic() - began < 20
    assert summary["counts"]["sent"] == 0
    ready.simulator.faults.clear()
    assert run(settings_file(ready), out, source, "--resume")[1]["counts"]["sent"] == 20
    accepted_once(ready, 20)


# -- lost answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["cut-after", "cut-during", "garbage-answer"])
def test_a_letter_whose_answer_was_lost_is_in_the_dmp_once_after_a_kill_and_a_resume(
    tmp_path: Path, pki_folder: Path, effect: Any
) -> None:
    known = patients(4)
    config = SimConfig(tmp_path / "simulator", pki_folder=pki_folder, duplicate_check=False)
    with Site(tmp_path, config) as site:
        for patient in known:
            site.simulator.world.put_patient(patient.in_world())
        admitted(site, known)
        site.stop()
        site.stop = lambda: None  # type: ignore[method-assign]
        source, out = letters(tmp_path / "lettres", 4), tmp_path / "out"
        lost = FaultRule(effect, transaction="ITI-41", ins=known[1].ins, nth=2)
        # the registry cannot be asked what became of it: the answer stays lost until the kill
        mute = FaultRule("http-500", transaction="ITI-18", times=0)
        for rule in (lost, mute):
            site.simulator.faults.add(rule)
        export = Export(settings_file(site), out, source)
        unknown = "SELECT document_id FROM delivery WHERE state = 'sending' AND reason <> ''"
        wait_for(lambda: export.process.poll() is not None or len(site.query(unknown)) == 1, "an answer is lost")
        ((document,),) = site.query(unknown)
        assert site.accepted(document) == 1, "the DMP has it, the connector does not know"
        export.kill()
        site.simulator.faults.clear()
        code, summary = run(settings_file(site), out, source, "--resume")
        assert (code, summary["counts"]["sent"]) == (0, 16), summary
        accepted_once(site, 16)
        assert order_by_patient(site, out) == in_order(4)


# -- stays -----------------------------------------------------------------------------------------------------------


def discharge(number: int, patient: Identity, **fields: str) -> bytes:
    message = edit(sample("adt-a03-sortie"), "MSH-10", f"ADT52{number:02d}")
    for name, value in fields.items():
        message = edit(message, name.replace("_", "-"), value)
    return patient.personalise(message.encode())


def test_the_stays_that_are_due_get_their_letters_from_a_template(ready: Site, tmp_path: Path) -> None:
    known = patients(4)
    ready.start()
    for number, patient in enumerate(known):
        assert ready.send(discharge(number, patient)).code == "AA"
    wait_for(lambda: len(stays_awaiting(ready)) == 4, "the stays await their letters")
    Site.stop(ready)
    common = letter(1)
    for name in ("patient", "stay", "effective_time"):
        common.pop(name)
    common["stay"] = {"facility_type": "SA01", "practice_setting": "ETABLISSEMENT"}
    template = write(tmp_path / "modele", "modele", common)
    config, out = settings_file(ready), tmp_path / "out"
    code, summary = run(config, tmp_path / "essai", "journal", "--template", template, "--dry-run")
    assert (code, summary["counts"]["sent"]) == (0, 4), summary
    assert len(stays_awaiting(ready)) == 4
    code, summary = run(config, out, "journal", "--template", template, "--workers", "2")
    assert (code, summary["counts"]["sent"]) == (0, 4), summary
    accepted_once(ready, 4)
    assert stays_awaiting(ready) == []
    assert {row["source"] for row in rows(out)} == {f"journal#{one.stay}@000897406" for one in known}
    code, summary = run(config, tmp_path / "encore", "journal", "--template", template)
    assert (code, summary["total"]) == (0, 0)
