"""A document from its message to the DMP: every gate that may stop it, and what each stop says."""

from __future__ import annotations

import pytest

from connector.base.clock import utc_now
from connector.hl7.er7 import Message
from connector.journal import Journal, Tx
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Site
from tests.e2e.messages import INS, IPP, NESSI, admission, identity, letter, merge, without

NOT_QUALIFIED = "identity.not-qualified"
INS_PID = f"{INS}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
OTHER_IPP = "000004"


def pid3(ipp: str, ins: str = INS_PID) -> str:
    return f"{ipp}^^^CHU-X&000897406&N^PI~{ins}"


def zam_of(message: Message) -> tuple[str, str, str, str]:
    """(Y or N, request's MSH-10, ERR-5.1, ERR-5.3)."""
    obx, err = message.first("OBX"), message.first("ERR")
    assert obx is not None
    return obx.get(5), obx.get(4), err.get(5) if err else "", err.get(5, comp=3) if err else ""


def admitted(site: Site) -> None:
    assert site.sample("adt-a01-admission.er7").code == "AA"


def test_a_letter_of_an_admitted_patient_reaches_the_dmp_and_is_acknowledged(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1001")
    assert site.send(message).code == "AA"
    assert site.wait_delivery(document).state == "done"
    assert site.accepted(document) == 1
    assert zam_of(site.hospital.wait(1)) == ("Y", "MDM1001", "", "")


# -- qualification -------------------------------------------------------------------------------------------------


def test_a_letter_waits_while_the_patient_is_not_qualified_and_leaves_with_the_next_a31(site: Site) -> None:
    admitted(site)
    site.sample("adt-a31-identite-provisoire.er7")
    message, document = letter("MDM1002")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", NOT_QUALIFIED)
    assert "non qualifié" in rest.reason
    site.sample("adt-a31-identite-qualifiee.er7")
    assert site.wait_delivery(document, "done").state == "done"
    assert site.accepted(document) == 1
    assert any(line.event == "libéré" for line in site.lines(ipp=IPP))


def test_a_letter_that_says_prov_itself_leaves_once_the_hospital_says_otherwise_later(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1003", PID_32="PROV")
    site.send(message)
    assert site.wait_delivery(document).code == NOT_QUALIFIED
    site.send(identity("ADT1003", "VALI", "20240310090000"))  # before the letter: says nothing of it
    site.settled("ADT1003")
    assert site.wait_delivery(document, "held").code == NOT_QUALIFIED
    site.send(identity("ADT1004", "VALI", "20240311090000"))
    assert site.wait_delivery(document, "done").state == "done"


def test_another_ins_than_the_admission_holds_until_the_identity_is_put_right(site: Site) -> None:
    ruth = {"PID_5": "NESSI^RUTH^RUTH^^^^L", "PID_7": "19770714", "PID_32": "VALI"}
    other = f"{NESSI}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    site.send(admission("ADT1005", PID_3=pid3(IPP, other), **ruth))
    lines = site.settled("ADT1005")
    assert lines[-1].state_to == "held"
    assert "diffèrent" in lines[-1].text
    message, document = letter("MDM1004")
    site.send(message)
    assert site.wait_delivery(document).code == "identity.ins-differs"
    site.send(identity("ADT1006", "VALI", "20240312090000"))
    assert site.wait_delivery(document, "done").state == "done"


# -- consent -------------------------------------------------------------------------------------------------------


def test_an_opposition_refuses_the_letter_and_tells_its_sender(site: Site) -> None:
    admitted(site)
    site.sample("adt-a01-opposition.er7")
    message, document = letter("MDM1010")
    assert site.send(message).code == "AA"
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("refused", "906")
    assert "oppose" in rest.reason
    assert zam_of(site.hospital.wait(1)) == ("N", "MDM1010", "906", "applicationErrorCondition")
    assert site.accepted(document) == 0


def test_an_opposition_that_arrives_while_a_letter_waits_is_obeyed_at_its_release(site: Site) -> None:
    admitted(site)
    site.sample("adt-a31-identite-provisoire.er7")
    message, document = letter("MDM1011")
    site.send(message)
    assert site.wait_delivery(document).state == "held"
    site.send(identity("ADT1011", "PROV", "20240307123000"))
    site.sample("adt-a01-opposition.er7")
    site.sample("adt-a31-identite-qualifiee.er7")
    assert site.wait_delivery(document, "refused").code == "906"
    assert zam_of(site.hospital.wait(1))[0] == "N"
    assert site.accepted(document) == 0


UNKNOWN = {"NA": {"ZFA_9": "NA"}, "empty": {"ZFA_9": "", "ZFA_10": ""}, "absent": {}}


@pytest.mark.parametrize("said", UNKNOWN)
def test_a_consent_not_collected_holds_until_it_is(site: Site, said: str) -> None:
    first = admission("ADT1012", **UNKNOWN[said])
    site.send(without(first.decode(), "ZFA").encode() if said == "absent" else first)
    message, document = letter("MDM1012")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "consent.unknown")
    assert "ZFA-9" in rest.reason
    admitted(site)
    assert site.wait_delivery(document, "done").state == "done"


def test_a_consent_not_collected_then_refused_refuses_what_waited(site: Site) -> None:
    site.send(admission("ADT1013", ZFA_9="NA"))
    message, document = letter("MDM1013")
    site.send(message)
    assert site.wait_delivery(document).code == "consent.unknown"
    site.sample("adt-a01-opposition.er7")
    assert site.wait_delivery(document, "refused").code == "906"


@pytest.mark.parametrize("said", UNKNOWN)
def test_a_consent_not_collected_feeds_when_the_site_says_so(make_site: MakeSite, said: str) -> None:
    site = make_site(publication={"consent_unknown": "feed"})
    first = admission("ADT1014", **UNKNOWN[said])
    site.send(without(first.decode(), "ZFA").encode() if said == "absent" else first)
    message, document = letter("MDM1014")
    site.send(message)
    assert site.wait_delivery(document).state == "done"


def test_an_opposition_is_obeyed_even_where_unknown_means_feed(make_site: MakeSite) -> None:
    site = make_site(publication={"consent_unknown": "feed"})
    site.sample("adt-a01-opposition.er7")
    message, document = letter("MDM1015")
    site.send(message)
    assert site.wait_delivery(document).code == "906"


# -- whose patient -------------------------------------------------------------------------------------------------


def test_a_merge_brings_documents_of_the_old_number_to_the_survivor(site: Site) -> None:
    admitted(site)
    site.send(identity("ADT1020", "PROV", "20240307140000", PID_3=pid3(OTHER_IPP)))
    waiting, first = letter("MDM1020", PID_3=pid3(OTHER_IPP))
    site.send(waiting)
    assert site.wait_delivery(first).code == NOT_QUALIFIED
    assert site.send(merge("ADT1021", OTHER_IPP)).code == "AA"
    assert site.wait_delivery(first, "done").state == "done"
    later, second = letter("MDM1021", PID_3=pid3(OTHER_IPP))
    site.send(later)
    assert site.wait_delivery(second).state == "done"
    patients = site.query("SELECT DISTINCT patient_id FROM delivery WHERE document_id IN (?, ?)", first, second)
    survivor = site.query("SELECT patient_id FROM patient_state WHERE ipp = ? AND qualified = 1", IPP)
    assert patients == survivor
    documents = {line.document_id for line in site.lines(ipp=IPP)}
    assert {first, second} <= documents


def test_a_merge_of_two_different_ins_holds_both_patients(site: Site) -> None:
    admitted(site)
    other = f"{NESSI}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    ruth = {"PID_5": "NESSI^RUTH^RUTH^^^^L", "PID_7": "19770714"}
    site.send(identity("ADT1022", "VALI", "20240307140000", PID_3=pid3(OTHER_IPP, other), **ruth))
    site.send(merge("ADT1023", OTHER_IPP))
    site.wait(lambda lines: any(line.event == "suspendu" for line in lines), ipp=OTHER_IPP)
    assert [code for code, _ in notices(site)] == ["patient.blocked", "patient.blocked"]
    for number, ipp in enumerate((IPP, OTHER_IPP)):
        message, document = letter(f"MDM103{number}", PID_3=pid3(ipp))
        site.send(message)
        rest = site.wait_delivery(document)
        assert (rest.state, rest.code) == ("held", "patient.blocked")
        assert "identitovigilance" in rest.reason
        assert site.accepted(document) == 0


def test_a_move_between_patients_suspends_publications_and_tells_a_person(site: Site) -> None:
    admitted(site)
    site.settled("ADT0001")
    assert site.send(merge("ADT1024", OTHER_IPP, "A44")).code == "AA"
    message, document = letter("MDM1040")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "patient.blocked")
    assert "A44" in rest.reason
    assert [code for code, _ in notices(site)] == ["patient.blocked"]


