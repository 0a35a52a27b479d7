"""Commands that call a listener over TLS: whom they trust, who they are, and what is said when either is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.base.resources import resource_dir
from tests.cli.conftest import Run
from tests.e2e.conftest import MakeSite, make_site, pki_folder
from tests.e2e.harness import Site, toml_of
from tests.e2e.letters import LETTERS, fresh_cda
from tests.e2e.process import write_toml
from tests.hl7_core.certificates import Authority, Pem

__all__ = ["make_site", "pki_folder"]


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def listener(ours: Authority) -> dict[str, str]:
    pair = ours.issue("connector")
    return {"host": "127.0.0.1", "tls_cert": str(pair.certificate), "tls_key": str(pair.key)}


def settings_of(site: Site, listener: dict[str, str], folder: Path) -> Path:
    """The settings file of the running site: its listener has the port it really took."""
    table = toml_of(site.simulator, site.hospital.port, site.folder)
    table["listener"] = {**listener, "port": site.port}
    write_toml(table, folder / "connector.toml")
    return folder / "connector.toml"


def test_letters_reach_a_listener_that_speaks_tls(
    run: Run, make_site: MakeSite, ours: Authority, listener: dict[str, str], tmp_path: Path
) -> None:
    site = make_site(listener=listener)
    config = settings_of(site, listener, tmp_path)
    file = tmp_path / "l.xml"
    cda, unique_id = fresh_cda()
    file.write_bytes(cda)
    blind = run("letters", "send", file, "-c", config)
    assert (blind.code, "--ca" in blind.err) == (2, True)
    assert run("letters", "send", file, "-c", config, "--ca", ours.file).code == 0
    assert site.wait_delivery(unique_id).state == "held"
    # the others take the same way
    gone = run("letters", "delete", unique_id, "-c", config, "--ca", ours.file, "--to", f"127.0.0.1:{site.port}")
    assert gone.code == 0
    late = run("letters", "replace", LETTERS / "discharge.yaml", "--of", "2.25.7", "-c", config, "--ca", ours.file)
    assert late.code == 0
    assert len(site.query("SELECT 1 FROM message WHERE type = 'MDM'")) == 3


def test_a_listener_nobody_trusted_gets_nothing(
    run: Run, make_site: MakeSite, listener: dict[str, str], tmp_path: Path
) -> None:
    site = make_site(listener=listener)
    config = settings_of(site, listener, tmp_path)
    theirs = Authority(tmp_path, "theirs")
    file = tmp_path / "l.xml"
    file.write_bytes(fresh_cda()[0])
    strange = run("letters", "send", file, "-c", config, "--ca", theirs.file)
    assert (strange.code, "TLS refused" in strange.err) == (3, True)
    # another name than that of the certificate
    named = run("letters", "send", file, "-c", config, "--ca", tmp_path / "ours.pem", "--to", f"localhost:{site.port}")
    assert named.code == 3
    plain = run("letters", "send", file, "-c", config, "--to", f"127.0.0.1:{site.port}")
    assert plain.code == 3
    assert site.query("SELECT count(*) FROM message") == [(0,)]


def test_a_listener_that_wants_a_certificate_gets_one(
    run: Run, make_site: MakeSite, ours: Authority, listener: dict[str, str], tmp_path: Path
) -> None:
    site = make_site(listener={**listener, "tls_client_ca": str(ours.file)})
    own = ours.issue("poste")
    message = resource_dir("samples") / "adt-a01-admission.er7"
    to = ("send", message, "--to", f"127.0.0.1:{site.port}")
    assert run(*to, "--ca", ours.file).code == 3
    assert run(*to, "--ca", ours.file, "--cert", own.certificate, "--cert-key", own.key).code == 0
    both = _in_one(own, tmp_path / "both.pem")
    assert run(*to, "--ca", ours.file, "--cert", both).code == 0
    stranger = Authority(tmp_path, "theirs").issue("stranger")
    assert run(*to, "--ca", ours.file, "--cert", stranger.certificate, "--cert-key", stranger.key).code == 3
    assert site.query("SELECT count(*) FROM message") == [(1,)]


def _in_one(pair: Pem, file: Path) -> Path:
    file.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    return file


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--cert", "own.crt", "--cert-key", "own.key"], "--ca"),
        (["--ca", "ours.pem", "--cert-key", "own.key"], "--cert"),
        (["--ca", "own.key"], "--ca"),
        (["--ca", "ours.pem", "--cert", "ours.pem"], "--cert, --cert-key"),
    ],
)
def test_options_of_tls_that_cannot_work_are_named(
    run: Run, ours: Authority, tmp_path: Path, options: list[str], name: str
) -> None:
    ours.issue("own")
    files = [option if option.startswith("--") else tmp_path / option for option in options]
    result = run("send", resource_dir("samples") / "adt-a01-admission.er7", "--to", "127.0.0.1:1", *files)
    assert (result.code, f"name: {name}\n" in result.err) == (2, True)
