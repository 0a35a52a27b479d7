"""Replacement, deletion, chains of versions: what stands in the DMP, and what may never overwrite it."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.harness import INS, Site
from tests.e2e.messages import admission, deletion, edit, edit_cda, identity, letter, oru, successor, with_title
from tests.e2e.test_publication import NOT_QUALIFIED, admitted, zam_of


def status(site: Site, unique_id: str) -> list[str]:
    """Status of every entry the registry has under this uniqueId."""
    found = site.simulator.registry.documents(INS)
    return [entry.item.status.rpartition(":")[2] for entry in found if entry.unique_id == unique_id]


def published(site: Site, control_id: str, **fields: str) -> tuple[bytes, str]:
    message, document = letter(control_id, **fields)
    assert site.send(message).code == "AA"
    assert site.wait_delivery(document).state == "done"
    return message, document


def test_a_replacement_deprecates_its_predecessor_and_is_acknowledged(site: Site) -> None:
    admitted(site)
    _, first = published(site, "MDM2001")
    message, second = successor("MDM2002", first)
    assert site.send(message).code == "AA"
    assert site.wait_delivery(second).state == "done"
    assert (status(site, first), status(site, second)) == (["Deprecated"], ["Approved"])
    assert zam_of(site.hospital.wait(2))[:2] == ("Y", "MDM2002")
    rows = site.query("SELECT unique_id, state, replaced_by FROM version ORDER BY number")
    assert rows == [(first, "replaced", second), (second, "published", "")]


def test_a_masking_change_alone_is_a_replacement_under_a_new_id(site: Site) -> None:
    admitted(site)
    _, first = published(site, "MDM2003")
    message, second = successor(
        "MDM2004", first, OBX2_5="Y^^expandedYes-NoIndicator", OBX6_5="Y^^expandedYes-NoIndicator"
    )
    site.send(message)
    assert site.wait_delivery(second).state == "done"
    entry = next(e for e in site.simulator.registry.documents(INS) if e.unique_id == second)
    assert any("MASQUE_PS" in str(code) for code in entry.item.classifications)


def test_a_predecessor_unknown_to_the_registry_is_a_worklist_item(site: Site) -> None:
    admitted(site)
    message, document = successor("MDM2005", "2.25.111222333")
    assert site.send(message).code == "AA"
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "predecessor.unknown")
    assert "Prédécesseur inconnu" in rest.reason
    assert site.accepted(document) == 0


def test_a_replacement_waits_for_a_predecessor_that_waits_itself(site: Site) -> None:
    admitted(site)
    site.sample("adt-a31-identite-provisoire.er7")
    message, first = letter("MDM2006")
    site.send(message)
    assert site.wait_delivery(first).code == NOT_QUALIFIED
    site.sample("adt-a31-identite-qualifiee.er7")
    # the first one leaves with the new identity, the second one after it
    message, second = successor("MDM2007", first)
    site.send(message)
    assert site.wait_delivery(second, "done").state == "done"
    assert (status(site, first), status(site, second)) == (["Deprecated"], ["Approved"])


def test_a_replacement_held_behind_a_held_predecessor_follows_it(site: Site) -> None:
    site.send(admission("ADT2008", ZFA_9="NA"))
    message, first = letter("MDM2008")
    site.send(message)
    assert site.wait_delivery(first).code == "consent.unknown"
    message, second = successor("MDM2009", first)
    site.send(message)
    assert site.wait_delivery(second).code in ("consent.unknown", "predecessor.waiting")
    admitted(site)
    assert site.wait_delivery(second, "done").state == "done"
    assert (status(site, first), status(site, second)) == (["Deprecated"], ["Approved"])


def test_an_older_version_never_overwrites_a_newer_one(site: Site) -> None:
    admitted(site)
    _, first = published(site, "MDM2010")
    message, third = successor("MDM2011", first, version=3)
    site.send(message)
    assert site.wait_delivery(third).state == "done"
    message, second = successor("MDM2012", first, version=2)
    site.send(message)
    rest = site.wait_delivery(second)
    assert (rest.state, rest.code) == ("refused", "900")
    assert site.accepted(second) == 0
    assert status(site, third) == ["Approved"]
    assert zam_of(site.hospital.wait(3)) == ("N", "MDM2012", "900", "applicationErrorCondition")


def test_two_replacements_of_one_document_do_not_both_stand(site: Site) -> None:
    admitted(site)
    _, first = published(site, "MDM2013")
    message, second = successor("MDM2014", first)
    site.send(message)
    assert site.wait_delivery(second).state == "done"
    message, other = successor("MDM2015", first, version=4)
    site.send(message)
    rest = site.wait_delivery(other)
    assert (rest.state, rest.code) == ("refused", "900")
    assert "déjà été" in rest.reason


def test_an_id_already_published_is_not_published_again_with_another_content(site: Site) -> None:
    admitted(site)
    message, document = published(site, "MDM2016")
    site.send(with_title(message, "Autre contenu").replace(b"MDM2016", b"MDM2018"))
    site.settled("MDM2018")
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("refused", "900")
    assert site.accepted(document) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [({"TXA_12": "2.25.5"}, "TXA^1^12"), ({"TXA_13": "2.25.5"}, "TXA^1^13")],
)
def test_txa_and_the_cda_must_name_the_same_documents(site: Site, change: dict[str, str], field: str) -> None:
    message, _ = successor("MDM2019", "2.25.77", 2, **change)
    ack = site.send(message)
    assert (ack.code, ack.errors[0].code, ack.errors[0].app_code) == ("AE", "207", "900")
    assert ack.errors[0].location == field


def test_a_replacement_that_names_no_predecessor_is_refused_at_the_door(site: Site) -> None:
    message, _ = letter("MDM2020", MSH_9="MDM^T10^MDM_T02", ORC_1="RO", OBX_11="C", TXA_13="2.25.5")
    ack = site.send(message)
    assert (ack.code, ack.errors[0].app_code) == ("AE", "900")
    assert "relatedDocument" in ack.errors[0].app_text


def test_a_document_that_replaces_itself_is_refused_at_the_door(site: Site) -> None:
    message, document = successor("MDM2021", "2.25.111222333444555")
    ack = site.send(edit_cda(message, lambda cda: cda.replace(b"2.25.111222333444555", document.encode())))
    assert (ack.code, ack.errors[0].app_code) == ("AE", "900")
    assert "lui-même" in ack.errors[0].app_text


def test_the_same_creation_after_a_deletion_is_the_wrong_version(site: Site) -> None:
    admitted(site)
    message, document = published(site, "MDM2022")
    site.send(deletion("MDM2023", message))
    site.settled("MDM2023")
    site.send(message.replace(b"MDM2022", b"MDM2024"))
    site.settled("MDM2024")
    assert site.wait_delivery(document).code == "900"
    assert status(site, document) == ["Deleted"]
    answers = [zam_of(site.hospital.wait(count))[:3] for count in (1, 2, 3)]
    assert answers == [("Y", "MDM2022", ""), ("Y", "MDM2023", ""), ("N", "MDM2024", "900")]


def test_a_creation_that_replaces_is_refused_at_the_door(site: Site) -> None:
    message, _ = successor("MDM2025", "2.25.77", 2, MSH_9="MDM^T02^MDM_T02", ORC_1="NW", OBX_11="F")
    ack = site.send(message)
    assert (ack.code, ack.errors[0].app_code, ack.errors[0].location) == ("AE", "900", "ORC^1^1")


def two_documents(control_id: str, first: bytes, second: bytes, status: str = "F") -> bytes:
    """An ORU^R01 of two CDA, created (F) or replaced (C)."""
    text = edit(edit(oru(), "MSH-10", control_id), "ORC-1", "NW" if status == "F" else "RO")
    head, tail = edit(text, "OBX-11", status).split("OBX|2|", 1)
    one = next(segment for segment in head.split("\r") if segment.startswith("OBX|1|"))
    other = edit_cda(one.encode(), lambda _: second).decode().replace("OBX|1|", "OBX|12|")
    return edit_cda(f"{head}{other}\rOBX|2|{tail}".encode(), lambda _: first)


def cda_of(message: bytes) -> bytes:
    """The CDA of a message's first document."""
    found: list[bytes] = []
    edit_cda(message, lambda cda: found.append(cda) or cda)  # type: ignore[func-returns-value]
    return found[0]