def test_a_number_that_changed_is_the_same_patient(site: Site) -> None:
    admitted(site)
    site.send(identity("ADT1030", "PROV", "20240307140000", PID_3=pid3(OTHER_IPP)))
    waiting, first = letter("MDM1044", PID_3=pid3(OTHER_IPP))
    site.send(waiting)
    assert site.wait_delivery(first).code == NOT_QUALIFIED
    assert site.send(merge("ADT1031", OTHER_IPP, "A47")).code == "AA"
    assert site.wait_delivery(first, "done").state == "done"
    assert notices(site) == []


@pytest.mark.parametrize("event", ["A11", "A38"])
def test_a_cancelled_stay_holds_its_letters_until_a_person_lets_them_go(site: Site, event: str) -> None:
    admitted(site)
    site.send(admission("ADT1025", event))
    message, document = letter("MDM1041")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "stay.cancelled")
    # a number is never used again: admitting the stay once more lets nothing go by itself
    site.send(admission("ADT1026", "A31", PV1_2="N"))
    site.settled("ADT1026")
    assert site.wait_delivery(document).code == "stay.cancelled"
    site.act("release", document, unblock=True)
    assert site.wait_delivery(document, "done").state == "done"


def test_a08_is_recorded_and_not_applied(site: Site) -> None:
    admitted(site)
    site.sample("adt-a31-identite-provisoire.er7")
    assert site.sample("adt-a08-hors-profil.er7").code == "AA"
    message, document = letter("MDM1042")
    site.send(message)
    assert site.wait_delivery(document).code == NOT_QUALIFIED
    assert any(line.event == "hors profil" for line in site.lines(control_id="ADT0006"))


