"""A deletion asked by the hospital: TD3.3c, what it finds, what it cancels, what a lost answer leaves."""

from __future__ import annotations

import pytest

from connector.simulator.faults import Effect, FaultRule
from tests.e2e.harness import Site
from tests.e2e.messages import admission, deletion, letter, successor
from tests.e2e.test_publication import admitted, zam_of
from tests.e2e.test_versions import published, status


def test_a_deletion_takes_the_document_out_of_the_dmp(site: Site) -> None:
    admitted(site)
    message, document = published(site, "MDM2030")
    assert site.send(deletion("MDM2031", message)).code == "AA"
    lines = site.settled("MDM2031")
    assert "supprimé" in next(line.text for line in lines if line.state_to == "done")
    assert status(site, document) == ["Deleted"]
    assert zam_of(site.hospital.wait(2))[:2] == ("Y", "MDM2031")
    assert site.query("SELECT state FROM version WHERE unique_id = ?", document) == [("deleted",)]


def test_the_deletion_of_a_document_nobody_knows_is_a_worklist_item(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM2032")
    site.send(deletion("MDM2033", message))
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "deletion.unknown")


def test_a_deletion_that_came_first_follows_its_document(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM2040")
    site.send(deletion("MDM2041", message))
    assert site.wait_delivery(document).code == "deletion.unknown"
    site.send(message)
    site.wait(lambda lines: any("supprimé" in line.text for line in lines), control_id="MDM2041")
    assert status(site, document) == ["Deleted"]


def test_the_deletion_of_a_replaced_version_names_the_one_in_force(site: Site) -> None:
    admitted(site)
    message, first = published(site, "MDM2042")
    replacement, second = successor("MDM2043", first)
    site.send(replacement)
    assert site.wait_delivery(second).state == "done"
    site.send(deletion("MDM2044", message))
    site.settled("MDM2044")
    rest = site.wait_delivery(first)
    assert (rest.state, rest.code) == ("refused", "900")
    assert second in rest.reason
    assert (status(site, first), status(site, second)) == (["Deprecated"], ["Approved"])


def test_a_deletion_cancels_what_was_never_sent(site: Site) -> None:
    site.send(admission("ADT2034", ZFA_9="NA"))
    message, document = letter("MDM2034")
    site.send(message)
    assert site.wait_delivery(document).code == "consent.unknown"
    site.send(deletion("MDM2035", message))
    lines = site.wait_state("done", control_id="MDM2035")
    assert any("jamais envoyé" in line.text for line in lines)
    admitted(site)
    site.settled("ADT0001")
    states = site.query(
        "SELECT state, reason_code FROM delivery WHERE document_id = ? AND kind = 'publication' ORDER BY id", document
    )
    assert states == [("done", "settled"), ("done", "")]
    assert site.accepted(document) == 0


def test_an_opposition_does_not_stop_a_deletion(site: Site) -> None:
    admitted(site)
    message, document = published(site, "MDM2036")
    site.sample("adt-a01-opposition.er7")
    site.send(deletion("MDM2037", message))
    site.settled("MDM2037")
    assert status(site, document) == ["Deleted"]


@pytest.mark.parametrize("effect", ["cut-after", "cut-before"])
def test_a_deletion_whose_answer_is_lost_is_never_left_in_doubt(site: Site, effect: Effect) -> None:
    admitted(site)
    message, document = published(site, "MDM2038")
    site.simulator.faults.add(FaultRule(effect, "ITI-57"))
    site.send(deletion("MDM2039", message))
    site.wait(lambda lines: any(line.state_to in ("done", "held") for line in lines), control_id="MDM2039")
    assert status(site, document) == ["Deleted"]