def test_two_documents_of_one_message_have_two_ids(site: Site) -> None:
    cda = cda_of(letter("MDM2026")[0])
    ack = site.send(two_documents("ORU2026", cda, cda))
    assert (ack.code, ack.errors[0].app_code, ack.errors[0].location) == ("AE", "906", "OBX^2^5")


def test_two_levels_of_one_letter_share_a_chain_and_are_replaced_together(site: Site) -> None:
    admitted(site)
    message, first = letter("MDM2027")
    cda, twin = cda_of(message), "2.25.2027202720272027"
    # the same letter at another level: its own id, the setId of the first
    other = cda.replace(f'<id root="{first}"'.encode(), f'<id root="{twin}"'.encode())
    assert site.send(two_documents("ORU2027", cda, other)).code == "AA"
    assert {site.wait_delivery(one).state for one in (first, twin)} == {"done"}
    later, second = successor("MDM2028", first)
    newer, twin_2 = cda_of(later), "2.25.2028202820282028"
    newer_other = newer.replace(f'<id root="{second}"'.encode(), f'<id root="{twin_2}"'.encode())
    newer_other = newer_other.replace(f'<id root="{first}"/>'.encode(), f'<id root="{twin}"/>'.encode())
    assert site.send(two_documents("ORU2028", newer, newer_other, "C")).code == "AA"
    assert {site.wait_delivery(one).state for one in (second, twin_2)} == {"done"}
    assert [status(site, one) for one in (first, twin, second, twin_2)] == [["Deprecated"]] * 2 + [["Approved"]] * 2


