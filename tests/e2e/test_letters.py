"""From a letter handed in to the DMP: every gate of a hospital's message is a letter's too."""

from __future__ import annotations

import re

from connector.flows.letters import Source
from tests.e2e.harness import Site
from tests.e2e.letters import STAY, data, desk_of, fresh_cda, stays_awaiting
from tests.e2e.messages import admission, edit, sample


def admitted(site: Site) -> None:
    assert site.sample("adt-a01-admission.er7").code == "AA"


def discharged(site: Site) -> None:
    admitted(site)
    assert site.sample("adt-a03-sortie.er7").code == "AA"
    site.settled("ADT0001")


def routed(site: Site, control_id: str) -> None:
    site.wait(lambda lines: any(line.event == "route" for line in lines), control_id=control_id)


# -- a CDA ---------------------------------------------------------------------------------------------------------


def test_a_cda_goes_the_way_of_any_message(site: Site) -> None:
    admitted(site)
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        receipt = desk.submit(source := Source(cda=cda))
        assert (receipt.verdict, receipt.unique_id, receipt.action) == ("accepted", unique_id, "create")
        assert site.wait_delivery(unique_id).state == "done"
        assert site.accepted(unique_id) == 1
        assert desk.submit(source).message_id == receipt.message_id
    lines = site.lines(document_id=unique_id)
    assert [line.event for line in lines if line.event == "reçu"] == ["reçu"]
    assert site.query("SELECT sender, type, event FROM message WHERE id = ?", receipt.message_id) == [
        ("CONNECTOR|LETTERS", "MDM", "T02")
    ]
    assert site.accepted(unique_id) == 1


def test_a_cda_that_nobody_signed_is_not_sent(site: Site) -> None:
    cda, _ = fresh_cda(lambda whole: re.sub(rb"<legalAuthenticator>.*</legalAuthenticator>", b"", whole, flags=re.S))
    with desk_of(site) as desk:
        receipt = desk.submit(Source(cda=cda))
    assert receipt.verdict == "refused"
    assert [finding.path for finding in receipt.findings] == ["legalAuthenticator/assignedEntity/id"]
    assert "responsable légal" in receipt.findings[0].text
    assert site.query("SELECT count(*) FROM message") == [(0,)]


def test_what_the_door_refuses_is_told_with_its_place(site: Site) -> None:
    cda, _ = fresh_cda(
        lambda whole: whole.replace(b'<id extension="279035121518989" root="1.2.250.1.213.1.4.10"/>', b"")
    )
    with desk_of(site) as desk:
        receipt = desk.submit(Source(cda=cda))
    assert receipt.verdict == "refused"
    assert [(finding.path, finding.found) for finding in receipt.findings] == [("PID-1^3", "903")]


def test_a_letter_without_known_consent_waits(site: Site) -> None:
    site.send(admission("ADT2001", ZFA_9="NA"))
    site.settled("ADT2001")
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        assert desk.submit(Source(cda=cda)).verdict == "accepted"
    rest = site.wait_delivery(unique_id)
    assert (rest.state, rest.code) == ("held", "consent.unknown")
    admitted(site)
    assert site.wait_delivery(unique_id, "done").state == "done"


def test_a_letter_of_a_patient_no_admission_spoke_of_waits(site: Site) -> None:
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        desk.submit(Source(cda=cda))
    assert site.wait_delivery(unique_id).code == "identity.no-cross-reference"
    assert site.accepted(unique_id) == 0


def test_an_opposition_refuses_a_letter(site: Site) -> None:
    admitted(site)
    site.sample("adt-a01-opposition.er7")
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=data()))
    assert receipt.verdict == "accepted"
    rest = site.wait_delivery(receipt.unique_id)
    assert (rest.state, rest.code) == ("refused", "906")
    assert site.accepted(receipt.unique_id) == 0


# -- plain data ----------------------------------------------------------------------------------------------------


def test_from_the_discharge_to_the_letter_in_the_dmp(site: Site) -> None:
    discharged(site)
    assert stays_awaiting(site) == [STAY]
    # the hospital's record gives the clinical part; the patient and the dates are those of the stay
    letter = data(patient=None, stay={"facility_type": "SA01", "practice_setting": "ETABLISSEMENT"})
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=letter, key="dpi-4711", stay="000897406"))
        assert receipt.verdict == "accepted", receipt.findings
        assert site.wait_delivery(receipt.unique_id).state == "done"
        assert site.accepted(receipt.unique_id) == 1
        assert stays_awaiting(site) == []
        known = desk.submit(Source(data=letter, key="dpi-4711", stay="000897406"))
        assert (known.verdict, known.unique_id, known.message_id) == ("known", receipt.unique_id, receipt.message_id)
        changed = desk.submit(Source(data={**letter, "reason": "Autre motif."}, key="dpi-4711", stay="000897406"))
        assert [finding.path for finding in changed.findings] == ["key"]
    rows = site.query("SELECT stay, document_id FROM delivery WHERE kind = 'publication'")
    assert rows == [(STAY, receipt.unique_id)]


def test_a_stay_reopened_or_cancelled_waits_for_nothing(site: Site) -> None:
    discharged(site)
    site.send(admission("ADT2010", "A13"))
    routed(site, "ADT2010")
    assert stays_awaiting(site) == []
    site.send(edit(sample("adt-a03-sortie"), "MSH-10", "ADT2011").encode())
    routed(site, "ADT2011")
    assert stays_awaiting(site) == [STAY]
    site.send(admission("ADT2012", "A11"))
    routed(site, "ADT2012")
    assert stays_awaiting(site) == []


