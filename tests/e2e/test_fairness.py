"""Who waits for whom: a DMP that is slow to read, an identity server that is dead."""

from __future__ import annotations

from connector.simulator.faults import FaultRule
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Site
from tests.e2e.messages import admission, letter
from tests.e2e.test_admission import dead_port


def test_a_dmp_that_is_slow_to_read_delays_no_identity_and_no_letter(site: Site) -> None:
    site.simulator.faults.add(FaultRule("delay", transaction="TD0.2", seconds=3.0))
    for number in range(3):
        site.send(admission(f"ADT401{number}"))
    message, document = letter("MDM4010")
    site.send(message)
    site.wait_delivery(document)
    for number in range(3):
        site.settled(f"ADT401{number}")
    ended = site.query(
        "SELECT delivery.kind FROM timeline JOIN delivery ON delivery.id = timeline.delivery_id"
        " WHERE timeline.state_to = 'done' AND delivery.kind <> 'zam' ORDER BY timeline.id"
    )
    assert [kind for (kind,) in ended] == ["admission"] * 3 + ["publication"] + ["consultation"] * 3


def test_letters_do_not_wait_one_by_one_for_an_identity_server_that_is_dead(make_site: MakeSite) -> None:
    site = make_site(
        pix={"port": dead_port()},
        publication={"consent_unknown": "feed"},
        engine={"destinations": {"identity": {"failures": 1, "cooldown": 300.0}}},
    )
    # a discharge tells who the patient is and asks nobody
    site.sample("adt-a03-sortie.er7")
    message, document = letter("MDM4030")
    site.send(message)
    lines = site.wait(lambda found: any("nouvel essai en attente" in line.text for line in found), document_id=document)
    asked = [line for line in lines if line.event == "identité" and "connexion impossible" in line.text]
    assert len(asked) == 1
    assert site.accepted(document) == 0
