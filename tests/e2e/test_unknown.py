"""Everything that may hide what became of an ITI-41: asked before any resend, accepted exactly once (design rule 7).

The simulator would accept a document twice: only the connector keeps the record clean.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from connector.base.clock import utc_now
from connector.base.ns import RIM, q
from connector.journal import Journal
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.simulator.registry_store import Change
from tests.e2e.captured import PROVIDE, read_captures
from tests.e2e.harness import Rest, Site
from tests.e2e.messages import INS, letter
from tests.e2e.test_dmp_failures import fed
from tests.e2e.test_publication import admitted, zam_of

TIMEOUT = 0.8
GRACE = 0.6
BEYOND = 1.2
"""Seconds: what TD2.1 waits for an answer, what a lost request is granted, and a delay longer than the wait."""


@pytest.fixture
def site(tmp_path: Path, pki_folder: Path) -> Iterator[Site]:
    """The patient is admitted, identity and consent known; nothing else has happened."""
    config = SimConfig(
        folder=tmp_path / "simulator",
        pki_folder=pki_folder,
        duplicate_check=False,
        capture_dir=tmp_path / "captured",
    )
    with Site(
        tmp_path,
        config,
        dmp={"timeouts": {"TD2.1": TIMEOUT}},
        publication={"unknown_grace": GRACE},
        engine={"backoff": {"first": 0.05, "longest": 0.2}},
        consultation={"trigger": "off"},
    ) as site:
        admitted(site)
        site.settled("ADT0001")
        yield site


def publish(site: Site, *rules: FaultRule) -> tuple[str, Rest]:
    """(uniqueId, how it ended) of a letter sent under `rules`."""
    message, document = letter("MDM7001")
    for rule in rules:
        site.simulator.faults.add(rule)
    site.send(message)
    return document, site.wait_delivery(document)


ACCEPTED = {
    "cut before the status line": FaultRule("cut-after", "ITI-41"),
    "cut inside the headers": FaultRule("cut-in-headers", "ITI-41"),
    "cut inside the body": FaultRule("cut-during", "ITI-41"),
    "half an answer": FaultRule("truncated-multipart", "ITI-41"),
    "no answer in HTTP 200": FaultRule("empty-answer", "ITI-41"),
    "no XML in HTTP 200": FaultRule("garbage-answer", "ITI-41"),
    "answer to another request": FaultRule("wrong-relates-to", "ITI-41"),
    "HTTP 500 of a proxy": FaultRule("proxy-error-after", "ITI-41", code="500"),
    "HTTP 502 of a proxy": FaultRule("proxy-error-after", "ITI-41", code="502"),
    "HTTP 504 of a proxy": FaultRule("proxy-error-after", "ITI-41", code="504"),
    "HTTP 403 of a proxy": FaultRule("proxy-error-after", "ITI-41", code="403"),
    "SOAP fault of the server": FaultRule("fault-after", "ITI-41", code="Receiver", text="Erreur interne"),
    "hang beyond the time limit": FaultRule("hang-after", "ITI-41", seconds=BEYOND),
    "hang, then accept": FaultRule("delay", "ITI-41", seconds=BEYOND),
    "cut, then accept": FaultRule("cut-then-accept", "ITI-41", seconds=GRACE / 2),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted_without_saying_so_is_found_and_never_sent_again(site: Site, case: str) -> None:
    document, rest = publish(site, ACCEPTED[case])
    assert rest.state == "done"
    unknown = next(line for line in site.lines(control_id="MDM7001") if line.event == "unknown")
    assert unknown.text.startswith("Issue inconnue")
    calls = ended_calls(site)
    assert (calls.count("ITI-41"), set(calls)) == (1, {"ITI-41", "ITI-18"})
    assert site.accepted(document) == 1
    assert zam_of(site.hospital.wait(1))[0] == "Y"


def ended_calls(site: Site) -> list[str]:
    """Once an ITI-41 has ended: a call is logged at its end, and the registry may have been asked long before."""
    end = time.monotonic() + 2 * BEYOND
    while True:
        calls = [call.transaction for call in site.simulator.log.lines() if call.transaction != "TD0.2"]
        if "ITI-41" in calls or time.monotonic() > end:
            return calls
        time.sleep(0.02)


LOST = {
    "cut before anything": FaultRule("cut-before", "ITI-41"),
    "HTTP 500": FaultRule("http-500", "ITI-41"),
    "HTTP 502 of a proxy": FaultRule("proxy-error", "ITI-41", code="502"),
    "HTTP 503 of a proxy": FaultRule("proxy-error", "ITI-41", code="503"),
    "HTTP 504 of a proxy": FaultRule("proxy-error", "ITI-41", code="504"),
    "SOAP fault of the server": FaultRule("fault", "ITI-41", code="Receiver", text="Erreur interne"),
    "repository without its registry": FaultRule("registry-error", "ITI-41", code="XDSRegistryNotAvailable"),
}


@pytest.mark.parametrize("case", LOST)
def test_lost_is_asked_again_after_the_time_limit_then_sent_with_the_same_identifiers(
    site: Site, tmp_path: Path, case: str
) -> None:
    document, rest = publish(site, LOST[case])
    assert rest.state == "done"
    calls = fed(site)
    assert calls[:3] == ["ITI-41", "ITI-18", "ITI-18"], "asked at once, and again when the server had its time"
    assert (calls[-1], calls.count("ITI-41")) == ("ITI-41", 2)
    times = [call.at for call in site.simulator.log.lines() if call.transaction == "ITI-41"]
    assert (times[1] - times[0]).total_seconds() >= GRACE
    assert site.accepted(document) == 1
    first, second = (request for request in read_captures(tmp_path / "captured") if request.action == PROVIDE)
    assert identifiers(first.root) == identifiers(second.root)
    assert first.documents()[document] == second.documents()[document]
    assert zam_of(site.hospital.wait(1))[0] == "Y"


def identifiers(root: bytes) -> dict[str, str]:
    """uniqueId of the set, of the document and of the signature, and the submission time, by the object's id."""
    envelope = etree.fromstring(root)
    found = {
        f"{item.get('registryObject')} {item.get('identificationScheme')}": str(item.get("value"))
        for item in envelope.iter(q(RIM, "ExternalIdentifier"))
    }
    (moment,) = envelope.iterfind(
        f".//{q(RIM, 'RegistryPackage')}/{q(RIM, 'Slot')}[@name='submissionTime']//{{*}}Value"
    )
    assert len(set(found.values())) >= len({"set", "document", "signature", "patient", "source"})
    return found | {"submissionTime": str(moment.text)}


