"""50 MB to the DMP and back: every byte kept, and what the connector's memory has to bear."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from connector.base.resources import resource_dir
from connector.cli.demo_letters import LETTER_ID
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.e2e.large_client import CAP, sha256

MEGABYTES = 50


def write_any_bytes(path: Path) -> None:
    """Random bytes with line ends and dashes among them, as a multipart reader dislikes."""
    source = random.Random(1)
    with path.open("wb") as file:
        for _ in range(MEGABYTES):
            file.write(source.randbytes(1024 * 1024 - 9) + b"\r\n--MIME-")


def write_letter(path: Path) -> None:
    """The sample letter around another body: base64 in lines of 76 characters."""
    letter = (resource_dir("samples") / "lettre-de-liaison-niveau-1.xml").read_bytes()
    head, tail = re.split(rb"(?<=B64\">)[A-Za-z0-9+/=\s]+(?=</text>)", letter)
    source = random.Random(2)
    with path.open("wb") as file:
        file.write(head + b"\n")
        while file.tell() < MEGABYTES * 1024 * 1024:
            file.write(b64encode(source.randbytes(57)) + b"\n")
        file.write(tail)


def exchange(folder: Path, profile: str) -> dict[str, Any]:
    """The client of `large_client` in a process of its own, against a simulator in this one."""
    samples = resource_dir("samples")
    (folder / "message.er7").write_bytes((samples / "mdm-t02-lettre-de-liaison.er7").read_bytes())
    (folder / "header.xml").write_bytes((samples / "lettre-de-liaison-niveau-1.xml").read_bytes())
    config = SimConfig(
        folder=folder / "simulator", pki_folder=folder / "pki", document_cap=CAP, ihe_pure=profile == "ihe"
    )
    with Simulator(config) as simulator:
        command = [sys.executable, "-m", "tests.e2e.large_client", str(folder), simulator.urls["base"], profile]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        (kept,) = simulator.registry.store.by_unique_id(LETTER_ID)
        return {**json.loads(done.stdout), "kept_sha256": sha256(kept.file)}


def check(figures: dict[str, Any]) -> None:
    print({name: round(value, 1) for name, value in figures.items() if name.endswith("mib")})
    assert figures["document_mib"] >= MEGABYTES
    assert figures["kept_sha256"] == figures["received_sha256"] == figures["sha256"]
    assert figures["received_mib"] < 8


def test_a_part_of_50_mb_passes_through_in_blocks(tmp_path: Path) -> None:
    write_any_bytes(tmp_path / "document")
    figures = exchange(tmp_path, "ihe")
    check(figures)
    assert figures["sent_mib"] < 8


def test_a_signed_letter_of_50_mb_costs_three_times_its_size(tmp_path: Path) -> None:
    """Header read, canonical digest, set signed, letter sent: the whole of it."""
    write_letter(tmp_path / "document")
    figures = exchange(tmp_path, "dmp")
    check(figures)
    assert figures["document_mib"] < figures["sent_mib"] <= 3 * figures["document_mib"]
