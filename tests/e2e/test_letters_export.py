"""`connector letters export` against the simulator: each letter once, each refusal told, nothing beyond the gates."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from connector.flows.letters.export.ledger import NAME
from connector.journal.audit.key import create_key
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from tests.e2e.conftest import MakeSite
from tests.e2e.exporting import (
    SAMPLES,
    Export,
    letter,
    letters,
    order_of_acceptance,
    run,
    settings_file,
    wait_for,
    write,
)
from tests.e2e.harness import Site
from tests.e2e.letters import STAY
from tests.e2e.messages import NESSI, admission


@pytest.fixture
def ready(tmp_path: Path, pki_folder: Path) -> Any:
    """A site whose patient is known and informed; its daemon is stopped, the DMP takes a document as often as sent."""
    with Site(tmp_path, SimConfig(tmp_path / "simulator", pki_folder=pki_folder, duplicate_check=False)) as site:
        admit(site)
        site.stop()
        site.stop = lambda: None  # type: ignore[method-assign]
        yield site


def admit(site: Site) -> None:
    assert site.sample("adt-a01-admission.er7").code == "AA"
    site.settled("ADT0001")


def rows(out: Path, name: str = "rapport") -> list[dict[str, str]]:
    with (out / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def states(out: Path) -> dict[str, int]:
    database = sqlite3.connect(f"file:{out / NAME}?mode=ro", uri=True)
    try:
        return dict(database.execute("SELECT state, count(*) FROM letter GROUP BY state"))
    except sqlite3.OperationalError:
        return {}
    finally:
        database.close()


def check_sums(summary: dict[str, Any], table: list[dict[str, str]]) -> None:
    counts = summary["counts"]
    assert sum(counts.values()) == summary["total"] == len(table)
    assert sum(unit[name] for unit in summary["units"] for name in counts) == summary["total"]
    assert sum(cause["count"] for cause in summary["causes"]) == summary["total"] - counts["sent"]


def test_a_folder_of_good_and_bad_letters(ready: Site, tmp_path: Path) -> None:
    source, out = tmp_path / "lettres", tmp_path / "out"
    letters(source, 4)
    write(source, "sans-motif", {name: value for name, value in letter(10).items() if name != "reason"})
    write(source, "sans-signataire", {k: v for k, v in letter(11).items() if k != "legal_authenticator"})
    other = letter(12)
    other["patient"] = {**other["patient"], "ins": {"value": NESSI, "oid": "1.2.250.1.213.1.4.10"}}
    write(source, "autre-patient", other)
    (source / "illisible.json").write_text("{", encoding="utf-8")
    (source / "sans-en-tete.pdf").write_bytes(b"%PDF-1.4\n%%EOF")
    (source / "notes.docx").write_bytes(b"PK")
    code, summary = run(settings_file(ready), out, source)
    assert code == 1
    assert summary["counts"] == {"sent": 4, "held": 1, "refused": 4, "under-way": 0, "left": 0}
    check_sums(summary, table := rows(out))
    told = {Path(row["source"]).name: (row["sort"], row["étape"], row["code"]) for row in table}
    assert told["l0000.json"] == ("envoyées", "envoi", "")
    assert told["autre-patient.json"] == ("en attente", "envoi", "identity.no-cross-reference")
    assert told["sans-motif.json"] == ("refusées", "modèle", "reason")
    assert told["sans-signataire.json"] == ("refusées", "modèle", "legal_authenticator")
    assert told["illisible.json"] == ("refusées", "lecture", "(fichier)")
    assert told["sans-en-tete.pdf"][0] == "refusées"
    aside = [json.loads(path.read_text(encoding="utf-8")) for path in (out / "set-aside").iterdir()]
    assert {Path(one["source"]).name for one in aside} == {
        "sans-motif.json",
        "sans-signataire.json",
        "illisible.json",
        "sans-en-tete.pdf",
    }
    assert all(one["motif"] for one in aside)
    page = (out / "rapport.html").read_text(encoding="utf-8")
    assert "9 lettres : 4 envoyées, 1 en attente, 4 refusées." in page
    assert "connector letters export" in page
    assert set(ready.simulator.world.acceptances().values()) == {1}
    assert len(ready.simulator.world.acceptances()) == 4


def test_a_corrected_letter_goes_with_the_next_run_and_the_others_stay(ready: Site, tmp_path: Path) -> None:
    source, out, config = letters(tmp_path / "lettres", 2), tmp_path / "out", settings_file(ready)
    write(source, "sans-motif", {name: value for name, value in letter(10).items() if name != "reason"})
    assert run(config, out, source)[0] == 1
    write(source, "sans-motif", letter(10))
    code, summary = run(config, out, source, "--resume")
    assert (code, summary["counts"]["sent"]) == (0, 3)
    assert list((out / "set-aside").iterdir()) == []
    write(source, "l0000", letter(20))
    code, summary = run(config, out, source, "--resume")
    assert code == 1
    assert [cause["reason"].partition(" :")[0] for cause in summary["causes"]] == [
        "la source a changé depuis que sa lettre a été acceptée"
    ]
    assert sorted(ready.simulator.world.acceptances().values()) == [1, 1, 1]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_in_the_middle_and_resumed_each_letter_is_in_the_dmp_once(
    ready: Site, tmp_path: Path, workers: str
) -> None:
    source, out, config = letters(tmp_path / "lettres", 60), tmp_path / "out", settings_file(ready)
    arguments = (source, "--workers", workers)
    for least in (5, 25):
        export = Export(config, out, *arguments, "--resume")
        wait_for(lambda least=least: len(ready.simulator.world.acceptances()) >= least, "letters accepted")  # type: ignore[misc]
        export.kill()
    before = len(ready.simulator.world.acceptances())
    assert before < 60, "the export was over before it was killed: nothing proven"
    code, summary = run(config, out, *arguments, "--resume")
    assert (code, summary["counts"]["sent"]) == (0, 60)
    assert sorted(ready.simulator.world.acceptances().values()) == [1] * 60
    ids = [row["document"] for row in rows(out)]
    assert order_of_acceptance(ready) == ids, "the order of the patient's letters was not kept"
    assert ready.query("SELECT count(*) FROM message WHERE verdict = 'accepted' AND type = 'MDM'") == [(60,)]


def test_without_a_known_consent_every_letter_waits(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    site.send(admission("ADT2001", ZFA_9="NA"))
    site.settled("ADT2001")
    site.stop()
    source, out, config = letters(tmp_path / "lettres", 3), tmp_path / "out", settings_file(site)
    code, summary = run(config, out, source)
    assert (code, summary["counts"]["held"]) == (1, 3)
    assert [(cause["code"], cause["count"]) for cause in summary["causes"]] == [("consent.unknown", 3)]
    assert site.simulator.world.acceptances() == {}
    site.start()
    admit(site)
    for row in rows(out):
        site.wait_delivery(row["document"], "done")
    site.stop()
    code, summary = run(config, out, source, "--resume")
    assert (code, summary["counts"]["sent"]) == (0, 3)
    site.start()


def test_without_its_ledger_nothing_is_sent_twice_either(ready: Site, tmp_path: Path) -> None:
    source, config = letters(tmp_path / "lettres", 3), settings_file(ready)
    assert run(config, tmp_path / "a", source)[0] == 0
    code, summary = run(config, tmp_path / "b", source)
    assert (code, summary["counts"]["sent"]) == (0, 3)
    assert sorted(ready.simulator.world.acceptances().values()) == [1, 1, 1]


def test_a_folder_that_holds_a_run_is_not_taken_for_a_new_one(ready: Site, tmp_path: Path) -> None:
    source, out, config = letters(tmp_path / "lettres", 1), tmp_path / "out", settings_file(ready)
    assert run(config, out, source, "--to", "folder")[0] == 0
    for arguments in ((source, "--to", "folder"), (source, "--resume")):
        export = Export(config, out, *arguments)
        export.process.communicate()
        assert export.process.returncode == 2


def test_rows_of_a_csv(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    source, out = tmp_path / "lettres.csv", tmp_path / "out"
    lines = (SAMPLES / "letters.csv").read_text(encoding="utf-8")
    source.write_text(lines + lines.splitlines()[-1].replace(";PROG;", ";AILLEURS;") + "\n", encoding="utf-8")
    code, summary = run(settings_file(site), out, source, "--mapping", SAMPLES / "mapping.toml", "--to", "folder")
    assert (code, summary["counts"]["sent"], summary["counts"]["refused"]) == (1, 2, 1)
    check_sums(summary, table := rows(out))
    assert [row["source"].rpartition("#")[2] for row in table] == ["2", "3", "4"]
    assert {unit["unit"] for unit in summary["units"]} >= {"Médecine interne", "Chirurgie ambulatoire"}
    assert "MODE_ENTREE" in table[2]["motif"]
    for row in table[:2]:
        assert (out / row["fichier"]).read_bytes().startswith(b"<?xml")


def test_a_rehearsal_hands_nothing_over_and_says_what_would_wait(ready: Site, tmp_path: Path) -> None:
    source, out = letters(tmp_path / "lettres", 2), tmp_path / "out"
    other = letter(12)
    other["patient"] = {**other["patient"], "ins": {"value": NESSI, "oid": "1.2.250.1.213.1.4.10"}}
    write(source, "autre-patient", other)
    code, summary = run(settings_file(ready), out, source, "--dry-run")
    assert code == 1
    assert summary["counts"] == {"sent": 2, "held": 1, "refused": 0, "under-way": 0, "left": 0}
    assert [cause["code"] for cause in summary["causes"]] == ["consent.unknown"]
    assert len(rows(out, "repetition")) == 3
    assert ready.simulator.world.acceptances() == {}
    assert ready.query("SELECT count(*) FROM message WHERE type = 'MDM'") == [(0,)]
    assert not (out / NAME).exists()


def test_a_dmp_that_stalls_is_not_handed_more_than_the_journal_may_hold(ready: Site, tmp_path: Path) -> None:
    source, out = letters(tmp_path / "lettres", 40), tmp_path / "out"
    ready.simulator.faults.add(FaultRule("delay", transaction="ITI-41", times=3, seconds=2.0))
    export = Export(settings_file(ready), out, source, "--depth", "5")
    deepest = 0
    while export.process.poll() is None:
        waiting = "SELECT count(*) FROM delivery WHERE state <> 'done' AND destination = 'dmp'"
        deepest = max(deepest, ready.query(waiting)[0][0])
    code, summary = export.end()
    assert (code, summary["counts"]["sent"]) == (0, 40)
    assert 0 < deepest <= 5


def test_a_dmp_that_does_not_answer_ends_the_export_and_loses_nothing(ready: Site, tmp_path: Path) -> None:
    source, out = letters(tmp_path / "lettres", 12), tmp_path / "out"
    ready.simulator.faults.add(FaultRule("http-500", transaction="ITI-41", times=0))
    config = settings_file(ready, engine={"destinations": {"*": {"failures": 2, "cooldown": 0.2, "longest": 0.5}}})
    code, summary = run(config, out, source, "--patience", "1", "--depth", "4")
    assert code == 3
    assert summary["counts"]["sent"] == 0
    check_sums(summary, rows(out))
    ready.simulator.faults.clear()
    code, summary = run(config, out, source, "--resume")
    assert (code, summary["counts"]["sent"]) == (0, 12)
    assert sorted(ready.simulator.world.acceptances().values()) == [1] * 12


def test_letters_behind_one_that_was_given_up_do_not_keep_the_export(ready: Site, tmp_path: Path) -> None:
    source, out = letters(tmp_path / "lettres", 3), tmp_path / "out"
    ready.simulator.faults.add(FaultRule("http-500", transaction="ITI-41", times=0))
    engine = {"backoff": {"first": 0.05, "max_attempts": 1}, "destinations": {"*": {"failures": 0}}}
    code, summary = run(settings_file(ready, engine=engine), out, source)
    assert code == 1
    assert (summary["counts"]["refused"], summary["counts"]["held"]) == (1, 2)
    assert {cause["code"] for cause in summary["causes"] if cause["outcome"] == "held"} == {"predecessor.dead"}


def test_what_goes_beside_a_letter_is_obeyed(ready: Site, tmp_path: Path) -> None:
    source = tmp_path / "lettres"
    write(source, "masquee", {"letter": letter(1), "stay": STAY, "hidden": ["MASQUE_PS"]})
    write(source, "ailleurs", {"letter": letter(2), "stay": "999@999"})
    code, summary = run(settings_file(ready), out := tmp_path / "out", source)
    assert (code, summary["counts"]["sent"], summary["counts"]["refused"]) == (1, 1, 1)
    (raw,) = ready.query("SELECT raw FROM message WHERE type = 'MDM'")[0]
    assert b"MASQUE_PS^Masqu\xc3\xa9 aux professionnels de Sant\xc3\xa9^MetaDMPMSS||Y^" in raw
    told = {Path(row["source"]).stem: row["code"] for row in rows(out)}
    assert told == {"masquee": "", "ailleurs": "stay"}


def test_the_same_letter_twice_is_one_letter(ready: Site, tmp_path: Path) -> None:
    source = tmp_path / "lettres"
    for name in ("a", "b"):
        write(source, name, letter(1))
    code, summary = run(settings_file(ready), tmp_path / "out", source)
    assert (code, summary["total"], summary["already"]) == (0, 1, 1)
    assert sorted(ready.simulator.world.acceptances().values()) == [1]


def test_ctrl_c_ends_after_the_letters_in_hand(ready: Site, tmp_path: Path) -> None:
    source, out, config = letters(tmp_path / "lettres", 60), tmp_path / "out", settings_file(ready)
    export = Export(config, out, source)
    wait_for(lambda: len(ready.simulator.world.acceptances()) >= 5, "letters accepted")
    export.interrupt()
    code, summary = export.end()
    assert code == 1
    assert 0 < summary["unread"] < 60
    assert summary["counts"]["left"] == 0
    assert summary["total"] + summary["unread"] == 60
    assert run(config, out, source, "--resume")[1]["counts"]["sent"] == 60
    assert sorted(ready.simulator.world.acceptances().values()) == [1] * 60


def test_beside_a_daemon_letters_are_only_handed_over(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    admit(site)
    source, out, config = letters(tmp_path / "lettres", 3), tmp_path / "out", settings_file(site)
    code, summary = run(config, out, source)
    assert summary["counts"]["sent"] + summary["counts"]["under-way"] == 3
    assert code == 0
    for row in rows(out):
        assert site.wait_delivery(row["document"]).state == "done"
    assert run(config, out, source, "--resume")[0] == 0


def test_finished_stays_of_the_journal(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    admit(site)
    assert site.sample("adt-a03-sortie.er7").code == "AA"
    wait_for(lambda: site.query("SELECT count(*) FROM letter_due") == [(1,)], "the stay awaits its letter")
    config = settings_file(site)
    code, summary = run(config, tmp_path / "out", "journal")
    assert code == 1
    assert [cause["reason"].partition(" :")[0] for cause in summary["causes"]] == ["aucune donnée pour ce séjour"]
    common = letter(1)
    for name in ("patient", "stay"):
        common.pop(name)
    common["stay"] = {"facility_type": "SA01", "practice_setting": "ETABLISSEMENT"}
    template = write(tmp_path / "modele", "modele", common)
    code, summary = run(config, tmp_path / "out", "journal", "--template", template, "--resume")
    assert summary["counts"]["sent"] + summary["counts"]["under-way"] == 1, summary


def test_on_postgresql(tmp_path: Path, pki_folder: Path, postgres_database: str) -> None:
    create_key(tmp_path / "audit.key")
    sections = {"journal": {"store": postgres_database}, "audit": {"key_file": str(tmp_path / "audit.key")}}
    source, out = letters(tmp_path / "lettres", 6), tmp_path / "out"
    with Site(tmp_path, SimConfig(tmp_path / "simulator", pki_folder=pki_folder), **sections) as site:
        admit(site)
        config = settings_file(site, **sections)
        code, summary = run(config, tmp_path / "essai", source, "--dry-run")
        assert (code, summary["counts"]["sent"]) == (0, 6)
        assert site.query("SELECT count(*) FROM message WHERE type = 'MDM'") == [(0,)]
        beside = run(config, out, source)
        assert beside[0] == 0
        for row in rows(out):
            assert site.wait_delivery(row["document"]).state == "done"
        site.stop()
        write(source, "m0001", letter(100))
        code, summary = run(config, out, source, "--resume")
        assert (code, summary["counts"]["sent"]) == (0, 7)
        assert order_of_acceptance(site) == [row["document"] for row in rows(out)]
        site.start()
