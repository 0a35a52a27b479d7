"""`connector letters` as people run it: from a template to the letter in the DMP, its next version, its deletion."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from connector.cda.header import read_header
from connector.cda.model import full_id
from connector.letter.schema import schema_text
from tests.cli.conftest import Run
from tests.e2e.conftest import MakeSite, make_site, pki_folder
from tests.e2e.harness import Site, toml_of
from tests.e2e.letters import LETTERS, STAY, data, fresh_cda
from tests.e2e.messages import admission
from tests.e2e.process import write_toml
from tests.e2e.test_letters_entries import pdf

__all__ = ["make_site", "pki_folder"]

DEFAULTS = {"stay": {"facility_type": "SA01", "practice_setting": "ETABLISSEMENT"}}


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    site = make_site(letters={"defaults": DEFAULTS})
    for name in ("adt-a01-admission.er7", "adt-a03-sortie.er7"):
        site.sample(name)
    site.settled("ADT0001")
    return site


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    """The settings file of the running site."""
    return settings_of(site, tmp_path)


def settings_of(site: Site, tmp_path: Path) -> Path:
    table = toml_of(site.simulator, site.hospital.port, site.folder, letters={"defaults": DEFAULTS})
    table["listener"] = {"port": site.port}
    write_toml(table, tmp_path / "connector.toml")
    return tmp_path / "connector.toml"


def filled(template: str) -> str:
    """The template with each field to fill taking the value of its example."""
    text = re.sub(r"(?m)^( *\w+):  # exemple : ", r"\1: ", template)

    def shown(block: re.Match[str]) -> str:
        return block[1] + re.sub(r"(?m)^( *)# ", r"\1", block[2])

    return re.sub(r"(?m)^( *\w+:\n) *# exemple :\n((?: *# .*\n)+)", shown, text)


# -- before anything is sent ---------------------------------------------------------------------------------------


def test_the_schema_is_the_published_one(run: Run) -> None:
    assert run("letters", "schema").out == schema_text()


@pytest.mark.parametrize("kind", ["discharge", "admission", "unstructured"])
def test_a_template_filled_with_its_examples_is_a_letter(run: Run, kind: str, tmp_path: Path) -> None:
    file = tmp_path / ("lettre.pdf.yaml" if kind == "unstructured" else "lettre.yaml")
    assert run("letters", "new", kind, "-o", file).code == 0
    empty = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {name for name, value in empty.items() if value is not None} == {"kind"}
    file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")
    letter = file
    if kind == "unstructured":
        letter = tmp_path / "lettre.pdf"
        letter.write_bytes(pdf())
    built = run("letters", "build", letter, "-o", tmp_path / "lettre.xml", "--json")
    assert built.code == 0, built.out
    header = read_header((tmp_path / "lettre.xml").read_bytes())
    assert full_id(header.id) == built.json()["unique_id"]
    assert (tmp_path / "lettre.xml").stat().st_mode & 0o777 == 0o600
    assert run("letters", "new", kind, "-o", file).code == 2


def test_an_empty_template_is_refused_field_by_field(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "lettre.yaml"
    run("letters", "new", "-o", file)
    result = run("letters", "check", file, "--json")
    assert result.code == 1
    paths = {fault["path"] for fault in result.json()[str(file)]["faults"]}
    assert {"reason", "legal_authenticator", "mode_of_entry", "transfusion"} <= paths
    said = run("letters", "check", file)
    assert "legal_authenticator : le champ manque" in said.out


def test_check_says_what_the_gate_says_of_a_cda(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "lettre.xml"
    file.write_bytes(fresh_cda()[0])
    assert run("letters", "check", LETTERS / "discharge.json", LETTERS / "admission.yaml").code == 0
    file.write_bytes(fresh_cda(lambda cda: cda.replace(b"279035121518989", b"279035121518980"))[0])
    result = run("letters", "check", file, "--json")
    assert result.json()[str(file)]["findings"] != []
    file.write_bytes(b"<a/>")
    assert run("letters", "check", file).code == 1
    (tmp_path / "x.docx").write_bytes(b"PK")
    assert run("letters", "build", tmp_path / "x.docx", "-o", tmp_path / "y.xml").code == 1
    assert not (tmp_path / "y.xml").exists()


def test_a_stay_needs_a_journal_that_knows_it(run: Run, config: Path) -> None:
    assert run("letters", "new", "--stay", STAY).code == 2
    assert run("letters", "new", "--stay", "404", "-c", config).code == 2


# -- to the DMP ----------------------------------------------------------------------------------------------------


def test_three_commands_from_the_stay_to_the_letter_in_the_dmp(
    run: Run, site: Site, config: Path, tmp_path: Path
) -> None:
    listed = run("letters", "awaiting", "-c", config, "--json")
    assert (listed.code, [one["stay"] for one in listed.json()]) == (1, [STAY])
    assert "UF6268 Chir V" in run("letters", "awaiting", "-c", config).out
    file = tmp_path / "lettre.yaml"
    assert run("letters", "new", "discharge", "--stay", "000897406", "-c", config, "-o", file).code == 0
    text = filled(file.read_text(encoding="utf-8"))
    assert "279035121518989" not in re.sub(r"(?m)^ *#.*$", "", text)
    file.write_text(text, encoding="utf-8")
    assert run("letters", "check", file, "-c", config).code == 0
    sent = run("letters", "send", file, "-c", config, "--json")
    assert sent.code == 0, sent.out
    (receipt,) = sent.json()
    first = receipt["unique_id"]
    assert receipt["verdict"] == "accepted"
    assert site.wait_delivery(first).state == "done"
    assert site.accepted(first) == 1
    assert run("letters", "awaiting", "-c", config).code == 0
    again = run("letters", "send", file, "-c", config)
    assert (again.code, "déjà remise" in again.out) == (0, True)
    assert "en vigueur dans le DMP" in run("letters", "chain", first, "-c", config).out
    # the next version, then its deletion
    file.write_text(text.replace("depuis cinq jours", "depuis six jours"), encoding="utf-8")
    newer = run("letters", "replace", file, "--of", first, "-c", config, "--json").json()[0]["unique_id"]
    assert site.wait_delivery(newer).state == "done"
    chain = run("letters", "chain", first, "-c", config, "--json").json()
    assert [(one["number"], one["state"]) for one in chain["chain"]] == [(1, "replaced"), (2, "published")]
    assert run("letters", "delete", newer, "-c", config).code == 0
    site.wait(lambda lines: any("supprimé" in line.text for line in lines), document_id=newer)
    assert run("letters", "chain", newer, "-c", config, "--json").json()["status"] == "deleted"
    assert run("letters", "awaiting", "-c", config).code == 1


def test_straight_into_the_journal_beside_a_running_connector(
    run: Run, site: Site, config: Path, tmp_path: Path
) -> None:
    cda, unique_id = fresh_cda()
    file = tmp_path / "lettre.xml"
    file.write_bytes(cda)
    assert run("letters", "send", file, "-c", config, "--direct").code == 0
    assert site.wait_delivery(unique_id).state == "done"
    assert site.query("SELECT peer FROM message WHERE type = 'MDM'") == [("letters:command",)]


def test_a_pdf_and_its_header_beside_it(run: Run, site: Site, config: Path, tmp_path: Path) -> None:
    (tmp_path / "lettre.pdf").write_bytes(pdf())
    alone = run("letters", "send", tmp_path / "lettre.pdf", "-c", config)
    assert (alone.code, "en-tête" in alone.out) == (1, True)
    header = (LETTERS / "header.yaml").read_bytes()
    (tmp_path / "lettre.pdf.yaml").write_bytes(header)
    sent = run("letters", "send", tmp_path / "lettre.pdf", "-c", config, "--json")
    assert site.wait_delivery(sent.json()[0]["unique_id"]).state == "done"


def test_what_stops_a_letter_is_said_and_the_others_go(run: Run, site: Site, config: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: discharge\n", encoding="utf-8")
    (tmp_path / "b.xml").write_bytes(fresh_cda()[0])
    result = run("letters", "send", tmp_path / "a.yaml", tmp_path / "b.xml", "-c", config, "--json")
    assert result.code == 1
    assert [one["verdict"] for one in result.json()] == ["refused", "accepted"]
    assert "279035121518989" not in result.out


def test_a_connector_that_does_not_answer(run: Run, site: Site, config: Path, tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_bytes(fresh_cda()[0])
    assert run("letters", "send", tmp_path / "b.xml", "-c", config, "--to", "127.0.0.1:1").code == 3
    assert run("letters", "send", tmp_path / "b.xml", "-c", config, "--to", "nowhere").code == 2


def test_an_unknown_document(run: Run, site: Site, config: Path) -> None:
    assert run("letters", "chain", "2.25.4", "-c", config).code == 1
    result = run("letters", "delete", "2.25.4", "-c", config)
    assert (result.code, "--file" in result.out or "CDA" in result.out) == (1, True)
    unknown = run("letters", "chain", "2.25.4", "-c", config, "--json")
    assert (unknown.code, unknown.json()["status"], unknown.json()["chain"]) == (1, "unknown", [])


def test_a_deletion_keeps_who_asked_and_why_and_is_asked_for_once(
    run: Run, site: Site, config: Path, tmp_path: Path
) -> None:
    file = tmp_path / "lettre.xml"
    cda, unique_id = fresh_cda()
    file.write_bytes(cda)
    run("letters", "send", file, "-c", config)
    assert site.wait_delivery(unique_id).state == "done"
    delete = ("letters", "delete", unique_id, "-c", config)
    assert run(*delete, "--reason", "deux\nlignes").code == 2
    done = run(*delete, "--reason", "mauvais séjour", "--operator", "m.durand")
    assert (done.code, "suppression demandée" in done.out) == (0, True)
    site.wait(lambda lines: any("supprimé" in line.text for line in lines), document_id=unique_id)
    told = run("trace", "-c", config, "--document", unique_id)
    assert "Suppression demandée par m.durand (letters:command) : mauvais séjour" in told.out
    again = run(*delete)
    assert (again.code, "déjà supprimé" in again.out) == (1, True)
    assert "Suppression faite" in run("letters", "chain", unique_id, "-c", config).out
    # what was deleted has no next version
    (tmp_path / "l.yaml").write_bytes((LETTERS / "discharge.yaml").read_bytes())
    late = run("letters", "replace", tmp_path / "l.yaml", "--of", unique_id, "-c", config)
    assert (late.code, "a été supprimé" in late.out) == (1, True)


def test_the_chain_of_versions_that_wait_is_printed(run: Run, make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    config = settings_of(site, tmp_path)
    site.send(admission("ADT4001", ZFA_9="NA"))
    site.settled("ADT4001")
    file = tmp_path / "l.json"
    ids: list[str] = []
    for number, act in enumerate((["send"], ["replace"]), start=1):
        file.write_text(json.dumps(data(reason=f"Motif {number}.")), encoding="utf-8")
        of = ["--of", ids[0]] if ids else []
        ids.append(run("letters", *act, file, *of, "-c", config, "--json").json()[0]["unique_id"])
        assert site.wait_delivery(ids[-1]).state == "held"
    for one in ids:
        told = run("letters", "chain", one, "-c", config)
        assert (told.code, ids[0] in told.out, ids[1] in told.out) == (0, True, True)
        assert told.out.count("en attente") >= 3
    run("letters", "delete", ids[1], "-c", config)
    site.wait(lambda lines: any("son envoi est annulé" in line.text for line in lines), document_id=ids[1])
    told = run("letters", "chain", ids[1], "-c", config)
    assert ("annulé par sa suppression, jamais parti" in told.out, "Suppression faite" in told.out) == (True, True)
    assert "réglé à la main" not in told.out
