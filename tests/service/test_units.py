"""The systemd units: accepted by systemd itself, hardened alike, and telling the truth about the connector."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connector.service.roles import check_role
from connector.settings import load_settings
from tests.conftest import ROOT
from tests.service.test_roles import POSTGRESQL

FOLDER = ROOT / "conf" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/dmp-connector/bin/connector"


def service(unit: Path) -> list[tuple[str, str]]:
    """Settings of the [Service] section, in order."""
    section = unit.read_text(encoding="utf-8").partition("[Service]\n")[2].partition("\n[Install]")[0]
    lines = [line for line in section.splitlines() if line and not line.startswith("#")]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def test_one_unit_for_each_role() -> None:
    assert [unit.name for unit in UNITS] == [
        "dmp-connector-listener@.service",
        "dmp-connector-worker@.service",
        "dmp-connector.service",
    ]


@pytest.fixture(scope="module")
def analyze(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with a program that exists here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze absent: install the Debian package systemd")
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, sys.executable)
        (folder / unit.name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_no_fault_and_little_exposure(analyze: Path, unit: Path) -> None:
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(analyze / unit.name)], capture_output=True, text=True, timeout=60
    )
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if unit.name in line]) == (0, [])
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(analyze / unit.name)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_all_are_hardened_alike() -> None:
    marker = "# -- what it may do"
    hardened = {unit.read_text(encoding="utf-8").partition(marker)[2] for unit in UNITS}
    assert len(hardened) == 1
    assert "NoNewPrivileges=yes" in hardened.pop()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_a_unit_says_is_what_the_connector_does(unit: Path) -> None:
    settings = dict(service(unit))
    command = shlex.split(settings["ExecStart"])
    assert command[:3] == [PROGRAM, "run", "-c"]
    role = command[command.index("--role") + 1] if "--role" in command else "all"
    assert check_role(role, POSTGRESQL) == role
    assert role == "all" or role in unit.name
    assert settings["Type"] == "notify"
    assert "HUP" in settings["ExecReload"]
    drain = load_settings(ROOT / "conf" / "production.toml").engine.drain_seconds
    assert int(settings["TimeoutStopSec"]) > 2 * drain
    credentials = [value.partition(":")[0] for name, value in service(unit) if name == "LoadCredential"]
    key_password = load_settings(ROOT / "conf" / "production.toml").keys.password_env
    assert (key_password in credentials) == (role != "listener")
