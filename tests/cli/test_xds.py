"""`connector xds` against the simulator as an IHE registry: no assertion, no signature, no French form."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.xds_metadata import for_file
from connector.settings import load_domains
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from connector.xds.queries import QUERIES
from tests.cli.conftest import Result, Run
from tests.conftest import ROOT

INS = "279035121518989"
PATIENT = f"{INS}^^^&1.2.250.1.213.1.4.10&ISO"
LETTER = ROOT / "samples" / "lettre-de-liaison-niveau-1.xml"
PDF = b"%PDF-1.7\r\nconclusion\r\n--MIME-x\r\n%%EOF\r\n"
METADATA = {
    "classCode": "10^Compte rendu^1.2.250.1.213.1.1.4.1",
    "typeCode": "34112-3^CR hospitalier^2.16.840.1.113883.6.1",
    "formatCode": "urn:ihe:iti:xds:2017:mimeTypeSufficient^MimeType sufficient^1.3.6.1.4.1.19376.1.2.3",
    "healthcareFacilityTypeCode": "SA01^Etablissement public^1.2.250.1.71.4.2.4",
    "practiceSettingCode": "ETABLISSEMENT^Etablissement de santé^1.2.250.1.213.1.1.4.9",
    "confidentialityCode": ["N^Normal^2.16.840.1.113883.5.25"],
    "author": {"authorPerson": "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO", "authorRole": "Médecin"},
    "title": "Conclusion",
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = tmp_path_factory.mktemp("ihe")
    with Simulator(SimConfig(folder=folder, ihe_pure=True, assertion_required=False)) as running:
        yield running


@pytest.fixture(scope="module")
def settings(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of one domain and nothing else: no journal, no keys of the structure."""
    file = tmp_path_factory.mktemp("settings") / "domains.toml"
    base, pki = simulator.urls["base"], simulator.pki
    file.write_text(
        f"""
[domains.region]
registry = "{base}/registry"
repository = "{base}/repository"
source_id = "1.2.250.1.999.9.1"
patient_domain = "1.2.250.1.213.1.4.10"
ca_file = "{pki.ca}"
certificate = "{pki.auth.certificate}"
key = "{pki.auth.key}"
""",
        encoding="utf-8",
    )
    return file


@pytest.fixture
def xds(run: Run, settings: Path) -> Run:
    def call(verb: object, *arguments: object) -> Result:
        return run("xds", verb, *arguments, "--domain", "region", "--settings", settings, "--json")

    return call


def submitted(xds: Run, folder: Path, name: str, *options: object) -> str:
    """The uniqueId of a PDF just accepted."""
    (folder / name).write_bytes(PDF + name.encode())
    metadata = folder / "metadata.json"
    metadata.write_text(json.dumps(METADATA), encoding="utf-8")
    result = xds("submit", folder / name, "--patient", PATIENT, "--metadata", metadata, *options)
    assert result.code == 0, result
    (unique_id,) = result.json()["uniqueIds"]
    return str(unique_id)


def entry(xds: Run, unique_id: str) -> dict[str, Any]:
    result = xds("query", "--unique-id", unique_id)
    (found,) = result.json()["entries"]
    return dict(found)


def status_of(xds: Run, unique_id: str) -> str:
    return str(entry(xds, unique_id)["status"]).rpartition(":")[2]


def test_a_cda_is_described_by_its_own_header(xds: Run, tmp_path: Path) -> None:
    result = xds("submit", LETTER, "--patient", PATIENT, "--capture", tmp_path / "wire")
    assert (result.code, result.json()["outcome"]) == (0, "success")
    found = entry(xds, result.json()["uniqueIds"][0])
    assert found["typeCode"]["code"] == "11490-0"
    assert found["hash"] == hashlib.sha1(LETTER.read_bytes()).hexdigest()
    assert found["patientId"] == PATIENT
    request = (tmp_path / "wire" / "01-request.http").read_bytes()
    assert request.count(LETTER.read_bytes()) == 1
    for french in (b"^NH", b"IDNST", b"Assertion", b"xmldsig", b"IDNPS"):
        assert french not in request.replace(LETTER.read_bytes(), b"")
    assert (tmp_path / "wire").stat().st_mode & 0o077 == 0
    assert (tmp_path / "wire" / "02-answer.http").read_bytes().startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_was_captured_passes_connector_check(run: Run, xds: Run, tmp_path: Path) -> None:
    submitted(xds, tmp_path, "checked.pdf", "--capture", tmp_path / "wire")
    result = run("check", tmp_path / "wire" / "01-request.http", "--profile", "ihe", "--json")
    assert result.code == 0, result


