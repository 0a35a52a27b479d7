"""Every official example is read, and agrees with the agency's own header stylesheet where that one is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from connector.cda.header import read_header
from connector.cda.model import CdaHeader

TYPE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
SETTING = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
EVENT = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"


class Oracle:
    """The ExtrinsicObject that the stylesheet made of one example."""

    def __init__(self, file: Path) -> None:
        found = etree.parse(str(file)).find(".//{*}ExtrinsicObject")
        assert found is not None
        self.entry = found

    def slot(self, name: str) -> str:
        return (self.entry.findtext(f"{{*}}Slot[@name='{name}']//{{*}}Value") or "").strip()

    def codes(self, scheme: str) -> list[tuple[str, str]]:
        found = self.entry.findall(f"{{*}}Classification[@classificationScheme='{scheme}']")
        return [
            (str(c.get("nodeRepresentation")).strip(), (c.findtext(".//{*}Value") or "").strip())
            for c in found
            if c.get("nodeRepresentation")
        ]

    def title(self) -> str:
        name = self.entry.find("{*}Name/{*}LocalizedString")
        return " ".join(str(name.get("value")).split()) if name is not None else ""

    def unique_id(self) -> str:
        found = self.entry.find("{*}ExternalIdentifier[@id='uniqueId']")
        return str(found.get("value")) if found is not None else ""


def examples(data: Path) -> list[tuple[Path, CdaHeader, Oracle]]:
    folder = data / "cisis-data"
    return [
        (file, read_header(file.read_bytes()), Oracle(folder / "xdm-oracle" / file.name))
        for file in sorted((folder / "examples").glob("*.xml"))
        if (folder / "xdm-oracle" / file.name).is_file()
    ]


@pytest.fixture(scope="module")
def read(official_data: Path) -> list[tuple[Path, CdaHeader, Oracle]]:
    found = examples(official_data)
    assert len(found) >= 40
    return found


def test_scalar_attributes(read: list[tuple[Path, CdaHeader, Oracle]]) -> None:
    for file, header, oracle in read:
        ours = {
            "title": header.title,
            "creationTime": header.effective_time,
            "languageCode": header.language,
            "uniqueId": "^".join(part for part in (header.id.root, header.id.extension) if part),
            # The stylesheet joins the starts of every event, and stops with the first one.
            "serviceStartTime": " ".join(event.low for event in header.service_events if event.low),
            "serviceStopTime": header.service_events[0].high,
        }
        theirs = {
            "title": oracle.title(),
            "creationTime": oracle.slot("creationTime"),
            "languageCode": oracle.slot("languageCode"),
            "uniqueId": oracle.unique_id(),
            "serviceStartTime": oracle.slot("serviceStartTime"),
            "serviceStopTime": oracle.slot("serviceStopTime"),
        }
        assert ours == theirs, file.name


def test_coded_attributes(read: list[tuple[Path, CdaHeader, Oracle]]) -> None:
    for file, header, oracle in read:
        assert [(header.code.code, header.code.system)] == oracle.codes(TYPE), file.name
        assert header.facility is not None
        assert [(header.facility.code, header.facility.system)] == oracle.codes(FACILITY), file.name
        assert [(header.confidentiality.code, header.confidentiality.system)] == oracle.codes(CONFIDENTIALITY), (
            file.name
        )
        events = [(event.code.code, event.code.system) for event in header.service_events if event.code is not None]
        assert events == oracle.codes(EVENT), file.name
        if len(header.service_events) == 1:
            setting = header.service_events[0].setting
            assert setting is not None
            assert [(setting.code, setting.system)] == oracle.codes(SETTING), file.name


def test_every_example_has_a_qualified_patient(official_data: Path) -> None:
    files = sorted((official_data / "cisis-data" / "examples").glob("*.xml"))
    assert files
    for file in files:
        header = read_header(file.read_bytes())
        assert header.ins() is not None, file.name
        assert header.traits.missing() == (), file.name
        assert header.self_presenting == ("Auto-Presentable" in file.name)


def test_the_documents_beside_the_messages(official_data: Path) -> None:
    folder = official_data / "ans-messages"
    files = [file for file in folder.rglob("*") if file.suffix.lower() == ".xml" and "CDA" in file.name.upper()]
    assert files
    for file in files:
        assert read_header(file.read_bytes()).patient_ids, file.name
