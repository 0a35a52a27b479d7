"""`connector xds --domain dmp`: the same verbs under a VIHF, with what the structure certificate may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.cli.conftest import Result, Run
from tests.conftest import ROOT

PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
LETTER = ROOT / "samples" / "lettre-de-liaison-niveau-1.xml"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(SimConfig(folder=tmp_path_factory.mktemp("dmp"))) as running:
        yield running


@pytest.fixture
def xds(run: Run, simulator: Simulator, tmp_path: Path) -> Run:
    pki = simulator.pki
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f"""
[journal]
store = "sqlite:///{tmp_path}/never-made.sqlite"
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
base_url = "{simulator.urls["base"]}"
environment = "test"
lps_oid = "1.2.250.1.999.1.1"
lps_name = "dmp-connector"
source_id = "1.2.250.1.999.1.2"
[intake]
environment = "test"
[pix]
protocol = "off"
[domains.signed]
source_id = "1.2.250.1.999.1.2"
registry = "{simulator.urls["base"]}/registry"
profile = "dmp"
ca_file = "{pki.ca}"
certificate = "{pki.auth.certificate}"
key = "{pki.auth.key}"
""",
        encoding="utf-8",
    )

    def call(verb: object, *arguments: object, domain: str = "dmp") -> Result:
        result = run("xds", verb, *arguments, "--domain", domain, "--settings", settings, "--json")
        assert not (tmp_path / "never-made.sqlite").exists()
        return result

    return call


def test_a_letter_goes_signed_and_is_deleted_again(xds: Run, simulator: Simulator, tmp_path: Path) -> None:
    made = xds("submit", LETTER, "--patient", PATIENT, "--capture", tmp_path / "wire")
    assert made.code == 0, made
    document, signature = made.json()["uniqueIds"]
    request = (tmp_path / "wire" / "01-request.http").read_bytes()
    assert all(text in request for text in (b"saml2:Assertion", b"IHEManifest", b"^NH"))
    found = xds("query", "--patient", PATIENT, "--unique-id", document, "--object-ref")
    assert len(found.json()["references"]) == 1
    deleted = xds("update", "--patient", PATIENT, "--unique-id", document, "--delete")
    assert deleted.code == 0, deleted
    assert {kept.status.rpartition(":")[2] for kept in simulator.registry.store.by_unique_id(document)} == {"Deleted"}
    assert signature != document


def test_the_structure_certificate_reads_no_list(xds: Run) -> None:
    result = xds("query", "--patient", PATIENT)
    assert (result.code, result.json()["outcome"]) in ((1, "fault"), (1, "refused"))


def test_another_domain_may_want_the_same_assertion(xds: Run) -> None:
    found = xds("query", "--patient", PATIENT, "--unique-id", "1.2.3.404", "--object-ref", domain="signed")
    assert (found.code, found.json()["status"].rpartition(":")[2]) == (0, "Success")
