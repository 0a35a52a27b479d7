"""Everything that may hide what became of a replacement or of a deletion: what is asked, concluded, and shown.

As in test_unknown.py the simulator would accept a document twice. A replacement that is sent again must replace again:
as a document of its own it would stand beside the one it replaces.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from connector.rules import names
from connector.rules.model import RegistryObject
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.simulator.registry_scope import Scope
from connector.simulator.registry_store import Change
from tests.e2e.captured import PROVIDE, read_captures
from tests.e2e.harness import Rest, Site
from tests.e2e.messages import deletion, letter, successor
from tests.e2e.test_dmp_failures import fed
from tests.e2e.test_publication import admitted, zam_of
from tests.e2e.test_unknown import ACCEPTED, BEYOND, GRACE, LOST, TIMEOUT, identifiers
from tests.e2e.test_versions import published, status

HUNG: Final = "hang, then accept"
"""The server goes on after our wait: a deletion is asked again meanwhile, and only one of the two has an effect."""

QUESTIONS: Final = {
    "cut": FaultRule("cut-before", "ITI-18"),
    "cut in the answer": FaultRule("cut-during", "ITI-18"),
    "HTTP 500": FaultRule("http-500", "ITI-18"),
    "HTTP 502 of a proxy": FaultRule("proxy-error", "ITI-18", code="502"),
    "SOAP fault of the server": FaultRule("fault", "ITI-18", code="Receiver", text="indisponible"),
    "registry busy": FaultRule("registry-error", "ITI-18", code="XDSRegistryBusy"),
    "no answer in HTTP 200": FaultRule("empty-answer", "ITI-18"),
    "no XML in HTTP 200": FaultRule("garbage-answer", "ITI-18"),
    "answer to another request": FaultRule("wrong-relates-to", "ITI-18"),
}


@pytest.fixture
def site(tmp_path: Path, pki_folder: Path) -> Iterator[Site]:
    """The patient is admitted, identity and consent known; nothing else has happened."""
    config = SimConfig(
        folder=tmp_path / "simulator", pki_folder=pki_folder, duplicate_check=False, capture_dir=tmp_path / "captured"
    )
    with Site(
        tmp_path,
        config,
        dmp={"timeouts": {"TD2.1": TIMEOUT, "TD3.3c": TIMEOUT}},
        publication={"unknown_grace": GRACE},
        engine={"backoff": {"first": 0.05, "longest": 0.2}},
        consultation={"trigger": "off"},
    ) as site:
        admitted(site)
        site.settled("ADT0001")
        yield site


def program(site: Site, *rules: FaultRule) -> None:
    for rule in rules:
        site.simulator.faults.add(rule)


def replaced(site: Site, *rules: FaultRule) -> tuple[str, str, Rest]:
    """(the replaced one, the replacement, how it ended) of a letter replaced under `rules`."""
    _, first = published(site, "MDM7101")
    program(site, *rules)
    message, second = successor("MDM7102", first)
    site.send(message)
    return first, second, site.wait_delivery(second)


def deleted(site: Site, *rules: FaultRule) -> tuple[str, Rest]:
    """(uniqueId, how it ended) of a letter taken back under `rules`."""
    message, document = published(site, "MDM7201")
    program(site, *rules)
    site.send(deletion("MDM7202", message))
    return document, at_rest(site, document)


def at_rest(site: Site, document: str) -> Rest:
    """The deletion, once it rests."""
    site.settled("MDM7202")
    return site.wait_delivery(document)


def calls(site: Site, *awaited: str) -> list[str]:
    """What was asked of the DMP after the first letter; a call is logged at its end, which is waited for."""
    end = time.monotonic() + 2 * BEYOND
    while Counter(awaited) - Counter(found := fed(site)[1:]) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def stands(site: Site, first: str, second: str) -> None:
    """The replacement alone stands, in the registry and in the connector's table, and its sender was told."""
    assert (status(site, first), status(site, second)) == (["Deprecated"], ["Approved"])
    assert site.accepted(second) == 1
    rows = site.query("SELECT unique_id, state, replaced_by FROM version ORDER BY number")
    assert rows == [(first, "replaced", second), (second, "published", "")]
    assert zam_of(site.hospital.wait(2))[:2] == ("Y", "MDM7102")


def gone(site: Site, document: str) -> None:
    """It is deleted, once, in the registry and in the connector's table, and its sender was told."""
    assert status(site, document) == ["Deleted"]
    assert site.simulator.world.operations(document) == {"TD3.3c": 1}
    assert site.query("SELECT state FROM version") == [("deleted",)]
    assert zam_of(site.hospital.wait(2))[:2] == ("Y", "MDM7202")


def texts(site: Site, control_id: str) -> str:
    return "\n".join(line.text for line in site.lines(control_id=control_id))


