"""Letters to export, and `connector letters export` as an operator runs it: a process that can be killed."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connector.letter.inputs import read_data
from tests.conftest import ROOT
from tests.e2e.harness import Site, toml_of
from tests.e2e.process import write_toml

SAMPLES = ROOT / "samples" / "lettres"
PATIENCE = 100.0


def letter(number: int, **changes: Any) -> dict[str, Any]:
    """Data of a letter of the official test patient, unlike the others."""
    data = copy.deepcopy(read_data((SAMPLES / "discharge.yaml").read_bytes(), "discharge.yaml"))
    return {**data, "reason": f"Motif {number}", **changes}


def write(folder: Path, name: str, data: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8")
    return path


def letters(folder: Path, count: int) -> Path:
    """A folder of `count` good letters of one patient."""
    for number in range(count):
        write(folder, f"l{number:04d}", letter(number))
    return folder


def settings_file(site: Site, **sections: dict[str, Any]) -> Path:
    """The settings of the site as a file, with some sections changed."""
    path = site.folder / "export.toml"
    write_toml(toml_of(site.simulator, site.hospital.port, site.folder, **sections), path)
    return path


class Export:
    """One run of the command in its own process; everything but its JSON goes to `log`."""

    def __init__(self, config: Path, out: Path, *arguments: str | Path) -> None:
        self.out = out
        self.log = out.with_name(f"{out.name}.log")
        words = [str(word) for word in arguments]
        command = [sys.executable, "-m", "connector", "letters", "export", *words]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-c", str(config), "--out", str(out), "--json"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "COLUMNS": "200"},
            )

    def end(self) -> tuple[int, dict[str, Any]]:
        """Exit code and summary."""
        said, _ = self.process.communicate(timeout=PATIENCE)
        assert said, self.log.read_text(encoding="utf-8")
        return self.process.returncode, json.loads(said)

    def kill(self) -> None:
        """kill -9: it must still have been at work."""
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        self.process.kill()
        self.process.communicate()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)


def run(config: Path, out: Path, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """A whole run: exit code and summary."""
    return Export(config, out, *arguments).end()


def wait_for(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.02)


def order_of_acceptance(site: Site) -> list[str]:
    """Document ids in the order the DMP took them."""
    lines = (site.folder / "simulator" / "world" / "acceptances.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["unique_id"] for line in lines]
