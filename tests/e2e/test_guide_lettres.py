"""The guide's three commands, as it writes them, bring a letter into the DMP of the simulator."""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.process import fixed_port

PATIENCE = 90
PORTS = {8443: "--https-port", 8444: "--psc-port", 3701: "--query-port"}
OTHERS = ("--control-port", "--feed-port")


def commands() -> list[list[str]]:
    """Arguments of each command of the guide's first block, comments left out."""
    guide = (ROOT / "docs" / "guide-lettres.md").read_text(encoding="utf-8")
    block = guide.partition("## Trois commandes")[2].partition("```\n")[2].partition("```")[0]
    return [shlex.split(line, comments=True) for line in block.splitlines()]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with what the commands name; only the ports are others, so that tests may run side by side."""
    shutil.copytree(ROOT / "samples" / "lettres", tmp_path / "samples" / "lettres")
    (tmp_path / "conf").mkdir()
    settings = (ROOT / "conf" / "letters-trial.toml").read_text(encoding="utf-8")
    for port, other in zip(PORTS, ports(), strict=True):
        settings = re.sub(rf"\b{port}\b", str(other), settings)
    (tmp_path / "conf" / "letters-trial.toml").write_text(settings, encoding="utf-8")
    return tmp_path


def ports() -> list[int]:
    chance = random.Random(2024)
    drawn: list[int] = []
    while len(drawn) < len(PORTS):
        port = fixed_port(chance)
        if port not in drawn:
            drawn.append(port)
    return drawn


def run(home: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "connector", *arguments[1:]]
    return subprocess.run(program, cwd=home, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_three_commands_bring_a_letter_into_the_dmp(home: Path) -> None:
    simulate, check, export = commands()
    assert [one[0] for one in (simulate, check, export)] == [".venv/bin/connector"] * 3
    settings = (home / "conf" / "letters-trial.toml").read_text(encoding="utf-8")
    moved = [str(port) for port in ports()]
    assert all(port in settings for port in moved)
    options = [word for pair in zip(PORTS.values(), moved, strict=True) for word in pair]
    options += [word for name in OTHERS for word in (name, "0")]
    program = [sys.executable, "-m", "connector", *simulate[1:], *options]
    with subprocess.Popen(program, cwd=home, stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout is not None
            for line in simulator.stdout:
                if line.startswith("certificates"):
                    break
            checked = run(home, check)
            assert (checked.returncode, checked.stderr) == (0, "")
            sent = run(home, export)
            assert sent.returncode == 0, sent.stdout + sent.stderr
            assert "1 lettres : 1 envoyées" in sent.stdout
            report = (home / "export-lettres" / "rapport.html").read_text(encoding="utf-8")
            assert "<html" in report
            # a second time: nothing is sent twice, the letter is known
            again = run(home, [*export, "--resume"])
            assert again.returncode == 0, again.stdout + again.stderr
        finally:
            simulator.terminate()
    calls = [json.loads(line) for line in (home / ".demo" / "simulator" / "calls.jsonl").read_text().splitlines()]
    assert [(call["transaction"], call["outcome"]) for call in calls] == [("ITI-41", "ok")]