# -- a replacement -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_replacement_accepted_without_saying_so_is_found_and_never_sent_again(site: Site, case: str) -> None:
    first, second, rest = replaced(site, ACCEPTED[case])
    assert rest.state == "done"
    assert "Issue inconnue" in texts(site, "MDM7102")
    stands(site, first, second)
    asked = calls(site, "ITI-41")
    assert asked[:1] == ["ITI-18"], "the predecessor is looked up before anything leaves"
    assert (asked.count("ITI-41"), set(asked)) == (1, {"ITI-41", "ITI-18"})


@pytest.mark.parametrize("case", LOST)
def test_a_lost_replacement_replaces_again_with_the_same_identifiers(site: Site, tmp_path: Path, case: str) -> None:
    first, second, rest = replaced(site, LOST[case])
    assert rest.state == "done"
    asked = calls(site)
    assert asked[:4] == ["ITI-18", "ITI-41", "ITI-18", "ITI-18"], "then asked at once, and when its time was over"
    assert asked[-2:] == ["ITI-18", "ITI-41"], "the predecessor may have changed: looked up again"
    assert asked.count("ITI-41") == 2
    stands(site, first, second)
    sent = [request for request in read_captures(tmp_path / "captured") if request.action == PROVIDE]
    lost, again = sent[1:]
    assert identifiers(lost.root) == identifiers(again.root)
    assert b"AssociationType:RPLC" in lost.root
    assert b"AssociationType:RPLC" in again.root


@pytest.mark.parametrize("case", QUESTIONS)
def test_a_predecessor_that_cannot_be_looked_up_now_is_looked_up_later(site: Site, case: str) -> None:
    first, second, rest = replaced(site, replace(QUESTIONS[case], times=2))
    assert rest.state == "done"
    assert calls(site) == ["ITI-18", "ITI-18", "ITI-18", "ITI-41"], "nothing leaves before it is known"
    stands(site, first, second)


def test_a_predecessor_the_registry_refuses_to_name_is_told_to_the_sender(site: Site) -> None:
    first, second, rest = replaced(site, FaultRule("fault", "ITI-18", subcode="DMPAccessDeniedByRightsService"))
    assert (rest.state, rest.code) == ("refused", "DMPAccessDeniedByRightsService")
    assert (status(site, first), site.accepted(second)) == (["Approved"], 0)
    assert zam_of(site.hospital.wait(2)) == ("N", "MDM7102", "DMPAccessDeniedByRightsService", "DMP_ERROR_CODE")


def test_a_predecessor_found_twice_waits_for_a_person(site: Site) -> None:
    _, first = published(site, "MDM7101")
    registry = site.simulator.registry
    (stored,) = registry.store.by_unique_id(first)
    twin = f"urn:uuid:{registry.context.new_uuid()}"
    registry.store.commit(Change((replace(stored.item, id=twin, lid=twin),), {twin: stored.file}))
    message, second = successor("MDM7102", first)
    site.send(message)
    rest = site.wait_delivery(second)
    assert (rest.state, rest.code) == ("held", "unknown.found-twice")
    assert "2 fois" in rest.reason
    assert site.accepted(second) == 0


def test_a_lost_replacement_whose_predecessor_left_the_dmp_meanwhile_is_refused_in_the_dmps_words(site: Site) -> None:
    _, first = published(site, "MDM7101")
    program(site, FaultRule("cut-before", "ITI-41"))
    message, second = successor("MDM7102", first)
    site.send(message)
    site.wait(lambda lines: any(line.event == "unknown" for line in lines), control_id="MDM7102")
    (entry,) = site.simulator.registry.store.by_unique_id(first)
    site.simulator.registry.store.set_status(entry.item.id, names.DELETED)
    rest = site.wait_delivery(second)
    assert (rest.state, rest.code) == ("refused", "XDSRegistryDeprecatedDocumentError")
    assert site.accepted(second) == 0
    assert zam_of(site.hospital.wait(2))[0] == "N"


# -- a deletion ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in ACCEPTED if case != HUNG])
def test_a_deletion_obeyed_without_saying_so_is_found_and_never_asked_again(site: Site, case: str) -> None:
    document, rest = deleted(site, replace(ACCEPTED[case], transaction="ITI-57", seconds=_soon(ACCEPTED[case])))
    assert rest.state == "done"
    told = texts(site, "MDM7202")
    assert "Issue inconnue" in told
    assert "Le registre dit le document supprimé" in told
    gone(site, document)
    asked = calls(site, "ITI-57")
    assert sorted(asked) == ["ITI-18"] * 3 + ["ITI-57"], "the reference before; the reference and its status after"


def _soon(rule: FaultRule) -> float:
    """A connection cut before the deletion is done: it is done before the registry is asked."""
    return 0.0 if rule.effect == "cut-then-accept" else rule.seconds


