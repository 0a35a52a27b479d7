"""The site of the letters' benchmark: patients, their admissions, their letters, and the settings of a connector."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.submissions_peer import Peer
from connector.base.clock import utc_now
from connector.base.resources import resource_dir
from connector.letter.inputs import read_data
from connector.settings import Settings, parse_settings
from connector.simulator.world import World
from tests.e2e.load import Identity, make_identities

STRUCTURE = "1120456789"


def patients(simulator: Path, count: int) -> list[Identity]:
    """Patients drawn at run time, each with an open record; to be called before the simulator starts in that folder."""
    world = World(simulator / "world", utc_now)
    identities = make_identities(count, random.Random(20))
    for identity in identities:
        world.put_patient(identity.in_world())
    return identities


def admissions(identities: Sequence[Identity]) -> list[bytes]:
    """One A01 each: qualified INS, informed and not opposed."""
    template = (resource_dir("samples") / "adt-a01-admission.er7").read_bytes()
    return [
        identity.personalise(template).replace(b"ADT0001", b"BENCH%04d" % number)
        for number, identity in enumerate(identities)
    ]


def letter_data(identity: Identity, number: int) -> dict[str, Any]:
    """A whole discharge letter of this patient, unlike the others."""
    sample = resource_dir("samples") / "lettres" / "discharge.yaml"
    data = copy.deepcopy(read_data(sample.read_bytes(), sample.name))
    patient = {**data["patient"], "ins": {"value": identity.ins, "oid": "1.2.250.1.213.1.4.10"}}
    patient.pop("telecoms", None)
    patient.pop("ipp", None)
    return {**data, "patient": patient, "reason": f"{data['reason']} ({number})"}


def write_letters(folder: Path, identities: Sequence[Identity], first: int, count: int) -> None:
    """`count` JSON files, patients in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        data = letter_data(identities[number % len(identities)], number)
        (folder / f"{number:06d}.json").write_text(json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8")


def settings_of(folder: Path, simulator: Path, peer: Peer, *, kit: str, terminologies: bool) -> Settings:
    """A connector of its own journal against the simulator, without identity server."""
    pki = simulator / "pki"
    return parse_settings(
        {
            "journal": {"store": str(folder / "journal.sqlite")},
            "keys": {
                "structure": STRUCTURE,
                "ca_file": str(pki / "ca.pem"),
                "sign_certificate": str(pki / "sign.pem"),
                "sign_key": str(pki / "sign.key.pem"),
                "auth_certificate": str(pki / "auth.pem"),
                "auth_key": str(pki / "auth.key.pem"),
            },
            "vihf": {"lps_name": "dmp-connector", "lps_version": "0.1.0", "homologation_id": "TEST-0000"},
            "dmp": {
                "base_url": peer.base,
                "environment": "test",
                "lps_oid": "1.2.250.1.999.1.1",
                "lps_name": "dmp-connector",
                "source_id": "1.2.250.1.999.1.2",
                "structure_policy": "certificate",
            },
            "pix": {"protocol": "off"},
            "identity": {"no_cross_reference": "trust-message"},
            "gate": {"kit": kit, "terminologies": terminologies},
            "log": {"level": "error"},
        },
        folder,
    )
