"""An opposition counts whatever carries it, however it is dated, and whatever the document waits for."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.harness import INS, Site
from tests.e2e.messages import admission, identity, letter, merge, successor
from tests.e2e.test_publication import OTHER_IPP, admitted, notices, zam_of

OPPOSED = {"ZFA_9": "IO", "ZFA_10": "20240312080000"}
UNDATED = {"ZFA_9": "IO", "ZFA_10": ""}


def refused(site: Site, document: str, control_id: str) -> None:
    rest = site.wait_delivery(document, "refused")
    assert (rest.state, rest.code) == ("refused", "906")
    assert "oppose" in rest.reason
    assert site.accepted(document) == 0
    assert zam_of(site.hospital.wait(len(site.hospital.received) or 1))[:2] == ("N", control_id)


def opposition(control_id: str, event: str, words: dict[str, str]) -> bytes:
    return admission(control_id, event, EVN_2="20240312090000", MSH_7="20240312090000", **words)


def test_an_undated_opposition_is_as_old_as_the_event_that_carries_it(site: Site) -> None:
    admitted(site)
    site.send(opposition("ADT3001", "A04", UNDATED))
    site.settled("ADT3001")
    message, document = letter("MDM3001")
    site.send(message)
    refused(site, document, "MDM3001")


def test_an_older_undated_word_changes_nothing(site: Site) -> None:
    admitted(site)
    site.settled("ADT0001")
    words = {"ZFA_9": "IO", "ZFA_10": "", "EVN_2": "20230101080000", "MSH_7": "20230101080000"}
    site.send(admission("ADT3002", "A04", **words))
    site.settled("ADT3002")
    message, document = letter("MDM3002")
    site.send(message)
    assert site.wait_delivery(document).state == "done"


@pytest.mark.parametrize("event", ["A14", "A02", "A06", "A21", "A54"])
def test_the_zfa_of_any_event_counts(site: Site, event: str) -> None:
    admitted(site)
    site.settled("ADT0001")
    site.send(opposition("ADT3003", event, OPPOSED))
    site.wait(lambda lines: any(line.event == "opposition" for line in lines), control_id="ADT3003")
    message, document = letter("MDM3003")
    site.send(message)
    refused(site, document, "MDM3003")


def test_an_opposition_ends_the_wait_for_an_unknown_predecessor(site: Site) -> None:
    admitted(site)
    message, document = successor("MDM3004", "2.25.4444")
    site.send(message)
    assert site.wait_delivery(document).code == "predecessor.unknown"
    site.send(opposition("ADT3004", "A04", OPPOSED))
    refused(site, document, "MDM3004")


def test_an_opposition_ends_the_wait_for_a_qualified_identity(site: Site) -> None:
    admitted(site)
    site.sample("adt-a31-identite-provisoire.er7")
    message, document = letter("MDM3005")
    site.send(message)
    assert site.wait_delivery(document).code == "identity.not-qualified"
    site.send(opposition("ADT3005", "A04", {**OPPOSED, "PID_32": "PROV"}))
    refused(site, document, "MDM3005")


def test_an_opposition_ends_the_wait_of_a_blocked_patient_and_of_a_cancelled_stay(site: Site) -> None:
    admitted(site)
    site.send(admission("ADT3006", "A11"))
    message, document = letter("MDM3006")
    site.send(message)
    assert site.wait_delivery(document).code == "stay.cancelled"
    site.send(merge("ADT3007", OTHER_IPP, "A44"))
    message, other = letter("MDM3007")
    site.send(message)
    assert site.wait_delivery(other).code == "patient.blocked"
    site.send(opposition("ADT3008", "A04", OPPOSED))
    for one in (document, other):
        assert site.wait_delivery(one, "refused").code == "906"


def test_an_opposition_ends_the_wait_for_a_closed_record(site: Site) -> None:
    admitted(site)
    site.settled("ADT0001")
    site.simulator.world.set_dmp(INS, "CLOSED")
    message, document = letter("MDM3009")
    site.send(message)
    assert site.wait_delivery(document).code == "dmp.closed"
    site.send(opposition("ADT3009", "A04", OPPOSED))
    refused(site, document, "MDM3009")


def test_an_opposition_of_nobody_is_a_person_s_business(site: Site) -> None:
    words = {"PID_3": f"{INS}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS", "PID_32": "PROV"}
    site.send(admission("ADT3010", "A04", **OPPOSED, **words))
    site.wait(lambda lines: any(line.state_to == "held" for line in lines), control_id="ADT3010")
    assert [code for code, _ in notices(site)] == ["opposition.unattached"]


def test_feeding_switched_off_keeps_oppositions_refused(make_site: MakeSite) -> None:
    site = make_site(publication={"mode": "off"})
    admitted(site)
    message, document = letter("MDM3011")
    site.send(message)
    assert site.wait_delivery(document).code == "feeding.off"
    site.send(identity("ADT3011", "VALI", "20240312090000"))
    site.settled("ADT3011")
    assert site.wait_delivery(document).code == "feeding.off"
    site.send(opposition("ADT3012", "A04", OPPOSED))
    refused(site, document, "MDM3011")