@pytest.mark.parametrize("case", LOST)
def test_a_lost_deletion_is_asked_for_again_at_once(site: Site, case: str) -> None:
    """Asking twice for a deletion does no harm: nothing waits for the server's time to be over."""
    document, rest = deleted(site, replace(LOST[case], transaction="ITI-57"))
    assert rest.state == "done"
    assert calls(site) == ["ITI-18", "ITI-57", "ITI-18", "ITI-18", "ITI-57"]
    gone(site, document)


def test_a_deletion_that_the_server_makes_after_our_wait_is_made_once(site: Site) -> None:
    document, rest = deleted(site, FaultRule("delay", "ITI-57", seconds=BEYOND))
    assert rest.state == "done"
    assert calls(site, "ITI-57", "ITI-57").count("ITI-57") == 2
    gone(site, document)


@pytest.mark.parametrize("case", QUESTIONS)
def test_a_document_to_delete_that_cannot_be_looked_up_now_is_looked_up_later(site: Site, case: str) -> None:
    document, rest = deleted(site, replace(QUESTIONS[case], times=2))
    assert rest.state == "done"
    assert calls(site) == ["ITI-18", "ITI-18", "ITI-18", "ITI-57"]
    gone(site, document)


def test_a_registry_that_hides_what_was_deleted_is_understood_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Scope.document

    def hiding(self: Scope, entry_uuid: str) -> RegistryObject | None:
        item = found(self, entry_uuid)
        return None if item is None or item.status == names.DELETED else item

    monkeypatch.setattr(Scope, "document", hiding)
    document, rest = deleted(site, FaultRule("cut-after", "ITI-57"))
    assert rest.state == "done"
    assert "absent du registre" in texts(site, "MDM7202")
    assert calls(site) == ["ITI-18", "ITI-57", "ITI-18"]
    gone(site, document)


def test_a_registry_that_does_not_say_the_status_leaves_it_to_a_person_and_a_replay_asks_first(site: Site) -> None:
    """Third question and those after: the DMP may not serve them. The document was deleted, nobody here can know."""
    document, rest = deleted(
        site,
        FaultRule("cut-after", "ITI-57"),
        FaultRule("fault", "ITI-18", code="Sender", subcode="DMPAccessDeniedByRightsService", nth=3, times=0),
    )
    assert (rest.state, rest.code) == ("held", "unknown.XDSMetadataUpdateError")
    assert "peut-être déjà faite, à vérifier" in rest.reason
    assert site.query("SELECT state FROM version") == [("published",)]
    site.simulator.faults.clear()
    before = len(calls(site))
    site.act("retry", document)
    assert site.wait_delivery(document, "done").state == "done"
    assert calls(site)[before:] == ["ITI-18", "ITI-18"]
    gone(site, document)


def test_after_a_refusal_a_question_that_is_cut_is_put_again(site: Site) -> None:
    document, rest = deleted(
        site,
        FaultRule("cut-after", "ITI-57"),
        FaultRule("fault", "ITI-18", code="Receiver", text="indisponible", nth=3),
        FaultRule("cut-before", "ITI-18", nth=3),
    )
    assert rest.state == "done"
    asked = ["ITI-18", "ITI-57", "ITI-18", "ITI-18", "ITI-57", "ITI-18", "ITI-18", "ITI-18"]
    assert calls(site) == asked, "refused the second time, as the first was obeyed: its status is asked until known"
    gone(site, document)


def test_a_refused_deletion_that_was_never_in_doubt_is_the_senders(site: Site) -> None:
    document, rest = deleted(site, FaultRule("registry-error", "ITI-57", code="XDSMetadataUpdateError", text="non"))
    assert (rest.state, rest.code) == ("refused", "XDSMetadataUpdateError")
    assert status(site, document) == ["Approved"]
    assert site.query("SELECT state FROM version") == [("published",)]
    assert zam_of(site.hospital.wait(2)) == ("N", "MDM7202", "XDSMetadataUpdateError", "DMP_ERROR_CODE")


def test_a_document_never_sent_stays_withdrawn_when_the_registry_cannot_be_asked(site: Site) -> None:
    site.restart(publication={"mode": "off"})
    message, document = letter("MDM7201")
    site.send(message)
    assert site.wait_delivery(document).code == "feeding.off"
    site.restart(publication={"mode": "send"})
    program(site, FaultRule("cut-before", "ITI-18", times=2))
    site.send(deletion("MDM7202", message))
    site.settled("MDM7202")
    assert site.wait_delivery(document).state == "done"
    assert "jamais envoyé" in texts(site, "MDM7202")
    assert site.accepted(document) == 0


def test_what_follows_a_deletion_in_doubt_waits_for_its_end(site: Site) -> None:
    message, document = published(site, "MDM7201")
    program(site, FaultRule("cut-before", "ITI-57", times=3))
    site.send(deletion("MDM7202", message))
    other, following = letter("MDM7203")
    site.send(other)
    assert site.wait_delivery(following).state == "done"
    assert calls(site)[-2:] == ["ITI-57", "ITI-41"]
    assert status(site, document) == ["Deleted"]