def test_two_documents_are_replaced_both_or_none(site: Site) -> None:
    admitted(site)
    _, first = published(site, "MDM2029")
    later, second = successor("MDM2030", first)
    newer, twin = cda_of(later), "2.25.2029202920292029"
    other = newer.replace(f'<id root="{second}"'.encode(), f'<id root="{twin}"'.encode())
    other = other.replace(f'<id root="{first}"/>'.encode(), b'<id root="2.25.4040404"/>')
    assert site.send(two_documents("ORU2030", newer, other, "C")).code == "AA"
    for one in (second, twin):
        assert site.wait_delivery(one).code == "predecessor.unknown"
    assert status(site, first) == ["Approved"]


# -- the record in the DMP -----------------------------------------------------------------------------------------


def test_a_closed_dmp_is_told_once_then_asked_again_at_the_next_event(site: Site) -> None:
    admitted(site)
    site.settled("ADT0001")
    site.simulator.world.set_dmp(INS, "CLOSED")
    message, document = letter("MDM2050")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "dmp.closed")
    assert zam_of(site.hospital.wait(1)) == ("N", "MDM2050", "DMPClosed", "DMP_ERROR_CODE")
    site.simulator.world.set_dmp(INS, "ACTIVE")
    site.send(identity("ADT2051", "VALI", "20240312090000"))
    site.settled("ADT2051")
    # the same day: not asked again
    assert site.wait_delivery(document).code == "dmp.closed"
    journal_day_before(site)
    site.send(identity("ADT2052", "VALI", "20240313090000"))
    assert site.wait_delivery(document, "done").state == "done"
    assert zam_of(site.hospital.wait(2))[:2] == ("Y", "MDM2050")


def journal_day_before(site: Site) -> None:
    """The DMP's last word is a day old."""
    from connector.base.clock import utc_now
    from connector.journal import Journal

    journal = Journal.open(site.settings.journal, utc_now)
    journal.transact(lambda tx: tx.execute("UPDATE patient_state SET dmp_asked = '2024-01-01T00:00:00+00:00'"))
    journal.close()


def test_no_dmp_at_all_is_a_wait_with_the_dmps_own_word(site: Site) -> None:
    admitted(site)
    site.settled("ADT0001")
    site.simulator.world.set_dmp(INS, "ABSENT")
    message, document = letter("MDM2053")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "dmp.absent")
    assert "n'a pas de DMP" in rest.reason
    assert zam_of(site.hospital.wait(1))[2:] == ("XDSUnknownPatientId", "DMP_ERROR_CODE")


def test_every_letter_for_a_closed_dmp_is_told(site: Site) -> None:
    admitted(site)
    site.settled("ADT0001")
    site.simulator.world.set_dmp(INS, "CLOSED")
    for control_id in ("MDM2056", "MDM2057"):
        message, document = letter(control_id)
        site.send(message)
        assert site.wait_delivery(document).code == "dmp.closed"
    told = {zam_of(site.hospital.wait(count)) for count in (1, 2)}
    assert told == {("N", number, "DMPClosed", "DMP_ERROR_CODE") for number in ("MDM2056", "MDM2057")}


def test_a_dmp_the_hospital_says_absent_and_that_is_absent_is_told_without_an_invented_code(site: Site) -> None:
    site.simulator.world.set_dmp(INS, "ABSENT")
    site.send(admission("ADT2058", ZFA_1="INEXISTANT"))
    message, document = letter("MDM2058")
    site.send(message)
    assert site.wait_delivery(document).code == "dmp.absent"
    assert zam_of(site.hospital.wait(1)) == ("N", "MDM2058", "906", "applicationErrorCondition")


def test_a_dmp_the_hospital_says_closed_is_asked_about_before_anything_is_sent(site: Site) -> None:
    site.send(admission("ADT2054", ZFA_1="FERME"))
    message, document = letter("MDM2054")
    site.send(message)
    assert site.wait_delivery(document).state == "done"
    assert any(line.event == "TD0.2" for line in site.lines(control_id="MDM2054"))


# -- shadow --------------------------------------------------------------------------------------------------------


def test_in_shadow_mode_everything_is_done_but_the_sending(make_site: MakeSite) -> None:
    site = make_site(publication={"mode": "shadow"})
    admitted(site)
    message, first = letter("MDM2060")
    site.send(message)
    assert site.wait_delivery(first).state == "done"
    message, second = successor("MDM2061", first)
    site.send(message)
    assert site.wait_delivery(second).state == "done"
    assert "rien n'a été envoyé" in site.settled("MDM2061")[-1].text
    assert site.simulator.world.acceptances() == {}
    assert site.query("SELECT count(*) FROM delivery WHERE kind = 'zam'") == [(0,)]
    site.restart(publication={"mode": "send"})
    # what was rehearsed may be sent for good
    message = message.replace(b"MDM2061", b"MDM2062")
    again, _ = letter("MDM2063")
    site.send(again)
    assert site.settled("MDM2063")[-1].state_to == "done"


def test_feeding_switched_off_keeps_documents_waiting(make_site: MakeSite) -> None:
    site = make_site(publication={"mode": "off"})
    admitted(site)
    message, document = letter("MDM2064")
    site.send(message)
    assert site.wait_delivery(document).code == "feeding.off"
