"""Our metadata against the agency's stylesheet output, for the attributes it gets right (cda-lettre-de-liaison §5)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connector.base.hl7time import xds_utc
from connector.cda.header import read_header
from connector.dmp.metadata import build_entry
from connector.dmp.rules import Draft, check
from connector.ins.model import MatriculeIns
from connector.xds.model import DocumentEntry
from tests.dmp.samples import CONFIG, FACTS

DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs" / "metadata.md"
FOLDERS = ("cisis-data/xdm-oracle", "cisis-data/examples")


def squeeze(text: str) -> str:
    return " ".join(text.split())


def slot(node: Any, name: str) -> list[str]:
    return [
        squeeze(v.text or "") for v in node.xpath(f"*[local-name()='Slot'][@name='{name}']//*[local-name()='Value']")
    ]


def coded(node: Any, scheme: str) -> list[tuple[str, str, str]]:
    path = f"*[local-name()='Classification'][@classificationScheme='urn:uuid:{scheme}']"
    return [
        (
            squeeze(c.get("nodeRepresentation", "")),
            "".join(slot(c, "codingScheme")),
            squeeze(c.xpath("string(*[local-name()='Name']/*/@value)")),
        )
        for c in node.xpath(path)
    ]


def times(node: Any, name: str) -> list[str]:
    """Every time the stylesheet writes, in UTC: it has those of each serviceEvent."""
    return [xds_utc(word) for value in slot(node, name) for word in value.split()]


def ours(code: Any) -> tuple[str, str, str]:
    return (squeeze(code.code), squeeze(code.scheme), squeeze(code.display))


def facts_of_oracle(node: Any) -> dict[str, Any]:
    legal = "".join(slot(node, "legalAuthenticator")).split("^")
    return {
        "title": squeeze(node.xpath("string(*[local-name()='Name']/*/@value)")),
        "unique_id": node.xpath("string(*[local-name()='ExternalIdentifier'][@id='uniqueId']/@value)"),
        "creation_time": times(node, "creationTime"),
        "language": slot(node, "languageCode"),
        "type": coded(node, "f0306f51-975f-434e-a61c-c59651d33983"),
        "facility": coded(node, "f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"),
        "setting": coded(node, "cccf5598-8b07-4b77-a05e-ae952c785ead"),
        "confidentiality": coded(node, "f4f85eac-e6cb-4883-b524-f2705394840f"),
        "events": coded(node, "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"),
        "start": times(node, "serviceStartTime"),
        "stop": times(node, "serviceStopTime"),
        "specialties": [squeeze(v) for v in node.xpath(
            "*[@classificationScheme='urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d']"
            "/*[@name='authorSpecialty']//*[local-name()='Value']/text()")],
        "legal": [squeeze(part) for part in legal[:3]],
        "mime_type": node.get("mimeType"),
    }  # fmt: skip


def facts_of_ours(entry: DocumentEntry) -> dict[str, Any]:
    return {
        "title": squeeze(entry.title),
        "unique_id": entry.unique_id,
        "creation_time": [entry.creation_time],
        "language": [entry.language],
        "type": [ours(entry.type_code)],
        "facility": [ours(entry.facility_type)],
        "setting": [ours(entry.practice_setting)],
        "confidentiality": [ours(code) for code in entry.confidentiality],
        "events": [ours(code) for code in entry.event_codes],
        "start": [entry.service_start],
        "stop": [entry.service_stop] if entry.service_stop else [],
        "specialties": [squeeze(s) for author in entry.authors for s in author.specialties],
        "legal": [squeeze(part) for part in entry.legal_authenticator.split("^")[:3]],
        "mime_type": entry.mime_type,
    }


@pytest.fixture(scope="module")
def pairs(official_data: Path) -> list[tuple[str, Any, bytes]]:
    oracle, examples = (official_data / folder for folder in FOLDERS)
    if not oracle.is_dir():
        pytest.skip(f"oracle absent: {oracle}")
    found = []
    for path in sorted(oracle.glob("*.xml")):
        root: Any = etree.parse(str(path)).getroot()
        (node,) = root.xpath("//*[local-name()='ExtrinsicObject']")
        found.append((path.name, node, (examples / path.name).read_bytes()))
    return found


def described(content: bytes) -> DocumentEntry:
    header = read_header(content)
    ins = header.ins() or MatriculeIns("279035121518989", "1.2.250.1.213.1.4.10")
    return build_entry(header, FACTS, ins, CONFIG, entry_uuid="Document01")


def documented() -> set[tuple[str, str]]:
    """(attribute, file) of each row of the table of differences."""
    text = DOCUMENTATION.read_text(encoding="utf-8")
    table = text.partition("## Differences from the agency's stylesheet")[2].partition("\n## ")[0]
    rows = [line.strip().strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    found = [(cells[0].strip(" `"), name) for cells in rows for name in re.findall(r"`([^`]+)`", cells[1])]
    assert all(cells[2].strip() for cells in rows), "each difference has its reason"
    assert len(found) == len(set(found)), "each difference is written once"
    return set(found)


def test_each_difference_is_written_with_its_reason_and_no_other(pairs: list[tuple[str, Any, bytes]]) -> None:
    differences: dict[tuple[str, str], tuple[object, object]] = {}
    compared = 0
    for name, node, content in pairs:
        theirs, mine = facts_of_oracle(node), facts_of_ours(described(content))
        assert theirs.keys() == mine.keys()
        compared += len(theirs)
        differences |= {(key, name): (theirs[key], mine[key]) for key in theirs if theirs[key] != mine[key]}
    assert set(differences) == documented()
    assert len(pairs) == 47
    assert compared == 47 * 14


def test_every_official_example_leaves_without_an_error(pairs: list[tuple[str, Any, bytes]]) -> None:
    """Test numbers have no key: only their form is looked at outside production."""
    for name, _, content in pairs:
        header = read_header(content)
        ins = header.ins() or MatriculeIns("279035121518989", "1.2.250.1.213.1.4.10")
        assert [f.rule for f in check(Draft(header, FACTS, ins, CONFIG)) if f.blocking] == [], name