def test_a08_counts_as_an_a31_for_a_listed_sender(make_site: MakeSite) -> None:
    site = make_site(intake={"a08_as_a31": ["GAM|CHU-X"]})
    admitted(site)
    site.sample("adt-a31-identite-provisoire.er7")
    message, document = letter("MDM1043")
    site.send(message)
    assert site.wait_delivery(document).code == NOT_QUALIFIED
    site.sample("adt-a08-hors-profil.er7")
    assert site.wait_delivery(document, "done").state == "done"


# -- what is not sent ----------------------------------------------------------------------------------------------


def test_the_same_message_twice_is_answered_alike_and_sent_once(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1060")
    assert site.send(message) == site.send(message)
    assert site.wait_delivery(document).state == "done"
    assert any(line.event == "duplicate" for line in site.lines(control_id="MDM1060"))
    assert site.query("SELECT count(*) FROM delivery WHERE document_id = ? AND kind = 'publication'", document) == [
        (1,)
    ]


def test_the_same_document_under_another_message_number_is_sent_once(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1061")
    site.send(message)
    assert site.wait_delivery(document).state == "done"
    site.send(message.replace(b"MDM1061", b"MDM1062"))
    site.wait(lambda lines: any(line.event == "doublon" for line in lines), control_id="MDM1062")
    assert site.accepted(document) == 1
    answers = [site.hospital.wait(count).first("OBX") for count in (1, 2)]
    assert [(obx.get(4), obx.get(5)) for obx in answers if obx] == [("MDM1061", "Y"), ("MDM1062", "Y")]


def test_a_second_request_for_a_waiting_document_gets_its_own_answer(site: Site) -> None:
    site.send(admission("ADT1070", ZFA_9="NA"))
    message, document = letter("MDM1070")
    site.send(message)
    assert site.wait_delivery(document).code == "consent.unknown"
    site.send(message.replace(b"MDM1070", b"MDM1071"))
    site.wait(lambda lines: any(line.event == "doublon" for line in lines), control_id="MDM1071")
    assert site.hospital.received == []
    admitted(site)
    assert site.wait_delivery(document, "done").state == "done"
    answers = {zam_of(site.hospital.wait(count))[:2] for count in (1, 2)}
    assert answers == {("Y", "MDM1070"), ("Y", "MDM1071")}
    assert site.accepted(document) == 1


def notices(site: Site) -> list[tuple[str, str]]:
    return site.query("SELECT reason_code, reason FROM delivery WHERE kind = 'notice' AND state = 'held' ORDER BY id")


@pytest.mark.parametrize("event", ["A11", "A38"])
def test_a_stay_cancelled_after_its_letters_were_published_alerts(site: Site, event: str) -> None:
    admitted(site)
    message, document = letter("MDM1072")
    site.send(message)
    assert site.wait_delivery(document).state == "done"
    site.send(admission("ADT1072", event))
    site.wait(lambda lines: any(line.state_to == "held" for line in lines), control_id="ADT1072")
    assert [code for code, _ in notices(site)] == ["stay.cancelled-published"]
    assert "1 document(s) déjà publié(s)" in notices(site)[0][1]


def test_a_move_between_patients_after_a_publication_alerts(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1073")
    site.send(message)
    assert site.wait_delivery(document).state == "done"
    site.send(merge("ADT1073", OTHER_IPP, "A44"))
    site.wait(lambda lines: [line.state_to for line in lines].count("held") == 2, control_id="ADT1073")
    assert [code for code, _ in notices(site)] == ["patient.blocked", "patient.moved-published"]


def test_what_a_former_release_did_not_serve_is_taken_up(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1074")
    site.send(message)
    assert site.wait_delivery(document).state == "done"
    site.stop()
    journal = Journal.open(site.settings.journal, utc_now)

    def as_before(tx: Tx) -> None:
        payload = {"index": 0, "unique_id": document, "action": "delete", "sender": "DPI|Organisation-Y"}
        (number,) = tx.execute("SELECT message_id FROM delivery WHERE document_id = ?", (document,)).fetchone()
        tx.deliver("publication", 1, payload, message_id=number, state="held", reason_code="action.not-served")

    journal.transact(as_before)
    journal.close()
    site.start()
    sql = "SELECT count(*) FROM delivery WHERE reason_code = 'action.not-served'"
    assert site.query(sql) == [(0,)]


def test_a_document_not_bound_for_the_dmp_is_only_noted(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1063", OBX7_5="N^^expandedYes-NoIndicator")
    assert site.send(message).code == "AA"
    lines = site.wait(lambda found: any(line.event == "sans objet" for line in found), control_id="MDM1063")
    assert "DESTDMP" in next(line.text for line in lines if line.event == "sans objet")
    assert site.query("SELECT count(*) FROM delivery WHERE kind = 'publication'") == [(0,)]
    assert site.accepted(document) == 0


def test_no_zam_when_none_was_asked_for(site: Site) -> None:
    admitted(site)
    message, document = letter("MDM1064", OBX10_5="N^^expandedYes-NoIndicator")
    site.send(message)
    assert site.wait_delivery(document).state == "done"
    assert site.query("SELECT count(*) FROM delivery WHERE kind = 'zam'") == [(0,)]
