"""A message of each kind, wrong in one thing: the sender is told what, where, and under which code (§1.4, §5)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from connector.cli.demo_letters import LETTER_ID
from connector.simulator.config import SimConfig
from tests.e2e.harness import Site
from tests.e2e.messages import NESSI, edit, insert, oru, sample, without

Change = Callable[[str], str]


class Row(NamedTuple):
    """One change of one message, and the first ERR that must come back."""

    name: str
    kind: str
    change: Change
    ack: str
    location: str
    code: str
    application: str = ""


def put(path: str, value: str) -> Change:
    return lambda message: edit(message, path, value)


def drop(segment: str) -> Change:
    return lambda message: without(message, segment)


def cda(old: str, new: str) -> Change:
    """The document itself changed, under its base64."""

    def change(message: str) -> str:
        line = next(line for line in message.split("\r") if line.startswith("OBX|1|"))
        encoded = line.split("|")[5].split("^")[4]
        content = base64.b64decode(encoded).decode()
        assert old in content
        return message.replace(encoded, base64.b64encode(content.replace(old, new).encode()).decode())

    return change


def payload(content: bytes) -> Change:
    return put("OBX[1]-5", f"^TEXT^XML^Base64^{base64.b64encode(content).decode()}")


def add(after: str, segment: str) -> Change:
    return lambda message: insert(message, after, segment)


IPP_ALONE = "000003^^^CHU-X&000897406&N^PI"
OTHER_INS = f"{IPP_ALONE}~{NESSI}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
YES = "Y^^expandedYes-NoIndicator"

ADT = [
    Row("no PID", "ADT", drop("PID"), "AE", "PID^1", "100"),
    Row("no EVN", "ADT", drop("EVN"), "AE", "EVN^1", "100"),
    Row("no PV1", "ADT", drop("PV1"), "AE", "PV1^1", "100"),
    Row("no ZBE", "ADT", drop("ZBE"), "AE", "ZBE^1", "100"),
    Row("unknown event", "ADT", put("MSH-9", "ADT^Z12^ADT_A01"), "AR", "MSH^1^9^1^2", "201"),
    Row("unknown type", "ADT", put("MSH-9", "QRY^A01"), "AR", "MSH^1^9^1^1", "200"),
    Row("no type", "ADT", put("MSH-9", ""), "AE", "MSH^1^9", "101"),
    Row("no control id", "ADT", put("MSH-10", ""), "AE", "MSH^1^10", "101"),
    Row("no processing id", "ADT", put("MSH-11", ""), "AE", "MSH^1^11", "101"),
    Row("processing id X", "ADT", put("MSH-11", "X"), "AE", "MSH^1^11", "202"),
    Row("no version", "ADT", put("MSH-12", ""), "AE", "MSH^1^12", "101"),
    Row("version 2.3", "ADT", put("MSH-12", "2.3"), "AE", "MSH^1^12", "203"),
]
DOCUMENT = [
    Row("no PID", "MDM", drop("PID"), "AE", "PID^1", "100"),
    Row("no PV1", "MDM", drop("PV1"), "AE", "PV1^1", "100"),
    Row("no OBR", "MDM", drop("OBR"), "AE", "OBR^1", "100"),
    Row("no ORC", "MDM", drop("ORC"), "AE", "ORC^1", "100"),
    Row("no document", "MDM", drop("OBX|1|"), "AE", "OBX^1", "100"),
    Row("processing id X", "MDM", put("MSH-11", "X"), "AE", "MSH^1^11", "202"),
    Row("version 2.3", "MDM", put("MSH-12", "2.3"), "AE", "MSH^1^12", "203"),
    Row("LPS volet", "MDM", put("MSH-21", "2.1^CISIS_CDA_HL7_LPS"), "AE", "MSH^1^21", "207", "906"),
    Row("no patient id", "MDM", put("PID-3", ""), "AE", "PID^1^3", "101"),
    Row("no INS", "MDM", put("PID-3", IPP_ALONE), "AE", "PID^1^3", "207", "903"),
    Row("no name", "MDM", put("PID-5", ""), "AE", "PID^1^5", "101"),
    Row("no birth name", "MDM", put("PID-5", "^DOMINIQUE^DOMINIQUE^^^^L"), "AE", "PID^1^5", "101"),
    Row("no first name", "MDM", put("PID-5", "PAT-TROIS^^^^^^L"), "AE", "PID^1^5^1^2", "207", "905"),
    Row("no birth date", "MDM", put("PID-7", ""), "AE", "PID^1^7", "207", "905"),
    Row("no sex", "MDM", put("PID-8", ""), "AE", "PID^1^8", "207", "905"),
    Row("no birth place", "MDM", put("PID-11", ""), "AE", "PID^1^11", "207", "905"),
    Row("another INS", "MDM", put("PID-3", OTHER_INS), "AE", "PID^1^3^2", "207", "904"),
    Row("another patient inside", "MDM", cda("279035121518989", NESSI), "AE", "PID^1^3^2", "207", "904"),
    Row("no class", "MDM", put("PV1-2", ""), "AE", "PV1^1^2", "101"),
    Row("no action", "MDM", put("ORC-1", ""), "AE", "ORC^1^1", "101"),
    Row("another action in ORC", "MDM", put("ORC-1", "CA"), "AE", "ORC^1^1", "207", "906"),
    Row("another action in OBX", "MDM", put("OBX[1]-11", "D"), "AE", "ORC^1^1", "207", "906"),
    Row("no type in OBR", "MDM", put("OBR-4", ""), "AE", "OBR^1^4", "101"),
    Row("no type in OBX", "MDM", put("OBX[1]-3", ""), "AE", "OBX^1^3", "101"),
    Row("two types", "MDM", put("OBR-4", "34133-9^Synthèse^LN"), "AE", "OBR^1^4", "207", "906"),
    Row(
        "a type the DMP does not know",
        "MDM",
        lambda m: m.replace("|11490-0^", "|99999-9^"),
        "AE",
        "OBR^1^4^1^1",
        "103",
    ),
    Row("empty document", "MDM", put("OBX[1]-5", "^TEXT^XML^Base64^"), "AE", "OBX^1^5^1^5", "101"),
    Row("not base64", "MDM", put("OBX[1]-5", "^TEXT^XML^Base64^<xml>"), "AE", "OBX^1^5^1^5", "102"),
    Row("a ZIP", "MDM", payload(b"PK\x03\x04archive"), "AE", "OBX^1^5^1^5", "102"),
    Row("a PDF", "MDM", payload(b"%PDF-1.7 pdf"), "AE", "OBX^1^5^1^5", "102"),
    Row("XML that is no CDA", "MDM", payload(b"<html/>"), "AE", "OBX^1^5^1^5", "102"),
    Row("a CDA without id", "MDM", cda(f'<id root="{LETTER_ID}"/>', ""), "AE", "OBX^1^5^1^5", "102"),
    Row("no sender", "MDM", drop("PRT"), "AE", "PRT^1", "101"),
    Row("no destination", "MDM", drop("OBX|7|"), "AE", "OBX^1", "101"),
    Row("destination empty", "MDM", put("OBX[7]-5", ""), "AE", "OBX^7^5", "101"),
    Row("destination unreadable", "MDM", put("OBX[7]-5", "PEUT-ETRE"), "AE", "OBX^7^5^1^1", "103"),
    Row("switch unreadable", "MDM", put("OBX[2]-5", "X"), "AE", "OBX^2^5^1^1", "103"),
    Row(
        "switch said twice",
        "MDM",
        add("OBX|2|", f"OBX|12|CWE|MASQUE_PS^^MetaDMPMSS||{YES}||||||F"),
        "AE",
        "OBX^3^3",
        "198",
    ),
    Row("mail alone", "MDM", lambda m: edit(edit(m, "OBX[7]-5", "N"), "OBX[8]-5", "Y"), "AE", "OBX^8^5", "207", "906"),
]
MDM = [
    *DOCUMENT,
    Row("no EVN", "MDM", drop("EVN"), "AE", "EVN^1", "100"),
    Row("no TXA", "MDM", drop("TXA"), "AE", "TXA^1", "100"),
    Row("no document id", "MDM", put("TXA-12", ""), "AE", "TXA^1^12", "101"),
    Row("another event", "MDM", put("MSH-9", "MDM^T10^MDM_T02"), "AE", "ORC^1^1", "207", "906"),
    Row("event not served", "MDM", put("MSH-9", "MDM^T01^MDM_T01"), "AR", "MSH^1^9^1^2", "201"),
]
ORU = [
    *(row._replace(kind="ORU") for row in DOCUMENT),
    Row("event not served", "ORU", put("MSH-9", "ORU^R30^ORU_R30"), "AR", "MSH^1^9^1^2", "201"),
]
ROWS = [*ADT, *MDM, *ORU]
GOOD: dict[str, Callable[[], str]] = {
    "ADT": lambda: sample("adt-a01-admission"),
    "MDM": lambda: sample("mdm-t02-lettre-de-liaison"),
    "ORU": oru,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("mutations")
    with Site(folder, SimConfig(folder=folder / "simulator", pki_folder=pki_folder)) as one:
        yield one


@pytest.mark.parametrize("kind", GOOD)
def test_the_unchanged_message_is_accepted(site: Site, kind: str) -> None:
    ack = site.send(GOOD[kind]().encode())
    assert (ack.code, ack.errors) == ("AA", ())


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.kind}-{row.name}" for row in ROWS])
def test_one_change_is_told_by_its_place_and_code(site: Site, row: Row) -> None:
    good = GOOD[row.kind]()
    wrong = row.change(good)
    assert wrong != good
    ack = site.send(wrong.encode())
    assert ack.errors, ack
    error = ack.errors[0]
    assert (ack.code, error.location, error.code, error.app_code) == (
        row.ack,
        row.location,
        row.code,
        row.application,
    ), ack.errors
    said = error.app_text or error.text
    assert said
    assert NESSI not in said


def test_nothing_refused_became_a_delivery(site: Site) -> None:
    refused = "SELECT count(*) FROM delivery d JOIN message m ON m.id = d.message_id WHERE m.verdict = 'refused'"
    assert site.query(refused) == [(0,)]
    assert site.query("SELECT count(*) FROM message WHERE verdict = 'refused'")[0][0] >= 25


UNREADABLE = {
    "not HL7": b"bonjour",
    "cut header": b"MSH|^~",
    "a batch": b"FHS|^~\\&|GAM\rBHS|^~\\&|GAM\rMSH|^~\\&|GAM|CHU-X|||||ADT^A01|1|T|2.5\r",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_message_is_answered_all_the_same(site: Site, name: str) -> None:
    ack = site.send(UNREADABLE[name])
    assert ack.code in ("AE", "AR")
    assert ack.errors


def test_bytes_outside_the_declared_character_set_are_read_all_the_same(site: Site) -> None:
    message = sample("mdm-t02-lettre-de-liaison").encode().replace("Masqué".encode(), b"Masqu\xe9")
    ack = site.send(message)
    assert (ack.code, ack.errors) == ("AA", ())
