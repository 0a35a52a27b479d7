"""What we send, captured by the simulator and given to `connector check`: our own judge finds nothing wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.inspection import inspect
from tests.e2e.captured import read_captures
from tests.e2e.harness import Site
from tests.e2e.messages import admission, deletion, successor
from tests.e2e.test_versions import published

OF_THE_DMP = {"TD0.2", "TD0.3"}


@pytest.fixture(params=["dmp", "ihe"])
def capturing(request: pytest.FixtureRequest, tmp_path: Path, pki_folder: Path) -> Iterator[Site]:
    pure = request.param == "ihe"
    simulator = SimConfig(
        folder=tmp_path / "simulator",
        pki_folder=pki_folder,
        capture_dir=tmp_path / "captured",
        ihe_pure=pure,
        assertion_required=not pure,
    )
    with Site(tmp_path, simulator, dmp={"profile": request.param}) as site:
        yield site


def test_every_request_of_ours_is_clean(capturing: Site) -> None:
    site, profile = capturing, capturing.settings.dmp.profile
    site.log_on()
    site.send(admission("ADT9101"))
    site.settled("ADT9101")
    _, first = published(site, "MDM9101")
    message, second = successor("MDM9102", first)
    site.send(message)
    assert site.wait_delivery(second).state == "done"
    site.send(deletion("MDM9103", message))
    site.settled("MDM9103")
    assert judged(site.folder / "captured", profile) == {"ITI-18", "ITI-41", "ITI-43", "ITI-57"} | (
        OF_THE_DMP if profile == "dmp" else set()
    )


def judged(folder: Path, profile: Literal["dmp", "ihe"]) -> set[str]:
    """The kinds of request captured, once each was judged clean, as a whole body and as its envelope alone."""
    kinds = set()
    for request in read_captures(folder):
        inspection = inspect(request.body, profile=profile)
        assert inspection.findings == (), inspection.kind
        alone = inspect(request.root, profile=profile)
        assert (alone.kind, alone.findings) == (inspection.kind, ())
        kinds.add(inspection.kind)
    return kinds
