"""Each rule of an answer: one mistake, that rule alone; the tolerant lists only warn (ihe-rules D-53, D-63, D-93)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from connector.base.finding import Finding
from connector.base.ns import RIM, RS, XDSB, q
from connector.dmp.answer_rules import check_outcome
from connector.rules import names as n
from connector.rules.answers import (
    OUTCOME_RULES,
    REFUSED,
    RESULT_RULES,
    RETRIEVED_RULES,
    TOLERANT_OUTCOME_RULES,
    TOLERANT_RESULT_RULES,
    TOLERANT_RETRIEVED_RULES,
    Retrieved,
)
from connector.rules.case import Part, apply
from connector.simulator.request_reader import read_outcome, read_result, read_retrieved
from connector.xds.responses import parse_registry_response
from tests.rules.sample import OID, OTHER_INS, SAMPLES, SHA1, SIZE, set_slot

Change = Callable[[etree._Element], object]
PARTS = {"document@test": Part(SIZE, SHA1)}


def answer(number: int) -> etree._Element:
    return etree.fromstring((SAMPLES / f"answer-{number}.xml").read_bytes())


def judged(number: int, root: etree._Element, *, tolerant: bool = False) -> tuple[Finding, ...]:
    outcome, result, retrieved = (
        (TOLERANT_OUTCOME_RULES, TOLERANT_RESULT_RULES, TOLERANT_RETRIEVED_RULES)
        if tolerant
        else (OUTCOME_RULES, RESULT_RULES, RETRIEVED_RULES)
    )
    transaction = f"ITI-{number}"
    if number == 41:
        return apply(outcome, read_outcome(root, transaction))
    if number == 18:
        return apply(outcome, read_outcome(root, transaction)) + apply(result, read_result(root))
    response = root.find(q(RS, "RegistryResponse"))
    assert response is not None
    documents = (known(item) for item in read_retrieved(root, PARTS))
    return apply(outcome, read_outcome(response, transaction)) + tuple(
        found for item in documents for found in apply(retrieved, item)
    )


def known(item: Retrieved) -> Retrieved:
    return replace(item, known_hash=SHA1.upper(), known_size=str(SIZE))


def status(value: str) -> Change:
    return lambda root: next(item for item in root.iter() if item.get("status", "").startswith("urn:")).set(
        "status", value
    )


def error(name: str, value: str) -> Change:
    return lambda root: next(root.iter(q(RS, "RegistryError"))).set(name, value)


def entry(root: etree._Element) -> etree._Element:
    return next(root.iter(q(RIM, "ExtrinsicObject")))


def other_patient(root: etree._Element) -> None:
    found = next(item for item in entry(root) if item.get("identificationScheme") == n.DOC_PATIENT_ID)
    found.set("value", f"{OTHER_INS}^^^&{OID}&ISO^NH")


def field(name: str, value: str) -> Change:
    def change(root: etree._Element) -> None:
        found = root.find(f"{q(XDSB, 'DocumentResponse')}/{q(XDSB, name)}")
        assert found is not None
        found.text = value

    return change


def same_new_document(root: etree._Element) -> None:
    response = root.find(q(XDSB, "DocumentResponse"))
    assert response is not None
    etree.SubElement(response, q(XDSB, "NewDocumentUniqueId")).text = "2.25.1002"


def reference(root: etree._Element) -> None:
    listing = root.find(q(RIM, "RegistryObjectList"))
    assert listing is not None
    etree.SubElement(listing, q(RIM, "ObjectRef"), id="urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d03")


def other_part(root: etree._Element) -> None:
    include = next(root.iter("{http://www.w3.org/2004/08/xop/include}Include"))
    include.set("href", "cid:nothing")


ROWS: list[tuple[int, str, Change]] = [
    (41, "D-53a", status("urn:status:fine")),
    (41, "D-53b", error("severity", n.SEVERITY + "Error")),
    (41, "D-53c", status(n.FAILURE)),
    (41, "D-53d", status(n.PARTIAL_SUCCESS)),
    (41, "D-53e", error("errorCode", "")),
    (43, "D-53e", error("severity", "Grave")),
    (43, "D-63a", field("mimeType", "")),
    (43, "D-63a", field("RepositoryUniqueId", "")),
    (43, "D-63a", other_part),
    (43, "D-63b", same_new_document),
    (18, "D-93a", reference),
    (18, "D-93b", lambda root: entry(root).attrib.pop("lid")),
    (18, "D-93b", lambda root: entry(root).set("home", "somewhere")),
    (18, "D-93c", other_patient),
    (18, "D-13", lambda root: set_slot(entry(root), "hash")),
    (18, "D-14", lambda root: set_slot(entry(root), "size", "big")),
    (18, "D-23", lambda root: set_slot(entry(root), "repositoryUniqueId")),
    (18, "D-27", lambda root: entry(root).set("status", "")),
]


@pytest.mark.parametrize(("number", "rule", "change"), ROWS, ids=[f"{i}-{row[1]}" for i, row in enumerate(ROWS)])
def test_one_mistake_breaks_its_rule_and_a_tolerant_reader_only_warns(number: int, rule: str, change: Change) -> None:
    root = answer(number)
    assert judged(number, root) == ()
    change(root)
    assert {found.rule for found in judged(number, root)} == {rule}
    lenient = judged(number, root, tolerant=True)
    assert {found.rule for found in lenient} == {rule}
    assert all(found.blocking == (rule in REFUSED) for found in lenient)


def test_bytes_that_are_not_the_document_are_refused_by_everybody() -> None:
    good = Retrieved("1.2.3", "2.25.1002", "text/xml", size=SIZE, sha1=SHA1, known_hash=SHA1, known_size=str(SIZE))
    assert apply(RETRIEVED_RULES, good) == ()
    for wrong in (replace(good, sha1="0" * 40), replace(good, size=7)):
        for rules in (RETRIEVED_RULES, TOLERANT_RETRIEVED_RULES):
            assert [(found.rule, found.blocking) for found in apply(rules, wrong)] == [("D-63c", True)]


def test_references_alone_are_a_good_result() -> None:
    root = answer(18)
    listing = root.find(q(RIM, "RegistryObjectList"))
    assert listing is not None
    for item in list(listing):
        listing.remove(item)
    reference(root)
    assert judged(18, root) == ()


def test_the_client_tells_what_is_odd_in_an_outcome_it_accepts() -> None:
    """Read by the client's own reader, judged by the tolerant list."""
    good = parse_registry_response(answer(41))
    assert check_outcome(good, "ITI-41") == ()
    root = answer(41)
    error("severity", n.SEVERITY + "Error")(root)
    found = check_outcome(parse_registry_response(root), "ITI-41")
    assert [(item.rule, item.severity) for item in found] == [("D-53b", "warning")]
