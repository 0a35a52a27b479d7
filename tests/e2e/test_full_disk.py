"""The disk is full for the real process: AR to every sender, nothing lost, work goes on when there is room again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.hl7.ack import Ack, parse_ack
from connector.hl7.mllp_client import MllpClient
from tests.e2e.ground import Ground
from tests.e2e.harness import DEADLINE
from tests.e2e.hostile import ADMISSION
from tests.e2e.load import drawn_seed
from tests.e2e.small_disk import Disk, FileLimit, MountRefused, RefusingTables, SmallTablespace
from tests.postgres import Postgres

Site = tuple[Ground, Disk]


def make_ground(folder: Path, pki: Path, store: str = "") -> Ground:
    ground = Ground(folder, drawn_seed(), patients=1, pki=pki, store=store)
    ground.start()
    return ground


@pytest.fixture
def on_sqlite(tmp_path: Path, pki_folder: Path) -> Iterator[Site]:
    ground = make_ground(tmp_path, pki_folder)
    yield ground, FileLimit(ground.processes[0], tmp_path / "journal.sqlite")
    ground.close()


@pytest.fixture
def on_postgresql(tmp_path: Path, pki_folder: Path, postgres: Postgres) -> Iterator[Site]:
    try:
        disk: SmallTablespace | RefusingTables = SmallTablespace(postgres)
    except MountRefused:
        disk = RefusingTables(postgres, postgres.create_database())
    ground = make_ground(tmp_path, pki_folder, disk.url)
    yield ground, disk
    ground.close()
    disk.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_full_disk_answers_ar_and_recovers(kind: str, request: pytest.FixtureRequest) -> None:
    ground, disk = request.getfixturevalue(f"on_{kind}")
    (connector,) = ground.processes
    accepted: list[bytes] = []
    with MllpClient("127.0.0.1", connector.port, timeout=DEADLINE) as client:

        def send(number: int) -> tuple[bytes, Ack]:
            raw = ADMISSION.replace(b"ADT0001", b"FULL%d" % number)
            return raw, parse_ack(client.exchange(raw))

        raw, ack = send(0)
        assert ack.code == "AA"
        accepted.append(raw)
        disk.nearly_fill()
        number = 0
        while ack.code == "AA" and number < 500:
            number += 1
            raw, ack = send(number)
            accepted += [raw] if ack.code == "AA" else []
        assert (ack.code, ack.errors[0].code, ack.may_resend) == ("AR", "207", True)
        disk.fill()
        # What a checkpoint or a purged page freed may still take one: then, no byte fits anywhere.
        codes = ["AR"]
        while codes[-3:] != ["AR"] * 3 and number < 500:
            codes.append(parse_ack(client.exchange(raw)).code)
            if codes[-1] == "AA":
                accepted.append(raw)
                number += 1
                raw = ADMISSION.replace(b"ADT0001", b"FULL%d" % number)
        assert codes[-3:] == ["AR"] * 3, "full is full"
        # Long enough for the engine to meet it too, and to fail to log it.
        time.sleep(1.0)
        assert connector.alive

        disk.free()
        again = parse_ack(client.exchange(raw))
        assert again.code == "AA"
        accepted.append(raw)
        assert send(501)[1].code == "AA"
        accepted.append(ADMISSION.replace(b"ADT0001", b"FULL501"))

    stored = [bytes(row["raw"]) for row in ground.journal.query("SELECT raw FROM message ORDER BY id")]
    assert stored == accepted
    ground.wait_settled(DEADLINE)
    assert ground.left() == [], connector.tail()
    assert ground.count("SELECT count(*) FROM delivery WHERE kind = 'admission'") == len(accepted)
    assert ground.stop() == [0]