def test_a_question_that_fails_too_never_leads_to_a_resend(site: Site) -> None:
    document, rest = publish(
        site,
        FaultRule("cut-after", "ITI-41"),
        FaultRule("http-500", "ITI-18", times=2),
        FaultRule("fault", "ITI-18", code="Receiver", text="indisponible"),
        FaultRule("cut-before", "ITI-18"),
        FaultRule("registry-error", "ITI-18", code="XDSRegistryBusy"),
        FaultRule("garbage-answer", "ITI-18"),
    )
    assert rest.state == "done"
    assert fed(site) == ["ITI-41"] + ["ITI-18"] * 7
    assert site.accepted(document) == 1


def test_after_a_feed_that_went_well_nothing_is_asked(site: Site) -> None:
    document, rest = publish(site)
    assert rest.state == "done"
    site.wait_delivery(document, kind="zam")
    assert fed(site) == ["ITI-41"]


def test_a_refused_question_waits_for_a_person_and_a_replay_asks_again(site: Site) -> None:
    document, rest = publish(site, FaultRule("cut-after", "ITI-41"), FaultRule("fault", "ITI-18", subcode="DMPClosed"))
    assert (rest.state, rest.code) == ("held", "unknown.DMPClosed")
    assert "fermé" in rest.reason
    replay(site, document)
    assert site.wait_delivery(document, "done").state == "done"
    assert fed(site) == ["ITI-41", "ITI-18", "ITI-18"]
    assert site.accepted(document) == 1


