"""`connector check`: each kind of file recognised, and what is wrong in it named by its rule and its field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.resources import resource_dir
from connector.cli.check_files import Checker, kind_of
from connector.dmp.config import DmpConfig
from connector.flows.config import IntakeConfig
from connector.kit.config import GateConfig
from connector.kit.gate import open_gate
from tests.cda.letters import wrapped
from tests.cli.conftest import Run
from tests.e2e.messages import edit, sample

SAMPLES = resource_dir("samples")
LETTER = SAMPLES / "lettre-de-liaison-niveau-1.xml"


def write(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def findings(run: Run, file: Path, *options: object) -> list[dict[str, str]]:
    report: dict[str, Any] = run("check", file, "--json", *options).json()
    found: list[dict[str, str]] = report[file.name]
    return found


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"MSH|^~\\&|A", "hl7"),
        (b"\xef\xbb\xbf\x0bMSH|^~\\&|A", "hl7"),
        (b'<?xml version="1.0"?>\n<!-- un commentaire -->\n<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "cda"),
        (b'\xef\xbb\xbf<h:ClinicalDocument xmlns:h="urn:hl7-org:v3"/>', "cda"),
        ("<ClinicalDocument/>".encode("utf-16"), "cda"),
        (b'<!-- <a> --><?x <b> ?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "cda"),
        (b'<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>', "cda"),
        (b"<xds:ProvideAndRegisterDocumentSetRequest/>", "xds"),
        (b"--boundary\r\nContent-Type: text/xml", "xds"),
        (b"MIME-Version: 1.0\r\n", "xds"),
        (b"", "unknown"),
        (b"%PDF-1.4", "pdf"),
        (b"junk before\n%PDF-1.4", "pdf"),
        (b" " * 2000 + b"%PDF-1.4", "unknown"),
    ],
)
def test_what_a_file_is(raw: bytes, kind: str) -> None:
    assert kind_of(raw) == kind


@given(st.binary(max_size=100))
def test_any_bytes_are_of_some_kind(raw: bytes) -> None:
    assert kind_of(raw) in ("hl7", "cda", "xds", "unknown")


def test_a_good_letter_has_nothing_wrong(run: Run) -> None:
    result = run("check", LETTER)
    assert result.code == 0, result.out
    assert "ok" in result.out
    assert "contrôles de structure" in result.out


def test_a_letter_without_the_kit_is_not_said_to_be_right(run: Run) -> None:
    told = run("check", LETTER).out
    assert "ok sans le kit officiel" in told
    assert "ni le schéma ni les schématrons" in told
    assert "sans le kit" not in run("check", SAMPLES / "adt-a01-admission.er7").out


def test_a_letter_that_presents_itself_is_a_document(run: Run, tmp_path: Path) -> None:
    letter = LETTER.read_text(encoding="utf-8")
    file = write(tmp_path, "letter.xml", wrapped(letter[letter.index("<ClinicalDocument") :]))
    assert run("check", file, "--json", "--metadata").json()[file.name]["kind"] == "CDA"
    assert [one["rule"] for one in findings(run, file) if one["severity"] == "error"] == []


def test_a_stylesheet_that_carries_no_document(run: Run, tmp_path: Path) -> None:
    empty = b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    assert "CDA-03" in [one["rule"] for one in findings(run, write(tmp_path, "sheet.xml", empty))]


def test_the_official_documents_that_present_themselves(run: Run, official_data: Path) -> None:
    files = sorted((official_data / "cisis-data" / "examples").glob("*Auto-Presentable*.xml"))
    assert len(files) == 2
    for file in files:
        assert [one for one in findings(run, file) if one["severity"] == "error"] == [], file.name


def test_a_message_and_its_document_side_by_side(run: Run) -> None:
    (found,) = [one for one in findings(run, SAMPLES / "mdm-t02-autre-patient.er7") if one["severity"] == "error"]
    assert (found["rule"], found["code"], found["field"]) == ("ACK-207", "207/904", "PID^1^3^2")


def test_nothing_is_told_twice(run: Run) -> None:
    for name in ("mdm-t02-sans-ins", "mdm-t02-ordre-incoherent", "mdm-t02-pas-un-cda"):
        found = findings(run, SAMPLES / f"{name}.er7")
        texts = [finding["text"] for finding in found]
        assert len(texts) == len(set(texts)), name
        assert [finding for finding in found if finding["severity"] == "error"], name


def test_a_document_in_a_message_is_named(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "m.er7", edit_cda("<title>Lettre de liaison à la sortie</title>", ""))
    found = [one for one in findings(run, file) if "title" in one["field"]]
    assert found
    assert all(one["field"].startswith("OBX-5 (document 1) ") for one in found)


def test_a_document_that_is_not_for_the_dmp_has_no_metadata(run: Run, tmp_path: Path) -> None:
    raw = sample("mdm-t02-lettre-de-liaison")
    flag = next(n for n, line in enumerate(obx_of(raw), 1) if "DESTDMP" in line)
    file = write(tmp_path, "m.er7", edit(raw, f"OBX[{flag}]-5", "N^^expandedYes-NoIndicator").encode())
    report = run("check", file, "--json", "--metadata").json()[file.name]
    assert report["metadata"] == []


def test_a_letter_without_ins(run: Run, tmp_path: Path) -> None:
    letter = LETTER.read_bytes().replace(b"1.2.250.1.213.1.4.10", b"1.2.3.4")
    found = findings(run, write(tmp_path, "letter.xml", letter))
    assert [one["rule"] for one in found if one["severity"] == "error"] == ["CDA-50"]


def test_a_type_the_dmp_does_not_take(run: Run, tmp_path: Path) -> None:
    letter = LETTER.read_bytes().replace(b'code="11490-0"', b'code="00000-0"')
    found = findings(run, write(tmp_path, "letter.xml", letter))
    assert [one for one in found if one["severity"] == "error" and "00000-0" in one["found"]]


def test_a_cda_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    found = findings(run, write(tmp_path, "letter.xml", b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>'))
    assert "CDA-HEADER" in [one["rule"] for one in found]


def test_the_metadata_that_would_be_made(run: Run) -> None:
    report = run("check", LETTER, "--json", "--metadata").json()[LETTER.name]
    assert report["kind"] == "CDA"
    (entry,) = report["metadata"]
    assert entry["type_code"]["code"] == "11490-0"
    assert entry["patient_id"] == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert "Document01" not in str(entry)
    assert "type_code" in run("check", LETTER, "--metadata").out
    assert "279035121518989" not in run("check", LETTER).out


def test_the_profile_changes_the_forms(run: Run) -> None:
    report = run("check", LETTER, "--json", "--metadata", "--profile", "ihe").json()[LETTER.name]
    assert report["metadata"][0]["patient_id"] == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"


def test_with_the_agency_s_kit(run: Run, cda_kit: Path) -> None:
    report = run("check", LETTER, "--json", "--metadata", "--kit", cda_kit).json()[LETTER.name]
    assert len(report["suites"]) > 1


REQUESTS = resource_dir("samples").parent / "tests" / "rules" / "samples"


@pytest.mark.parametrize(("name", "profile"), [("iti41-dmp", "dmp"), ("iti41-ihe", "ihe"), ("iti18-dmp", "dmp")])
def test_a_good_request_has_nothing_wrong(run: Run, name: str, profile: str) -> None:
    assert findings(run, REQUESTS / f"{name}.xml", "--profile", profile) == []


def test_a_request_is_judged_by_the_rules_of_its_profile(run: Run, tmp_path: Path) -> None:
    assert "DMP-02" in [one["rule"] for one in findings(run, REQUESTS / "iti41-ihe.xml", "--profile", "dmp")]
    request = (REQUESTS / "iti41-dmp.xml").read_bytes()
    wrong = write(tmp_path, "request.xml", request.replace(b">20261110080000<", b">hier<"))
    found = [one for one in findings(run, wrong) if one["severity"] == "error"]
    assert found
    assert all(one["rule"] and one["field"] and one["reference"] for one in found)
    assert "hier" in [one["found"] for one in found]
    assert run("check", wrong).code == 1


def test_a_captured_multipart_request(run: Run, tmp_path: Path) -> None:
    request = (REQUESTS / "iti41-dmp.xml").read_bytes()
    body = b"\r\n".join(
        [
            b"--limit",
            b'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"',
            b"Content-ID: <root>",
            b"",
            request,
            b"--limit--",
            b"",
        ]
    )
    # its documents are missing: that is found, and nothing crashes
    report = run("check", write(tmp_path, "request.body", body), "--json", "--metadata").json()["request.body"]
    assert report["kind"] == "ITI-41"
    assert report["findings"]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with open_gate(GateConfig()) as gate:
        dmp = DmpConfig("https://localhost", "2.25.0", "connector", "2.25.0", "test")
        yield Checker(IntakeConfig(), dmp, gate, date(2026, 11, 22))


SOURCES = [LETTER.read_bytes(), sample("mdm-t02-lettre-de-liaison").encode(), sample("adt-a01-admission").encode()]
SOURCES += [(REQUESTS / f"{name}.xml").read_bytes() for name in ("iti41-dmp", "iti18-dmp", "answer-43")]


@given(st.sampled_from(SOURCES), st.integers(0, 20_000), st.integers(0, 40), st.binary(max_size=8))
def test_a_damaged_file_is_told_not_raised(checker: Checker, source: bytes, at: int, length: int, put: bytes) -> None:
    place = at % len(source)
    checked = checker.check(source[:place] + put + source[place + length :])
    assert checked.kind
    assert not any("279035121518989" in finding.found + finding.text for finding in checked.findings)


def test_two_files_of_one_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first, second = write(tmp_path, "m.xml", LETTER.read_bytes()), write(tmp_path / "a", "m.xml", b"rien")
    report = run("check", first, second, "--json").json()
    assert set(report) == {str(first), str(second)}
    assert report[str(second)][0]["rule"] == "CHECK-KIND"


def obx_of(raw: str) -> list[str]:
    return [line for line in raw.split("\r") if line.startswith("OBX")]


def edit_cda(old: str, new: str) -> bytes:
    """The sample letter's message, its document changed."""
    from base64 import b64decode, b64encode

    raw = sample("mdm-t02-lettre-de-liaison")
    encoded = next(line for line in obx_of(raw) if "|ED|" in line).split("|")[5].split("^")[4]
    content = b64decode(encoded).decode()
    assert old in content
    return raw.replace(encoded, b64encode(content.replace(old, new).encode()).decode()).encode()


def test_the_table_says_each_thing_once(run: Run, tmp_path: Path) -> None:
    sample_file = Path(__file__).parents[1] / "rules" / "samples" / "iti57-status-dmp.xml"
    status = "urn:asip:ci-sis:2010:StatusType:Deleted"
    assert sample_file.read_text(encoding="utf-8").count(status) == 1
    file = write(tmp_path, "change.xml", sample_file.read_bytes().replace(status.encode(), b"urn:test:gone"))
    result = run("check", file)
    assert result.code == 1
    # the rule is named once more, where it is written
    shown = result.out.replace("ihe-rules D.2 D-37", "ihe-rules")
    for told in ("D-37", "urn:test:gone", "NewStatus", "exactement un statut connu", "ihe-rules"):
        assert shown.count(told) == 1, shown
    assert "Le changement d'état demandé n'est pas recevable." in shown
