"""Messages as hospitals really write them, over MLLP: each ends as the digest says (hl7v2-interface §5, §7, §9.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.e2e.harness import Site
from tests.e2e.messages import deletion, edit, insert, letter, successor, without
from tests.hl7_readers.variants import CONTENT, Dress, to_volet

RCT = (
    "PRT||UC||RCT^Results Copies To^participation|801234567897^Hoda^Adam^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^"
    "IDNPS||||||||||^^X.400^adam.hoda@test-ci-sis.mssante.fr"
)
PLAIN = Dress()
DRESSES = {
    "small tilde": Dress(delimiters="|^\u02dc\\&", end="\n"),
    "other field separator": Dress(delimiters="#^~\\&"),
    "every delimiter another": Dress(delimiters="!*;%$", end="\r\n"),
    "latin 9": Dress(declared="8859/15", codec="iso8859-15"),
    "latin 1": Dress(declared="8859/1", codec="iso8859-1", end="\n"),
    "declared UTF-8, written in latin 9": Dress(codec="iso8859-15"),
    "declared latin 9, written in UTF-8": Dress(declared="8859/15"),
    "five signs in MSH-2": Dress(delimiters="|^~\\&#"),
    "declared nothing": Dress(declared="", end="\r\n"),
    "byte order mark and blank lines": Dress(bom=True, before="\r\n", after="\n\n \n", end="\n"),
    "lines apart and indented": Dress(end="\r\r", between="  "),
}
_numbers = count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("variants")) as one:
        one.sample("adt-a01-admission.er7")
        yield one


def control_id() -> str:
    return f"VAR{next(_numbers):05d}"


def as_oru(message: bytes) -> bytes:
    """The letter of an MDM in an ORU^R01."""
    text = without(without(message.decode(), "EVN"), "TXA")
    return edit(edit(text, "MSH-9", "ORU^R01^ORU_R01"), "MSH-12", "2.5").replace("|CWE|", "|CE|").encode()


Carrier = Callable[[bytes], bytes]
CARRIERS: dict[str, Carrier] = {"MDM": lambda message: message, "ORU": as_oru}


def send(site: Site, text: str, dress: Dress = PLAIN) -> tuple[str, list[tuple[str, str, str]]]:
    """MSA-1 and (ERR-2, ERR-3, ERR-5) of the answer, which names the message it answers."""
    raw = dress(text)
    ack = site.send(raw)
    assert ack.control_id == re.findall("VAR[0-9]{5}", text)[0]
    return ack.code, [(error.location, error.code, error.app_code) for error in ack.errors]


def lives(site: Site, change: Callable[[str], str], dress: Dress, carrier: Carrier) -> None:
    """A letter, its replacement, the deletion of that one: each accepted in this form and done."""

    def step(message: bytes, document: str) -> None:
        assert send(site, change(carrier(message).decode().rstrip("\r")), dress) == ("AA", [])
        rest = site.wait_delivery(document)
        assert rest.state == "done", rest

    first, document = letter(control_id())
    step(insert(first.decode(), "PRT", RCT).encode(), document)
    assert site.accepted(document) == 1
    second, newer = successor(control_id(), document)
    step(second, newer)
    assert site.accepted(newer) == 1
    number = control_id()
    site.wait_delivery(newer, "done")
    assert send(site, change(carrier(deletion(number, second)).decode().rstrip("\r")), dress) == ("AA", [])
    lines = site.settled(number)
    assert {line.state_to for line in lines if line.state_to} >= {"done"}
    assert [row[0] for row in site.query("SELECT state FROM version WHERE unique_id = ?", newer)] == ["deleted"]


@pytest.mark.parametrize("variant", sorted(CONTENT))
def test_content_variants_are_published(site: Site, variant: str) -> None:
    message, document = letter(control_id())
    text = CONTENT[variant](insert(message.decode().rstrip("\r"), "PRT", RCT))
    assert send(site, text) == ("AA", [])
    assert site.wait_delivery(document).state == "done"
    assert site.accepted(document) == 1


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("dress", DRESSES)
def test_a_letter_lives_its_life_in_any_dress(site: Site, dress: str, carrier: str) -> None:
    lives(site, str, DRESSES[dress], CARRIERS[carrier])


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_a_letter_lives_its_life_in_an_older_volet(site: Site, version: str, carrier: str) -> None:
    lives(site, lambda text: to_volet(text, version), PLAIN, CARRIERS[carrier])


def _cut(text: str) -> str:
    """The base64 with one character too many, or three too few: no padding mends it."""
    return re.sub(r"(?<=\^Base64\^)[A-Za-z0-9+/]+=*", lambda found: found[0].rstrip("=")[:401], text, count=1)


REFUSED: dict[str, tuple[Callable[[str], str], str, list[tuple[str, str, str]]]] = {
    "2.1 with the order code of 2.0": (
        lambda m: edit(m, "ORC-1", "SC"), "AE", [("ORC^1^1", "207", "906")],
    ),
    "2.1 without ORC and OBR": (
        lambda m: without(without(m, "ORC"), "OBR"), "AE", [("ORC^1", "100", ""), ("OBR^1", "100", "")],
    ),
    "status of another action": (
        lambda m: edit(m, "OBX-11", "C"), "AE", [("ORC^1^1", "207", "906")],
    ),
    "event of another action in 2.0": (
        lambda m: to_volet(edit(m, "MSH-9", "MDM^T04^MDM_T02"), "2.0"), "AE", [("OBX^1^11", "207", "906")],
    ),
    "no status in 1.2": (
        lambda m: edit(to_volet(m, "1.2"), "OBX-11", ""), "AE", [("OBX^1^11", "101", "")],
    ),
    "cut base64": (_cut, "AE", [("OBX^1^5^1^5", "102", "")]),
    "words instead of a CDA": (
        lambda m: edit(m, "OBX-5", "^text^XML^Base64^RG9jdW1lbnQgYXUgZm9ybWF0IENEQQ=="),
        "AE", [("OBX^1^5^1^5", "102", "")],
    ),
    "no sender": (lambda m: without(m, "PRT"), "AE", [("PRT^1", "101", "")]),
    "sister volet": (
        lambda m: edit(m, "MSH-21", "1.1^CISIS_CDA_HL7_LPS"), "AE", [("MSH^1^21", "207", "906")],
    ),
    "HL7 2.3.1": (lambda m: edit(m, "MSH-12", "2.3.1"), "AE", [("MSH^1^12", "203", "")]),
    "the lab's OUL of 1.2": (lambda m: edit(m, "MSH-9", "OUL^R22^OUL_R22"), "AR", [("MSH^1^9^1^1", "200", "")]),
    "unknown event": (lambda m: edit(m, "MSH-9", "MDM^T01^MDM_T02"), "AR", [("MSH^1^9^1^2", "201", "")]),
    "no INS": (
        lambda m: edit(m, "PID-3", "000003^^^CHU-X&000897406&N^PI"), "AE", [("PID^1^3", "207", "903")],
    ),
    "another INS": (
        lambda m: m.replace("279035121518989", "277076322082910"), "AE", [("PID^1^3^2", "207", "904")],
    ),
    "no given name": (lambda m: edit(m, "PID-5", "PAT-TROIS^^^^^^L"), "AE", [("PID^1^5^1^2", "207", "905")]),
    "mail only": (
        lambda m: edit(edit(insert(m, "PRT", RCT), "OBX[7]-5", "N"), "OBX[8]-5", "Y"),
        "AE", [("OBX^8^5", "207", "906")],
    ),
    "mail only, nothing said of the DMP": (
        lambda m: edit(without(insert(m, "PRT", RCT), "OBX|7|"), "OBX[7]-5", "Y"),
        "AE", [("OBX^7^5", "207", "906")],
    ),
    "mail only, in small letters of 1.2": (
        lambda m: edit(edit(to_volet(m, "1.2"), "OBX[7]-5", "n"), "OBX[8]-5", "y"),
        "AE", [("OBX^8^5", "207", "906")],
    ),
    "mail to a patient who may not see it": (
        lambda m: edit(edit(m, "OBX[3]-5", "Y"), "OBX[9]-5", "Y"),
        "AE", [("OBX^9^5", "207", "906"), ("OBX^9^5", "207", "906")],
    ),
    "mail to nobody": (lambda m: edit(m, "OBX[8]-5", "Y"), "AE", [("OBX^8^5", "207", "906")]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_or_may_not_be_asked_is_refused(site: Site, name: str) -> None:
    change, code, errors = REFUSED[name]
    message, document = letter(control_id())
    assert send(site, change(message.decode().rstrip("\r"))) == (code, errors)
    assert site.query("SELECT count(*) FROM delivery WHERE document_id = ?", document) == [(0,)]


@pytest.mark.parametrize("declared", ["UNICODE UTF-16", "ISO IR87"])
def test_a_character_set_nobody_reads_is_refused_on_msh_18(site: Site, declared: str) -> None:
    message, _ = letter(control_id())
    assert send(site, message.decode().rstrip("\r"), Dress(declared=declared)) == ("AE", [("MSH^1^18", "103", "")])


def test_the_answer_is_in_the_set_of_the_request(site: Site) -> None:
    message, _ = letter(control_id())
    text = edit(message.decode().rstrip("\r"), "PV1-2", "")
    for declared, codec in (("8859/15", "iso8859-15"), ("UNICODE UTF-8", "utf-8")):
        (error,) = site.send(Dress(declared=declared, codec=codec)(text)).errors
        assert error.text == "champ obligatoire absent : classe du patient (PV1-2)"
