"""`connector kit`: what it says of a distribution, and the exit code a script can trust."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from connector.base.resources import resource_dir
from tests.cli.conftest import Run
from tests.kit import small


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return small.build(tmp_path / "kit")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_status_for_people_and_for_machines(run: Run, kit: Path) -> None:
    told = run("kit", "status", kit)
    assert told.code == 0
    assert "CI-SIS_LDL-SES_2022.01" in told.out
    assert "a file of the kit is missing" in told.out
    assert "voc-1.2.3-DYNAMIC.xml" in told.out
    report = run("kit", "status", kit, "--json").json()
    assert report["usable"] is True
    assert len(report["repairs"]) == 3
    assert [suite["name"] for suite in report["suites"] if suite["fault"]] == ["CI-SIS_VSM_2023.01"]


def test_the_folder_may_come_from_the_settings(run: Run, kit: Path, tmp_path: Path) -> None:
    text = (resource_dir("conf") / "demo.toml").read_text(encoding="utf-8").replace("../.demo/", f"{tmp_path}/")
    config = tmp_path / "connector.toml"
    config.write_text(f'{text}\n[gate]\nkit = "kit"\n', encoding="utf-8")
    assert run("kit", "status", "-c", config, "--json").json()["folder"] == str(kit)
    assert run("kit", "status").code == 2


def test_a_kit_that_every_document_needs_more_of_is_a_failure(run: Run, kit: Path) -> None:
    (kit / "schematrons/profils/IHE.sch").unlink()
    assert run("kit", "status", kit).code == 1
    refused = run("kit", "compile", kit)
    assert refused.code != 0
    assert "missing" in refused.err


def test_compile_fills_the_cache(run: Run, kit: Path, own_cache: Path) -> None:
    told = run("kit", "compile", kit)
    assert (told.code, "7 suites compiled" in told.out) == (0, True)
    assert "CI-SIS_VSM_2023.01" in told.out
    rows = run("kit", "compile", kit, "--json").json()["suites"]
    assert [row["suite"] for row in rows if row["fault"]] == ["CI-SIS_VSM_2023.01"]
    assert len(list(own_cache.rglob("*.json"))) == 7


@pytest.mark.parametrize("packed", [True, False], ids=["archive", "folder"])
def test_install_takes_what_is_needed_from_a_folder_or_an_archive(
    run: Run, kit: Path, tmp_path: Path, packed: bool
) -> None:
    (kit / "other.exe").write_bytes(b"x")
    (kit / "schematrons" / "moteur").mkdir()
    source = kit
    if packed:
        source = Path(shutil.make_archive(str(tmp_path / "download"), "zip", kit.parent, kit.name))
    done = run("kit", "install", source, "--to", tmp_path / "place")
    assert done.code == 0
    assert f'kit = "{tmp_path / "place"}"' in done.out
    assert run("kit", "status", tmp_path / "place").code == 0
    assert not (tmp_path / "place" / "other.exe").exists()
    again = run("kit", "install", source, "--to", tmp_path / "place")
    assert (again.code, "there already" in again.err) == (2, True)


@pytest.mark.parametrize("name", ["../schematrons/out.sch", "/schematrons/out.sch", "..\\schematrons\\out.sch"])
def test_an_archive_writes_nothing_outside_its_place(run: Run, kit: Path, tmp_path: Path, name: str) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "download"), "zip", kit))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, "x")
    assert run("kit", "install", archive, "--to", tmp_path / "deep" / "place").code == 0
    assert not list(tmp_path.rglob("out.sch"))


def test_what_is_no_kit_is_refused_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "note.zip").write_text("x", encoding="utf-8")
    refused = run("kit", "install", tmp_path / "note.zip", "--to", tmp_path / "place")
    assert (refused.code, "not a ZIP" in refused.err) == (2, True)
    (tmp_path / "empty").mkdir()
    assert run("kit", "install", tmp_path / "empty", "--to", tmp_path / "place").code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "note.zip"]
