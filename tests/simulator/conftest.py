"""Shared by the simulator's tests: one PKI per session, one simulator per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.simulator.rig import Client


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture
def config(tmp_path: Path, pki_folder: Path) -> SimConfig:
    return SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder)


@pytest.fixture
def sim(config: SimConfig) -> Iterator[Simulator]:
    with Simulator(config) as simulator:
        yield simulator
        # A defect of the simulator answers a fault; it must not pass for a refusal.
        assert [event for event in simulator.log.events() if event[0] == "internal"] == []


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Iterator[Client]:
    """One simulator for every test that only gets refused: its world is never changed."""
    with Simulator(SimConfig(folder=tmp_path_factory.mktemp("shared"), pki_folder=pki_folder)) as simulator:
        yield Client(simulator)
        assert [event for event in simulator.log.events() if event[0] == "internal"] == []