def test_any_file_is_described_by_a_json_file_and_options(xds: Run, tmp_path: Path) -> None:
    found = entry(xds, submitted(xds, tmp_path, "a.pdf", "--meta", "title=Autre", "--meta", "languageCode=fr-CH"))
    assert (found["title"], found["language"], found["mimeType"]) == ("Autre", "fr-CH", "application/pdf")
    assert found["authors"][0]["roles"] == ["Médecin"]


def test_several_files_make_one_set(xds: Run, tmp_path: Path) -> None:
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    metadata = tmp_path / "metadata.json"
    table = {
        "one.txt": {**METADATA, "title": "Un"},
        "two.txt": {**METADATA, "title": "Deux"},
        "submissionSet": {"title": "Les deux"},
    }
    metadata.write_text(json.dumps(table), encoding="utf-8")
    files = (tmp_path / "one.txt", tmp_path / "two.txt")
    made = xds("submit", *files, "--patient", INS, "--metadata", metadata).json()
    asked = "$XDSSubmissionSetUniqueId=" + made["setId"]
    found = xds("query", "--query", "GetSubmissionSetAndContents", "--param", asked).json()
    assert sorted(one["title"] for one in found["entries"]) == ["Deux", "Un"]
    assert [one["title"] for one in found["submissionSets"]] == ["Les deux"]


def test_a_replacement_deprecates_the_other(xds: Run, tmp_path: Path) -> None:
    first = submitted(xds, tmp_path, "v1.pdf")
    second = submitted(xds, tmp_path, "v2.pdf", "--replaces-unique-id", first)
    third = submitted(xds, tmp_path, "v3.pdf", "--replace", entry(xds, second)["entryUuid"])
    assert [status_of(xds, one) for one in (first, second, third)] == ["Deprecated", "Deprecated", "Approved"]
    related = xds("query", "--query", "GetRelatedDocuments", "--unique-id", second, "--association", "RPLC").json()
    assert {one["uniqueId"] for one in related["entries"]} >= {first, third}


def test_a_document_comes_back_verified(xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "back.pdf")
    (document,) = xds("retrieve", "--unique-id", unique_id, "--to", tmp_path / "in").json()["documents"]
    assert (tmp_path / "in" / document["file"]).read_bytes() == PDF + b"back.pdf"
    assert document["verified"]
    repository = entry(xds, unique_id)["repositoryId"]
    straight = ("--unique-id", unique_id, "--repository-id", repository, "--to", tmp_path / "straight")
    (document,) = xds("retrieve", *straight).json()["documents"]
    assert (document["verified"], document["size"]) == (False, len(PDF) + 8)


def test_a_document_that_is_not_there_is_missing(xds: Run, tmp_path: Path, simulator: Simulator) -> None:
    asked = ("--unique-id", "1.2.3.404", "--repository-id", "1.2.250.1.213.4.1.1.1.2", "--to", tmp_path)
    result = xds("retrieve", *asked)
    assert (result.code, result.json()["missing"]) == (1, ["1.2.3.404"])
    assert result.json()["errors"][0]["code"] == "XDSDocumentUniqueIdError"


def test_a_deletion_in_an_ihe_domain_deprecates(xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "gone.pdf")
    assert xds("update", "--unique-id", unique_id, "--delete").code == 0
    assert status_of(xds, unique_id) == "Deprecated"


def test_a_status_by_entry_uuid_and_patient_asks_the_registry_nothing(xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "status.pdf")
    uuid = entry(xds, unique_id)["entryUuid"]
    options = ("--patient", PATIENT, "--status", "deprecated", "--capture", tmp_path / "wire")
    assert xds("update", "--entry-uuid", uuid, *options).code == 0
    assert len(list((tmp_path / "wire").glob("*-request.http"))) == 1
    assert status_of(xds, unique_id) == "Deprecated"


