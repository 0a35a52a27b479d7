"""Shadow mode over chains of versions: rehearsals follow each other, and change nothing of what the DMP really has."""

from __future__ import annotations

from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Site
from tests.e2e.messages import deletion, letter, successor
from tests.e2e.test_publication import admitted
from tests.e2e.test_versions import published, status


def rehearsed(site: Site, message: bytes, document: str) -> str:
    """State of the delivery once it rests."""
    assert site.send(message).code == "AA"
    return site.wait_delivery(document).state


def states(site: Site) -> dict[str, tuple[str, str]]:
    return {row[0]: row[1:] for row in site.query("SELECT unique_id, state, replaced_by FROM version")}


def test_a_chain_written_replaced_and_taken_back_in_shadow_leaves_nothing(make_site: MakeSite) -> None:
    site = make_site(publication={"mode": "shadow"})
    admitted(site)
    message, first = letter("MDM3001")
    assert rehearsed(site, message, first) == "done"
    message, second = successor("MDM3002", first)
    assert rehearsed(site, message, second) == "done"
    assert states(site) == {first: ("rehearsed", second), second: ("rehearsed", "")}
    site.send(deletion("MDM3003", message))
    assert "rien n'a été envoyé" in site.settled("MDM3003")[-1].text
    assert states(site) == {first: ("rehearsed", second)}
    assert site.simulator.world.acceptances() == {}


def test_a_second_rehearsed_replacement_of_the_same_document_is_refused(make_site: MakeSite) -> None:
    site = make_site(publication={"mode": "shadow"})
    admitted(site)
    message, first = letter("MDM3004")
    rehearsed(site, message, first)
    message, second = successor("MDM3005", first)
    assert rehearsed(site, message, second) == "done"
    message, other = successor("MDM3006", first, version=3)
    assert rehearsed(site, message, other) == "refused"


def test_a_chain_rehearsed_is_then_sent_for_good(make_site: MakeSite) -> None:
    site = make_site(publication={"mode": "shadow"})
    admitted(site)
    message, first = letter("MDM3010")
    rehearsed(site, message, first)
    replacement, second = successor("MDM3011", first)
    rehearsed(site, replacement, second)
    site.restart(publication={"mode": "send"})
    site.send(message.replace(b"MDM3010", b"MDM3012"))
    site.settled("MDM3012")
    assert status(site, first) == ["Approved"]
    assert states(site)[first] == ("published", "")
    site.send(replacement.replace(b"MDM3011", b"MDM3013"))
    site.settled("MDM3013")
    assert (status(site, first), status(site, second)) == (["Deprecated"], ["Approved"])
    assert states(site) == {first: ("replaced", second), second: ("published", "")}


def test_a_rehearsal_takes_nothing_from_a_document_that_stands_or_waits(make_site: MakeSite) -> None:
    """Real first, then shadow: the real chain stays as the DMP has it, what waits goes on waiting."""
    site = make_site()
    admitted(site)
    message, first = published(site, "MDM3020")
    site.restart(publication={"mode": "off"})
    waiting, held = letter("MDM3021")
    site.send(waiting)
    assert site.wait_delivery(held).code == "feeding.off"
    site.restart(publication={"mode": "shadow"})
    site.send(deletion("MDM3022", waiting))
    site.settled("MDM3022")
    rows = site.query("SELECT state FROM delivery WHERE document_id = ? AND kind = 'publication' ORDER BY id", held)
    assert rows[0] == ("held",)
    replacement, second = successor("MDM3023", first)
    assert rehearsed(site, replacement, second) == "done"
    assert states(site)[first] == ("published", "")
    site.restart(publication={"mode": "send"})
    message, third = successor("MDM3024", first, version=3)
    assert rehearsed(site, message, third) == "done"
    assert (status(site, first), status(site, third)) == (["Deprecated"], ["Approved"])
