"""The database dies and comes back under load: senders are told to come again, everything else goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator.faults import FaultRule
from tests.e2e.ground import NEVER_OPEN, Ground, check_zam, count_acceptances
from tests.e2e.harness import DEADLINE
from tests.e2e.load import Load, drawn_seed
from tests.e2e.test_kill import check_journal, finish
from tests.postgres import Postgres

PATIENTS = 6


@pytest.fixture
def ground(tmp_path: Path, pki_folder: Path, postgres_database: str) -> Iterator[Ground]:
    ground = Ground(
        tmp_path,
        drawn_seed(),
        patients=PATIENTS,
        pki=pki_folder,
        store=postgres_database,
        roles=("listener", "worker"),
        engine={
            "backoff": {"first": 0.05, "longest": 0.2},
            "poll": 0.2,
            "lease": 3.0,
            "beat": 0.5,
            "destinations": {"dmp": NEVER_OPEN},
        },
        publication={"unknown_grace": 1.5},
    )
    yield ground
    ground.close()


@pytest.mark.timeout(120)
def test_the_database_dies_and_comes_back_under_load(ground: Ground, postgres: Postgres) -> None:
    ground.start()
    load = Load(ground.port, ground.identities, ground.simulator.world.acceptances, seed=ground.seed)
    load.start()
    flows_again(ground)
    for _ in range(3):
        ground.simulator.faults.add(FaultRule("cut-after", "ITI-41", times=2))
        time.sleep(1.0)
        postgres.kill()
        postgres.start()
        flows_again(ground)
    ground.renew_reader()
    finish(ground, load)
    counts = count_acceptances(load.letters, ground.acceptance_order())
    assert counts.clean, counts
    assert [reason for sent in load.sent for reason in sent.refused] == []
    check_journal(ground, load)
    check_zam(load.letters, ground.hospital)


def flows_again(ground: Ground) -> None:
    """New documents reach the DMP: as many as the patients may have in flight, and one more."""
    before = len(ground.acceptance_order())
    end = time.monotonic() + DEADLINE
    while len(ground.acceptance_order()) <= before + PATIENTS:
        assert time.monotonic() < end, "nothing reaches the DMP since the restart"
        time.sleep(0.05)