def test_an_answer_in_unknown_words_waits_for_a_person_and_a_replay_asks_first(site: Site) -> None:
    document, rest = publish(site, FaultRule("fault-after", "ITI-41", code="Sender", subcode="siram_999"))
    assert (rest.state, rest.code) == ("held", "unknown.siram_999")
    replay(site, document)
    assert site.wait_delivery(document, "done").state == "done"
    assert fed(site) == ["ITI-41", "ITI-18"]
    assert site.accepted(document) == 1


def test_a_document_found_twice_waits_for_a_person(site: Site) -> None:
    message, document = letter("MDM7001")
    site.simulator.faults.add(FaultRule("cut-after", "ITI-41"))
    site.simulator.faults.add(FaultRule("cut-before", "ITI-18", times=0))
    site.send(message)
    site.wait_state("sending", document_id=document)
    site.wait(lambda lines: any("vérification impossible" in line.text for line in lines), document_id=document)
    registry = site.simulator.registry
    (stored,) = registry.store.by_unique_id(document)
    twin = f"urn:uuid:{registry.context.new_uuid()}"
    registry.store.commit(Change((replace(stored.item, id=twin, lid=twin),), {twin: stored.file}))
    site.simulator.faults.clear()
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "unknown.found-twice")
    assert "2 fois" in rest.reason


def test_a_duplicate_told_by_a_fault_is_verified(site: Site) -> None:
    document, rest = publish(site, FaultRule("fault-after", "ITI-41", subcode="XDSDuplicateUniqueIdInRegistry"))
    assert rest.state == "done"
    assert fed(site) == ["ITI-41", "ITI-18"]
    assert site.accepted(document) == 1


def test_a_duplicate_that_the_registry_does_not_know_waits_for_a_person(site: Site) -> None:
    document, rest = publish(site, FaultRule("registry-error", "ITI-41", code="XDSDuplicateUniqueIdInRegistry"))
    assert (rest.state, rest.code) == ("held", "unknown.XDSDuplicateUniqueIdInRegistry")
    assert site.accepted(document) == 0


def replay(site: Site, document: str) -> None:
    """`connector queue retry`, by the same journal."""
    site.stop()
    journal = Journal.open(site.settings.journal, utc_now)
    row = "SELECT id FROM delivery WHERE document_id = ? AND kind = 'publication'"
    (found,) = journal.query(row, (document,))
    journal.transact(lambda tx: tx.requeue(found["id"], "essai"))
    journal.close()
    site.start()


# -- before anything leaves ----------------------------------------------------------------------------------------


def test_connection_refused_is_a_plain_retry(site: Site) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        # Bound and not listening: nobody answers, and nobody else takes the port.
        site.restart(dmp={"urls": {"repository": f"https://localhost:{port}/repository"}})
        rest = leave(site)
    assert "injoignable" in rest.reason
    assert "connexion refusée" in rest.reason


def test_an_unknown_server_certificate_is_a_plain_retry(site: Site) -> None:
    site.restart(dmp={"urls": {"repository": site.simulator.urls["wrong"] + "/repository"}})
    assert "injoignable" in leave(site).reason


def leave(site: Site) -> Rest:
    """A letter whose first attempt fails before a byte of it leaves; sent without a question once the way is free."""
    message, document = letter("MDM7001")
    site.send(message)
    rest = site.wait_delivery(document, "retry")
    site.restart(dmp={"urls": {}})
    assert site.wait_delivery(document, "done").state == "done"
    assert fed(site) == ["ITI-41"]
    assert site.accepted(document) == 1
    return rest


def test_two_letters_of_a_patient_keep_their_order_through_a_doubt(site: Site) -> None:
    site.simulator.faults.add(FaultRule("cut-before", "ITI-41", ins=INS))
    sent = [letter(f"MDM70{number}") for number in range(11, 14)]
    for message, _ in sent:
        site.send(message)
    for _, document in sent:
        assert site.wait_delivery(document).state == "done"
    documents = [document for _, document in sent]
    kept = [entry.unique_id for entry in site.simulator.registry.documents(INS)]
    assert [unique_id for unique_id in kept if unique_id in documents] == documents
