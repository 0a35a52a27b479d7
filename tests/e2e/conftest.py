"""One site per test: certificates are the slow part, so they are made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.world import World
from tests.e2e.harness import Site

MakeSite = Callable[..., Site]


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture
def make_site(tmp_path: Path, pki_folder: Path) -> Iterator[MakeSite]:
    """`make_site(section={"setting": value}, …)`: a started site, connector in a thread, stopped after the test.

    `world` changes what the simulator knows before it starts: its identity server never forgets.
    """
    with ExitStack() as stack:

        def make(world: Callable[[World], None] = lambda _: None, **overrides: dict[str, Any]) -> Site:
            config = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder)
            world(World(config.folder / "world", config.clock))
            return stack.enter_context(Site(tmp_path, config, **overrides))

        yield make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A fresh site with the settings of `toml_of`."""
    return make_site()