def test_a_consultation_waits_for_no_letter(site: Site) -> None:
    for number, event in (("ADT2020", "A04"), ("ADT2021", "A03")):
        site.send(admission(number, event, PV1_2="O"))
        routed(site, number)
    assert stays_awaiting(site) == []


def test_a_letter_that_contradicts_its_stay_is_refused_with_the_place(site: Site) -> None:
    discharged(site)
    other = data()["patient"] | {"birth_date": "1980-03-28"}
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=data(patient=other), stay=STAY))
    assert receipt.verdict == "refused"
    assert [finding.path for finding in receipt.findings] == ["patient.birth_date"]


def test_a_letter_of_another_time_is_not_taken_for_the_only_stay_known(site: Site) -> None:
    discharged(site)
    former = data()["stay"] | {"admission": "2022-05-02T09:00:00+02:00", "discharge": "2022-05-06T10:00:00+02:00"}
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=data(stay=former)))
    assert receipt.verdict == "accepted", receipt.findings
    assert site.wait_delivery(receipt.unique_id).state == "done"
    assert stays_awaiting(site) == [STAY]


def test_a_stay_nobody_announced_is_said(site: Site) -> None:
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=data(), stay="999@CHU-X"))
    assert [finding.path for finding in receipt.findings] == ["stay"]


def test_data_without_a_signatory_are_refused(site: Site) -> None:
    admitted(site)
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=data(legal_authenticator=None)))
    assert [finding.path for finding in receipt.findings] == ["legal_authenticator"]
    assert site.query("SELECT count(*) FROM message WHERE type = 'MDM'") == [(0,)]


def test_a_letter_the_pipeline_refused_is_put_right_under_the_same_key(site: Site) -> None:
    admitted(site)
    site.sample("adt-a01-opposition.er7")
    with desk_of(site) as desk:
        first = desk.submit(Source(data=data(), key="K1"))
        assert site.wait_delivery(first.unique_id).state == "refused"
        site.send(admission("ADT2040", "A31", ZFA_10="20990101000000"))
        site.settled("ADT2040")
        second = desk.submit(Source(data=data(reason="Motif corrigé."), key="K1"))
    assert (second.verdict, second.unique_id) == ("accepted", first.unique_id)
    assert site.wait_delivery(second.unique_id, "done").state == "done"
    assert site.accepted(second.unique_id) == 1


# -- versions ------------------------------------------------------------------------------------------------------


def test_a_letter_is_replaced_then_deleted(site: Site) -> None:
    discharged(site)
    with desk_of(site) as desk:
        first = desk.submit(Source(data=data(), stay=STAY))
        assert site.wait_delivery(first.unique_id).state == "done"
        second = desk.replace(Source(data=data(reason="Motif corrigé."), stay=STAY), first.unique_id)
        assert (second.verdict, second.action) == ("accepted", "replace"), second.findings
        assert site.wait_delivery(second.unique_id).state == "done"
        chain = site.query("SELECT unique_id, number, state, replaced_by FROM version ORDER BY number")
        assert chain == [
            (first.unique_id, 1, "replaced", second.unique_id),
            (second.unique_id, 2, "published", ""),
        ]
        assert stays_awaiting(site) == []
        gone = desk.delete(second.unique_id)
        assert (gone.verdict, gone.action) == ("accepted", "delete")
        site.wait(lambda lines: any("supprimé" in line.text for line in lines), document_id=second.unique_id)
        assert stays_awaiting(site) == [STAY]
        again = desk.submit(Source(data=data(), stay=STAY))
        assert [finding.path for finding in again.findings] == ["key"]


def test_a_stay_whose_letter_waits_for_something_says_so(site: Site) -> None:
    site.send(admission("ADT2050", ZFA_9="NA"))
    site.sample("adt-a03-sortie.er7")
    routed(site, "ADT0005")
    with desk_of(site) as desk:
        receipt = desk.submit(Source(data=data(), stay=STAY))
        assert site.wait_delivery(receipt.unique_id).state == "held"
        (one,) = desk.awaiting()
        assert (one.stay, one.handed) == (STAY, receipt.unique_id)
        admitted(site)
        assert site.wait_delivery(receipt.unique_id, "done").state == "done"
    assert stays_awaiting(site) == []


def test_a_letter_still_waiting_can_be_replaced_and_keeps_its_chain(site: Site) -> None:
    site.send(admission("ADT2030", ZFA_9="NA"))
    site.settled("ADT2030")
    with desk_of(site) as desk:
        first = desk.submit(Source(data=data()))
        assert site.wait_delivery(first.unique_id).state == "held"
        second = desk.replace(Source(data=data(reason="Motif corrigé.")), first.unique_id)
        assert second.verdict == "accepted", second.findings
    admitted(site)
    assert site.wait_delivery(second.unique_id, "done").state == "done"
    assert site.query("SELECT number, state FROM version ORDER BY number") == [(1, "replaced"), (2, "published")]


def test_a_cda_replaces_the_document_it_names_and_no_other(site: Site) -> None:
    cda, _ = fresh_cda()
    with desk_of(site) as desk:
        receipt = desk.replace(Source(cda=cda), "2.25.4")
    assert [finding.path for finding in receipt.findings] == ["relatedDocument/parentDocument/id"]


def test_a_document_the_journal_never_had_is_deleted_with_its_cda_only(site: Site) -> None:
    admitted(site)
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        assert [finding.path for finding in desk.delete(unique_id).findings] == ["unique_id"]
        assert [finding.path for finding in desk.delete("2.25.4", cda).findings] == ["id"]
        assert desk.delete(unique_id, cda).verdict == "accepted"
    assert site.wait_delivery(unique_id).state == "held"
