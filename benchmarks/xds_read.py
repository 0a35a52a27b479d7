"""Reading a 500-document ITI-18 answer, beside the cheapest honest reading: lxml, and the same values into dicts.

`run()["ratio"]` is the median over rounds of ours / floor, both parsed from bytes in the same round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from lxml import etree

from connector.base.ns import QUERY, RIM, q
from connector.xds.iti18 import parse_answer
from connector.xds.model import APPROVED, STATUS_SUCCESS, Author, Code, DocumentEntry, QueryAnswer
from connector.xds.slots import new_ids
from connector.xds.writer import REGISTRY_OBJECT_LIST, add_entry

DOCUMENTS = 500
PERSON = "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"

_SLOT, _VALUE = q(RIM, "Slot"), q(RIM, "Value")
_NAME, _DESCRIPTION, _VERSION = q(RIM, "Name"), q(RIM, "Description"), q(RIM, "VersionInfo")
_CLASSIFICATION, _IDENTIFIER = q(RIM, "Classification"), q(RIM, "ExternalIdentifier")


def answer(documents: int = DOCUMENTS) -> bytes:
    """An AdhocQueryResponse of letters that differ by their identifiers."""
    root = etree.Element(q(QUERY, "AdhocQueryResponse"), status=STATUS_SUCCESS, nsmap={"query": QUERY, "rim": RIM})
    listing = etree.SubElement(root, REGISTRY_OBJECT_LIST)
    ids = new_ids()
    for number in range(documents):
        add_entry(listing, _entry(number), ids)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _entry(number: int) -> DocumentEntry:
    return DocumentEntry(
        entry_uuid=f"urn:uuid:9f1c0a52-3d0e-4b4f-9a2a-{number:012d}",
        unique_id=f"1.2.250.1.999.1.1.{number}",
        patient_id=PATIENT,
        mime_type="text/xml",
        class_code=Code("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
        type_code=Code("11490-0", "2.16.840.1.113883.6.1", "Lettre de liaison à la sortie"),
        format_code=Code("urn:asip:ci-sis:ldl-ses:2017", "1.2.250.1.213.1.1.4.2.282", "LDL-SES"),
        facility_type=Code("SA01", "1.2.250.1.71.4.2.4", "Etablissement public de santé"),
        practice_setting=Code("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Etablissement de santé"),
        confidentiality=(Code("N", "2.16.840.1.113883.5.25", "Normal"),),
        creation_time="20260110083000",
        language="fr-FR",
        source_patient_id="000003^^^&1.2.250.1.999.5&ISO^PI",
        title="Lettre de liaison à la sortie",
        authors=(
            Author(
                PERSON,
                ("Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1120456789",),
                (),
                ("G15_10/SM26^Médecin^1.2.250.1.213.1.1.4.5",),
            ),
        ),
        legal_authenticator=PERSON,
        event_codes=(Code("IMP", "2.16.840.1.113883.5.4", "Hospitalisation"),),
        service_start="20260105070000",
        service_stop="20260110080000",
        source_patient_info=("PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F"),
        hash=f"{number:040x}",
        size=10_000 + number,
        repository_id="1.2.250.1.213.4.1.1.1.2",
        logical_id=f"urn:uuid:1c2d3e4f-0000-4000-8000-{number:012d}",
        version="1",
        status=APPROVED,
    )


def ours(data: bytes) -> QueryAnswer:
    return parse_answer(etree.fromstring(data))


def floor(data: bytes) -> list[dict[str, Any]]:
    """The same values, in dicts: what one would write without a model."""
    documents = []
    for node in etree.fromstring(data)[0]:
        found: dict[str, Any] = {str(name): value for name, value in node.attrib.items()}
        for child in node:
            tag = child.tag
            if tag == _SLOT:
                found[str(child.get("name"))] = _values(child)
            elif tag == _CLASSIFICATION:
                found.setdefault(str(child.get("classificationScheme")), []).append(_classified(child))
            elif tag == _IDENTIFIER:
                found[str(child.get("identificationScheme"))] = child.get("value")
            elif tag in (_NAME, _DESCRIPTION):
                found[tag] = child[0].get("value")
            elif tag == _VERSION:
                found[tag] = child.get("versionName")
        documents.append(found)
    return documents


def _values(slot: etree._Element) -> list[str]:
    return [value.text or "" for value in slot[0]]


def _classified(node: etree._Element) -> dict[str, Any]:
    code: dict[str, Any] = {"code": node.get("nodeRepresentation")}
    for child in node:
        if child.tag == _SLOT:
            code[str(child.get("name"))] = _values(child)
        else:
            code["display"] = child[0].get("value")
    return code


def run(rounds: int = 9) -> dict[str, float]:
    """Milliseconds per answer of both, and the median ratio; measured in alternation."""
    data = answer()
    mine, plain = [], []
    for _ in range(rounds):
        plain.append(_milliseconds(lambda: floor(data)))
        mine.append(_milliseconds(lambda: ours(data)))
    return {
        "read_ms": statistics.median(mine),
        "floor_ms": statistics.median(plain),
        "ratio": statistics.median(m / p for m, p in zip(mine, plain, strict=True)),
        "bytes": len(data),
    }


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name:10} {value:12.2f}")
