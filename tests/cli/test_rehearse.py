"""`connector replay DIR`: keep, compare, and say each field that differs; deliveries by number keep working."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest

from connector.base.resources import resource_dir
from tests.cli.conftest import Known, Run
from tests.e2e.messages import edit

SAMPLES = resource_dir("samples")
LETTER = "mdm-t02-lettre-de-liaison.er7"
KEPT = f"{LETTER}.kept.json"


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    """A folder of captured messages, one of them deeper and with another suffix."""
    folder = tmp_path / "captured"
    (folder / "urgences").mkdir(parents=True)
    for name in (LETTER, "adt-a01-admission.er7", "mdm-t02-sans-ins.er7"):
        shutil.copy(SAMPLES / name, folder / name)
    shutil.copy(SAMPLES / "adt-a01-opposition.er7", folder / "urgences" / "0001.HL7")
    (folder / "README").write_text("not a message")
    return folder


@pytest.fixture
def kept(run: Run, known: Known, captured: Path) -> Path:
    assert run("replay", captured, "-c", known.config, "--keep").code == 0
    return captured


def test_keep_writes_one_private_file_per_message(run: Run, known: Known, kept: Path) -> None:
    files = sorted(path.relative_to(kept) for path in kept.rglob("*.kept.json"))
    assert [str(file) for file in files] == [
        "adt-a01-admission.er7.kept.json",
        KEPT,
        "mdm-t02-sans-ins.er7.kept.json",
        "urgences/0001.HL7.kept.json",
    ]
    assert {S_IMODE((kept / file).stat().st_mode) for file in files} == {0o600}
    before = [(kept / file).read_bytes() for file in files]
    assert run("replay", kept, "-c", known.config, "--keep").code == 0
    assert [(kept / file).read_bytes() for file in files] == before, "two runs say the same bytes"


def test_nothing_differs(run: Run, known: Known, kept: Path) -> None:
    result = run("replay", kept, "-c", known.config)
    assert result.code == 0, result.out
    assert "4 messages : 4 égaux, 0 différents" in result.out
    report = run("replay", kept, "-c", known.config, "--json").json()
    assert report["messages"] == []
    assert report["summary"]["equal"] == 4


def test_each_field_that_differs_is_told(run: Run, known: Known, kept: Path) -> None:
    change(kept / KEPT, "Lettre de sortie", "documents", 0, "entries", "Document01", "title")
    change(kept / "mdm-t02-sans-ins.er7.kept.json", "AA", "ack", "code")
    result = run("replay", kept, "-c", known.config)
    assert result.code == 1
    for words in ("documents[0].entries.Document01.title", "Lettre de sortie", "2 égaux, 2 différents"):
        assert words in " ".join(result.out.replace("│", " ").split()).replace("title ", "title"), words
    report = run("replay", kept, "-c", known.config, "--json").json()
    assert report["messages"] == [
        {
            "file": LETTER,
            "kept": True,
            "differences": [
                {
                    "path": "documents[0].entries.Document01.title",
                    "kept": "Lettre de sortie",
                    "today": "Lettre de liaison à la sortie",
                }
            ],
        },
        {
            "file": "mdm-t02-sans-ins.er7",
            "kept": True,
            "differences": [{"path": "ack.code", "kept": "AA", "today": "AE"}],
        },
    ]
    assert report["summary"]["fields"] == {"documents.entries.Document01.title": 1, "ack.code": 1}


def test_a_message_that_changed_is_told_by_its_fields(run: Run, known: Known, kept: Path) -> None:
    message = kept / LETTER
    message.write_bytes(edit(message.read_bytes().decode(), "PV1-2", "O").encode())
    report = run("replay", kept, "-c", known.config, "--json").json()
    assert "documents.submissionSet.content_type.code" in report["summary"]["fields"]


def test_messages_new_or_gone_are_differences(run: Run, known: Known, kept: Path) -> None:
    shutil.copy(SAMPLES / "adt-a03-sortie.er7", kept / "new.er7")
    (kept / LETTER).unlink()
    report = run("replay", kept, "-c", known.config, "--json").json()
    assert report["messages"] == [{"file": "new.er7", "kept": False, "differences": []}]
    assert report["summary"]["gone"] == [KEPT]
    result = run("replay", kept, "-c", known.config)
    assert result.code == 1
    assert "jamais gardé new.er7" in result.out
    assert f"message absent {KEPT}" in result.out


def test_line_feeds_change_nothing(run: Run, known: Known, kept: Path) -> None:
    message = kept / "adt-a01-admission.er7"
    message.write_bytes(message.read_bytes().replace(b"\r", b"\n"))
    assert run("replay", kept, "-c", known.config).code == 0


def test_the_journal_of_the_site_is_not_touched(run: Run, known: Known, kept: Path) -> None:
    lines = run("trace", "-c", known.config, "--ipp", "000003", "--json").json()
    assert run("replay", kept, "-c", known.config).code == 0
    assert run("trace", "-c", known.config, "--ipp", "000003", "--json").json() == lines


def test_nothing_kept_yet(run: Run, known: Known, captured: Path) -> None:
    result = run("replay", captured, "-c", known.config)
    assert result.code == 2
    assert "--keep" in result.err


def test_a_folder_without_messages(run: Run, known: Known, tmp_path: Path) -> None:
    assert run("replay", tmp_path, "-c", known.config, "--keep").code == 2


def test_what_is_no_kept_output(run: Run, known: Known, kept: Path) -> None:
    (kept / KEPT).write_text("bonjour")
    result = run("replay", kept, "-c", known.config)
    assert result.code == 2
    assert KEPT in result.err


@pytest.mark.parametrize("words", [("nowhere",), ("1", "nowhere")])
def test_neither_deliveries_nor_a_folder(run: Run, known: Known, words: tuple[str, ...]) -> None:
    result = run("replay", *words, "-c", known.config, "--reason", "essai")
    assert result.code == 2
    assert "neither deliveries nor a folder" in result.err


@pytest.mark.parametrize("option", ["--keep", "--kit"])
def test_some_options_go_with_a_folder(run: Run, known: Known, option: str) -> None:
    result = run("replay", "1", "-c", known.config, option, "--reason", "essai")
    assert result.code == 2
    assert f"{option} goes with a folder" in result.err


def test_with_the_agency_s_kit(run: Run, known: Known, captured: Path, cda_kit: Path, tmp_path: Path) -> None:
    config = tmp_path / "with-kit.toml"
    config.write_text(known.config.read_text(encoding="utf-8") + f'[gate]\nkit = "{cda_kit}"\n', encoding="utf-8")
    assert run("replay", captured, "-c", config, "--keep", "--kit").code == 0
    suites = json.loads((captured / KEPT).read_text(encoding="utf-8"))["documents"][0]["cda"]["suites"]
    assert "XSD" in suites
    report = run("replay", captured, "-c", config, "--json").json()
    assert set(report["summary"]["fields"]) >= {"documents.cda.suites"}
    assert run("replay", captured, "-c", config, "--kit").code == 0


def test_deliveries_still_need_a_reason(run: Run, known: Known) -> None:
    result = run("replay", "1", "-c", known.config)
    assert result.code == 2
    assert "--reason" in result.err


def change(file: Path, value: str, *path: str | int) -> None:
    """Another value in a kept output."""
    output = json.loads(file.read_text(encoding="utf-8"))
    place: Any = output
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(output), encoding="utf-8")
