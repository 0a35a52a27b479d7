"""The wheel alone, away from the checkout: everything it needs at run time is inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROBE = """
import json, sys
from connector import codes
from connector.base.resources import resource_dir
from connector.settings import load_settings
found = {name: str(resource_dir(name)) for name in ("wsdl", "conf", "samples")}
found["files"] = sorted(p.name for p in resource_dir("conf").iterdir())
found["wsdl_files"] = len(list(resource_dir("wsdl").rglob("*.wsdl")))
found["code"] = codes.load("J66").get("11490-0") is not None
found["environment"] = load_settings(resource_dir("conf") / "production.toml").dmp.environment
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder holding the wheel's content, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=100, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True, timeout=100)
    return target


def run(installed: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    elsewhere = installed.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    result = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=elsewhere, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_resources_code_lists_and_settings_are_inside(installed: Path) -> None:
    found = json.loads(run(installed, "-c", PROBE))
    for name in ("wsdl", "conf", "samples"):
        assert Path(found[name]).is_relative_to(installed), found[name]
    assert {"demo.toml", "production.toml", "test-platform.toml"} <= set(found["files"])
    assert found["wsdl_files"] > 0
    assert found["code"] is True
    assert found["environment"] == "production"


def test_the_command_works(installed: Path) -> None:
    sample = installed / "connector" / "_resources" / "samples" / "adt-a01-admission.er7"
    assert "ok" in run(installed, "-m", "connector", "check", str(sample))


def test_no_test_and_no_key_is_shipped(installed: Path) -> None:
    names = [path.relative_to(installed) for path in installed.rglob("*") if path.is_file()]
    assert not [name for name in names if name.parts[0] == "tests" or name.suffix in (".pem", ".p12", ".key")]
