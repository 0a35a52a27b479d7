"""What the DMP, the line and the sender's listener may do wrong, and how each document ends."""

from __future__ import annotations

import pytest

from connector.journal import JournalReader
from connector.journal.worklist import worklist
from connector.simulator.faults import Effect, FaultRule
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Hospital, Site
from tests.e2e.messages import letter
from tests.e2e.test_publication import admitted, zam_of


@pytest.fixture
def ready(site: Site) -> Site:
    """A site with the patient admitted, identity and consent known."""
    admitted(site)
    site.settled("ADT0001")
    return site


def fed(site: Site) -> list[str]:
    """The calls by which a document was fed, admission put aside."""
    calls = [call.transaction for call in site.simulator.log.lines()]
    return calls[calls.index("ITI-41") :]


@pytest.mark.parametrize("code", ["XDSRegistryBusy", "XDSRepositoryOutOfResources"])
def test_a_busy_server_is_asked_then_tried_again(ready: Site, code: str) -> None:
    message, document = letter("MDM2001")
    ready.simulator.faults.add(
        FaultRule("registry-error", transaction="ITI-41", unique_id=document, code=code, times=2)
    )
    ready.send(message)
    assert ready.wait_delivery(document).state == "done"
    states = [line.state_to for line in ready.lines(control_id="MDM2001")]
    assert states.count("retry") == 2
    assert fed(ready) == ["ITI-41", "ITI-18", "ITI-41", "ITI-18", "ITI-41"]
    assert ready.accepted(document) == 1
    assert zam_of(ready.hospital.wait(1))[0] == "Y"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("XDSPatientIdDoesNotMatch", "identitovigilance"),
        ("XDSRegistryMetadataError", "Corriger le document"),
    ],
)
def test_a_refusal_is_final_explained_in_french_and_told_to_the_sender(ready: Site, code: str, words: str) -> None:
    message, document = letter("MDM2002")
    text = "texte du serveur"
    ready.simulator.faults.add(
        FaultRule("registry-error", transaction="ITI-41", unique_id=document, code=code, text=text)
    )
    ready.send(message)
    rest = ready.wait_delivery(document)
    assert (rest.state, rest.code) == ("refused", code)
    assert words in rest.reason
    assert f"[{code} : {text}]" in rest.reason
    zam = ready.hospital.wait(1)
    assert zam_of(zam) == ("N", "MDM2002", code, "DMP_ERROR_CODE")
    error = zam.first("ERR")
    assert error is not None
    assert error.get(5, comp=2) == text
    assert ready.accepted(document) == 0


def test_a_closed_dmp_refuses_the_letter(ready: Site) -> None:
    ready.simulator.faults.add(
        FaultRule("fault", transaction="ITI-41", code="Sender", subcode="DMPClosed", text="DMP fermé")
    )
    message, document = letter("MDM2003")
    ready.send(message)
    rest = ready.wait_delivery(document)
    assert (rest.state, rest.code) == ("refused", "DMPClosed")
    assert "fermé" in rest.reason
    assert zam_of(ready.hospital.wait(1))[2] == "DMPClosed"


@pytest.mark.parametrize("code", ["DMPInvalidCertificate", "XDSRepositoryError"])
def test_a_wrong_setting_or_an_unknown_word_waits_for_a_person_and_blames_nobody(ready: Site, code: str) -> None:
    effect: Effect = "fault" if code.startswith("DMP") else "registry-error"
    fields = {"subcode": code} if effect == "fault" else {"code": code}
    message, document = letter("MDM2004")
    ready.simulator.faults.add(FaultRule(effect, transaction="ITI-41", **fields))  # type: ignore[arg-type]
    ready.send(message)
    rest = ready.wait_delivery(document)
    assert rest.state == "held"
    assert rest.code.endswith(code)
    assert code in rest.reason
    assert ready.query("SELECT count(*) FROM delivery WHERE kind = 'zam'") == [(0,)]


def test_a_busy_dmp_at_admission_is_asked_again(site: Site) -> None:
    site.log_on()
    site.simulator.faults.add(FaultRule("http-500", transaction="TD0.2"))
    site.simulator.faults.add(FaultRule("cut-before", transaction="TD0.3"))
    site.simulator.faults.add(FaultRule("registry-error", transaction="ITI-18", code="XDSRegistryBusy"))
    site.simulator.faults.add(FaultRule("cut-during", transaction="ITI-43"))
    admitted(site)
    lines = site.settled("ADT0001")
    assert [line.state_to for line in lines].count("retry") == 4
    assert "1 document(s) rapatrié(s)" in lines[-1].text
    assert not any("without" in line.text or "connection" in line.text for line in lines)


# -- the business acknowledgement ----------------------------------------------------------------------------------


def test_a_zam_waits_for_a_listener_that_is_down_and_delays_no_letter(ready: Site) -> None:
    port = ready.hospital.port
    ready.hospital.close()
    first, one = letter("MDM2010")
    second, two = letter("MDM2011")
    ready.send(first)
    ready.send(second)
    assert ready.wait_delivery(one).state == "done"
    assert ready.wait_delivery(two).state == "done"
    rest = ready.wait_delivery(one, "retry", kind="zam")
    assert "injoignable" in rest.reason
    assert "connexion impossible" in rest.reason
    ready.hospital = Hospital(port)
    assert ready.wait_delivery(two, kind="zam").state == "done"
    assert {zam_of(ready.hospital.wait(n))[1] for n in (1, 2)} == {"MDM2010", "MDM2011"}


def test_a_zam_answered_ae_goes_to_the_worklist(ready: Site) -> None:
    ready.hospital.code = "AE"
    message, document = letter("MDM2012")
    ready.send(message)
    rest = ready.wait_delivery(document, kind="zam")
    assert (rest.state, rest.code) == ("refused", "zam.AE")
    journal = JournalReader(ready.settings.journal)
    try:
        items = [(item.kind, item.state, item.document_id) for item in worklist(journal)]
    finally:
        journal.close()
    assert items == [("zam", "refused", document)]
    assert ready.wait_delivery(document).state == "done"


def test_a_zam_answered_ar_is_sent_again_under_the_same_number(ready: Site) -> None:
    ready.hospital.code = "AR"
    message, document = letter("MDM2013")
    ready.send(message)
    first = ready.hospital.wait(1)
    ready.hospital.code = "AA"
    assert ready.wait_delivery(document, "done", kind="zam").state == "done"
    again = ready.hospital.received[-1]
    assert first.header.control_id == again.header.control_id


def test_a_sender_without_destination_waits_for_a_setting(make_site: MakeSite) -> None:
    site = make_site(zam={"destinations": []})
    admitted(site)
    message, document = letter("MDM2014")
    site.send(message)
    rest = site.wait_delivery(document, kind="zam")
    assert (rest.state, rest.code) == ("held", "configuration.zam")
