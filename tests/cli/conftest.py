"""The command as people run it: arguments in, exit code and text out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connector.cli.main import main
from connector.simulator.config import SimConfig
from tests.e2e.harness import Site
from tests.e2e.messages import letter


class Result(NamedTuple):
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("send", path, "--to", …)` in this process, through the entry point, on a wide terminal."""
    monkeypatch.setenv("COLUMNS", "300")

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["connector", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


class Known(NamedTuple):
    """A site that worked for a while, its settings file, and one document it published."""

    site: Site
    config: Path
    document: str


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    folder = tmp_path_factory.mktemp("known")
    with Site(folder, SimConfig(folder=folder / "simulator")) as site:
        site.sample("adt-a01-admission.er7")
        message, document = letter("MDM9001")
        site.send(message)
        assert site.wait_delivery(document).state == "done"
        site.sample("mdm-t10-remplacement.er7")
        site.settled("MDM0002")
        config = folder / "connector.toml"
        config.write_text(_toml(site, folder), encoding="utf-8")
        yield Known(site, config, document)


def _toml(site: Site, folder: Path) -> str:
    pki = site.simulator.pki
    return f"""
[journal]
store = "sqlite:///{folder / "journal.sqlite"}"
[keys]
structure = "1120456789"
ca_file = "{pki.ca}"
sign_certificate = "{pki.sign.certificate}"
sign_key = "{pki.sign.key}"
auth_certificate = "{pki.auth.certificate}"
auth_key = "{pki.auth.key}"
[vihf]
lps_name = "dmp-connector"
lps_version = "0.1.0"
homologation_id = "TEST-0000"
[dmp]
base_url = "{site.simulator.urls["base"]}"
environment = "test"
lps_oid = "1.2.250.1.999.1.1"
lps_name = "dmp-connector"
source_id = "1.2.250.1.999.1.2"
"""
