"""`connector codes` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connector.cli.main import app
from connector.codes.origins import shipped_list

RUN = CliRunner()


def published(folder: Path, version: str, *, name: str = "JDV_J57-ClassCode-DMP.json") -> Path:
    item = shipped_list("J57")
    rows = [{"code": row["code"], "display": row["display"], "system_oid": row["system"]} for row in item.rows]
    rows.append({"code": "99", "display": "Une classe de plus", "system_oid": "1.2.250.1.213.1.1.4.1"})
    path = folder / name
    path.write_text(json.dumps({"id": item.id, "oid": item.oid, "version": version, "concepts": rows}))
    return path


def test_status_says_what_is_in_use() -> None:
    found = RUN.invoke(app, ["codes", "status", "--json"])
    assert found.exit_code == 0
    rows = {row["list"]: row for row in json.loads(found.output)}
    assert rows["J66"]["version"] == "20240927120000"
    assert rows["J66"]["origin"] == "shipped"
    assert rows["J66"]["codes"] == 108
    assert "J66" in RUN.invoke(app, ["codes", "status"]).output


def test_a_newer_list_is_taken_and_shown(tmp_path: Path) -> None:
    site = tmp_path / "site"
    newer = published(tmp_path, "20270101120000")
    dry = RUN.invoke(app, ["codes", "load", str(newer), "--to", str(site), "--dry-run"])
    assert dry.exit_code == 0
    assert "would be loaded" in dry.output
    assert list(site.iterdir()) == []
    done = RUN.invoke(app, ["codes", "load", str(newer), "--to", str(site)])
    assert done.exit_code == 0
    assert "+ 99" in done.output
    again = RUN.invoke(app, ["codes", "load", str(newer), "--to", str(site), "--json"])
    assert [row["outcome"] for row in json.loads(again.output)] == ["unchanged"]
    status = RUN.invoke(app, ["codes", "status", "--folder", str(site), "--json"])
    (row,) = [row for row in json.loads(status.output) if row["list"] == "J57"]
    assert (row["origin"], row["version"], row["codes"]) == ("site", "20270101120000", 13)


def test_an_older_list_is_refused_without_force(tmp_path: Path) -> None:
    older = published(tmp_path, "20200101120000")
    refused = RUN.invoke(app, ["codes", "load", str(older), "--to", str(tmp_path / "site"), "--json"])
    assert refused.exit_code == 1
    (row,) = json.loads(refused.output)
    assert row["outcome"] == "refused"
    assert "older" in row["reasons"][0]
    assert RUN.invoke(app, ["codes", "load", str(older), "--to", str(tmp_path / "site"), "--force"]).exit_code == 0


def test_a_folder_passes_over_what_is_not_used_here(tmp_path: Path) -> None:
    source = tmp_path / "published"
    source.mkdir()
    published(source, "20270101120000")
    (source / "JDV_Autre_CISIS.csv").write_text("# id: JDV_Autre_CISIS\ncode;system\n1;2\n")
    (source / "broken.xml").write_text("<")
    (source / "another.csv").write_text("# id: JDV_Evaluation_AGGIR_PA_CISIS\ncode;system\n;2\n")
    found = RUN.invoke(app, ["codes", "load", str(source), "--to", str(tmp_path / "site"), "--json"])
    assert found.exit_code == 0, found.output
    rows = json.loads(found.output)
    assert {row["file"]: row["outcome"] for row in rows} == {
        "JDV_J57-ClassCode-DMP.json": "loaded",
        "another.csv": "passed over",
        "broken.xml": "passed over",
    }
    assert all(row["reasons"] for row in rows if row["outcome"] == "passed over"), "what is passed over is told"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("JDV_J66-TypeCode-DMP.xml", "<"),
        ("some.csv", "# id: JDV_J66-TypeCode-DMP\ncode;system\n;2\n"),
        ("some.json", '{"id": "JDV_J66-TypeCode-DMP", "concepts": []}'),
    ],
)
def test_a_list_in_use_that_cannot_be_read_is_refused(name: str, content: str, tmp_path: Path) -> None:
    source = tmp_path / "published"
    source.mkdir()
    (source / name).write_text(content)
    found = RUN.invoke(app, ["codes", "load", str(source), "--to", str(tmp_path / "site"), "--json"])
    assert found.exit_code == 1
    assert [row["outcome"] for row in json.loads(found.output)] == ["refused"]


def test_a_file_named_one_by_one_must_be_readable(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<")
    found = RUN.invoke(app, ["codes", "load", str(broken), "--to", str(tmp_path / "site"), "--json"])
    assert found.exit_code == 1


def test_the_lists_of_the_agency_s_kit_are_taken_as_a_folder(cda_kit: Path, tmp_path: Path) -> None:
    folder = cda_kit / "jeuxDeValeurs"
    found = RUN.invoke(app, ["codes", "load", str(folder), "--to", str(tmp_path / "site"), "--json"])
    rows = json.loads(found.output)
    assert found.exit_code == 0, [row for row in rows if row["outcome"] == "refused"]
    assert {row["outcome"] for row in rows} <= {"loaded", "unchanged", "passed over"}


def test_without_a_folder_it_is_a_wrong_setting(tmp_path: Path) -> None:
    from connector.base.errors import SettingsError

    found = RUN.invoke(app, ["codes", "load", str(published(tmp_path, "20270101120000"))])
    assert isinstance(found.exception, SettingsError)
    assert found.exception.context["name"] == "codes.folder"


def test_lists_that_hl7_names_are_told_apart(tmp_path: Path) -> None:
    """`JDV_HL7_…` is no number: those of the kit all begin so."""
    source = tmp_path / "published"
    source.mkdir()
    (source / "JDV_HL7_Autre_CISIS.csv").write_text("# id: JDV_HL7_Autre_CISIS\ncode;system\n1;2\n")
    found = RUN.invoke(app, ["codes", "load", str(source), "--to", str(tmp_path / "site"), "--json"])
    assert (found.exit_code, json.loads(found.output)) == (0, [])