def test_a_new_title_is_a_new_version(xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "title.pdf")
    before = entry(xds, unique_id)
    result = xds("update", "--unique-id", unique_id, "--title", "Mieux dit")
    assert result.code == 0, result
    found = xds("query", "--unique-id", unique_id).json()["entries"]
    latest = max(found, key=lambda one: int(one["version"].partition(".")[0]))
    assert (latest["title"], latest["logicalId"]) == ("Mieux dit", before["logicalId"])
    assert (latest["hash"], latest["size"]) == (before["hash"], before["size"])


def test_what_follows_a_new_version_is_about_the_latest(xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "twice.pdf")
    for title in ("Deux", "Trois"):
        assert xds("update", "--unique-id", unique_id, "--title", title).code == 0
    assert xds("update", "--unique-id", unique_id, "--patient", PATIENT, "--delete").code == 0
    found = xds("query", "--unique-id", unique_id).json()["entries"]
    assert max(found, key=lambda one: int(one["version"]))["title"] == "Trois"
    assert xds("retrieve", "--unique-id", unique_id, "--to", tmp_path / "in").code == 0


def test_confidentiality_is_replaced_as_a_whole(xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "masked.pdf")
    result = xds("update", "--unique-id", unique_id, "--confidentiality", "R^Restricted^2.16.840.1.113883.5.25")
    assert result.code == 0, result
    versions = xds("query", "--unique-id", unique_id).json()["entries"]
    assert ["R"] in [[code["code"] for code in one["confidentiality"]] for one in versions]


PARAMETERS: dict[str, tuple[object, ...]] = {
    "FindDocuments": ("--patient", PATIENT, "--status", "approved", "--type", "34112-3^^2.16.840.1.113883.6.1"),
    "FindSubmissionSets": ("--patient", PATIENT, "--from", "2020"),
    "FindFolders": ("--patient", PATIENT),
    "GetAll": ("--patient", PATIENT, "--status", "approved", "--status", "deprecated"),
    "GetDocuments": ("--unique-id", "{document}"),
    "GetFolders": ("--unique-id", "1.2.3"),
    "GetAssociations": ("--uuid", "{uuid}"),
    "GetDocumentsAndAssociations": ("--entry-uuid", "{uuid}"),
    "GetSubmissionSets": ("--uuid", "{uuid}"),
    "GetSubmissionSetAndContents": ("--unique-id", "{set}"),
    "GetFolderAndContents": ("--unique-id", "1.2.3"),
    "GetFoldersForDocument": ("--unique-id", "{document}"),
    "GetRelatedDocuments": ("--unique-id", "{document}", "--association", "HasMember"),
    "FindDocumentsByReferenceId": ("--patient", PATIENT, "--reference", "A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:order"),
}
EMPTY = {"FindFolders", "GetFolders", "GetFolderAndContents", "GetFoldersForDocument", "GetRelatedDocuments"}
"""Nothing to find: no test of ours makes a folder, and a lone document has no relation."""


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    return {}


@pytest.mark.parametrize("name", [query.__name__ for query in QUERIES])
def test_each_stored_query_is_answered(xds: Run, tmp_path: Path, documents: dict[str, str], name: str) -> None:
    if not documents:
        meta = ("--meta", "referenceIdList=A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:order")
        (tmp_path / "metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
        (tmp_path / "known.pdf").write_bytes(PDF)
        described = ("--patient", PATIENT, "--metadata", tmp_path / "metadata.json", *meta)
        made = xds("submit", tmp_path / "known.pdf", *described).json()
        documents |= {"document": made["uniqueIds"][0], "set": made["setId"]}
        documents["uuid"] = entry(xds, documents["document"])["entryUuid"]
    options = [str(option).format(**documents) for option in PARAMETERS[name]]
    result = xds("query", "--query", name, *options)
    assert result.code == 0, result
    found = result.json()
    assert found["status"].endswith("Success")
    assert any(found.get(kind) for kind in ("entries", "submissionSets", "associations")) == (name not in EMPTY)
    references = xds("query", "--query", name, *options, "--object-ref").json()
    assert bool(references.get("references")) == (name not in EMPTY)
    assert "entries" not in references


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_refusal_of_the_registry_is_told_whole(xds: Run, tmp_path: Path) -> None:
    unknown = "999999999999999^^^&1.2.250.1.213.1.4.10&ISO"
    (tmp_path / "metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    (tmp_path / "a.pdf").write_bytes(PDF)
    result = xds("submit", tmp_path / "a.pdf", "--patient", unknown, "--metadata", tmp_path / "metadata.json")
    assert result.code == 1
    assert result.json()["errors"][0]["code"] == "XDSUnknownPatientId"


def test_what_our_own_rules_refuse_does_not_leave(xds: Run, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    result = xds("submit", tmp_path / "a.pdf", "--patient", PATIENT, "--capture", tmp_path / "wire")
    assert (result.code, result.json()["outcome"]) == (1, "not sent")
    assert {finding["rule"] for finding in result.json()["findings"]} >= {"D-20"}
    assert list((tmp_path / "wire").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("query", "--query", "FindNothing"), "--query"),
        (("query", "--patient", "x^^^CHU"), "--patient"),
        (("query", "--query", "GetAll"), "$patientId"),
        (("query", "--patient", PATIENT, "--param", "status"), "--param"),
        (("query", "--query", "GetFolders", "--association", "RPLC", "--unique-id", "1.2"), "…$AssociationTypes"),
        (("update", "--unique-id", "1.2.3.404", "--delete"), "1.2.3.404"),
        (("submit", LETTER, "--patient", PATIENT, "--meta", "colour=red"), "metadata"),
        (("submit", LETTER, "--patient", PATIENT, "--meta", "classCode=10"), "metadata"),
    ],
)
def test_wrong_arguments_are_named(xds: Run, arguments: tuple[object, ...], name: str) -> None:
    result = xds(*arguments)
    assert result.code == 2
    assert f"name: {name}" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("update", "--unique-id", "1.2"),
        ("update", "--unique-id", "1.2", "--delete", "--title", "x"),
        ("update", "--delete"),
    ],
)
def test_an_update_is_one_change_of_one_document(xds: Run, arguments: tuple[object, ...]) -> None:
    assert xds(*arguments).code == 2


def test_a_domain_nobody_knows_is_named(run: Run, settings: Path) -> None:
    result = run("xds", "query", "--domain", "nowhere", "--settings", settings, "--patient", PATIENT)
    assert result.code == 2
    assert "allowed: region, dmp" in result.err


def test_a_registry_that_is_not_there(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "domains.toml"
    file.write_text(
        '[domains.gone]\nsource_id = "1.2.3"\ninsecure = true\nregistry = "http://127.0.0.1:9/x"\n', encoding="utf-8"
    )
    result = run("xds", "query", "--domain", "gone", "--settings", file, "--patient", PATIENT, "--json")
    assert (result.code, result.json()["outcome"]) == (3, "not sent")


def test_people_get_tables(run: Run, settings: Path, xds: Run, tmp_path: Path) -> None:
    unique_id = submitted(xds, tmp_path, "table.pdf")
    common = ("--domain", "region", "--settings", settings)
    assert unique_id in run("xds", "query", "--unique-id", unique_id, *common).out
    got = run("xds", "retrieve", "--unique-id", unique_id, "--to", tmp_path / "in", *common)
    assert "verified" in got.out
    assert "accepted" in run("xds", "update", "--unique-id", unique_id, "--delete", *common).out
    assert "D-37 NewStatus" in run("xds", "update", "--unique-id", unique_id, "--delete", *common).err


def test_the_examples_of_the_documentation_are_good_ones(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "domains.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "domains.toml").write_text(toml, encoding="utf-8")
    assert list(load_domains(tmp_path / "domains.toml")) == ["region", "bench"]
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    described = for_file(json.loads(example), tmp_path / "scan.pdf", {})
    assert set(described) | {"submissionSet"} == set(json.loads(example))
    for query in QUERIES:
        assert query.__name__ in text
