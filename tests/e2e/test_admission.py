"""An admission: identity first, then the DMP, then the consultation, and each reason to stop on the way."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connector.base.clock import utc_now
from connector.simulator.directory import DomainId
from connector.simulator.world import World
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Site
from tests.e2e.messages import INS, IPP, NESSI, admission, letter, sample, without

PixSite = Callable[..., Site]
DOCTOR = "801234564895"
LOCAL_OID = "1.2.250.1.999.2.1"
NO_CROSSREF = "identity.no-cross-reference"


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def known_as(ipp: str, holder: str = INS, local: tuple[str, str] = ("000897406", "N")) -> Callable[[World], None]:
    """The identity server knows `ipp`, in the domain CHU-X identified by `local`, as `holder` and nobody else."""

    def change(world: World) -> None:
        world.change_patient(INS, identifiers=())
        world.change_patient(holder, identifiers=(DomainId(ipp, "CHU-X", *local),))

    return change


@pytest.fixture(params=["v2", "v3"])
def pix_site(request: pytest.FixtureRequest, make_site: MakeSite) -> PixSite:
    """`pix_site(ipp, holder)`: a site whose identity server is asked by ITI-9, then the same by ITI-45."""

    def make(ipp: str = IPP, holder: str = INS) -> Site:
        if request.param == "v2":
            return make_site(known_as(ipp, holder))
        site = make_site(known_as(ipp, holder, (LOCAL_OID, "ISO")), pix={"protocol": "off"})
        site.restart(
            pix={
                "protocol": "v3",
                "url": site.simulator.urls["pixv3"],
                "sender_oid": "1.2.250.1.999.1.1",
                "receiver_oid": "1.2.250.1.999.3.1",
                "local_oids": {"CHU-X": LOCAL_OID},
            }
        )
        return site

    return make


# -- identity ------------------------------------------------------------------------------------------------------


def test_the_identity_server_confirms_the_ins(pix_site: PixSite) -> None:
    site = pix_site()
    site.sample("adt-a01-admission.er7")
    lines = site.settled("ADT0001")
    assert any(line.text == "INS confirmé par le serveur d'identités" for line in lines)
    assert any(line.event == "TD0.2" and "DMP actif" in line.text for line in lines)
    message, document = letter("MDM3001")
    site.send(message)
    assert site.wait_delivery(document).state == "done"


def test_a_patient_the_identity_server_does_not_know_waits(pix_site: PixSite) -> None:
    site = pix_site("999999")
    site.sample("adt-a01-admission.er7")
    lines = site.settled("ADT0001")
    assert "inconnu du serveur d'identités" in lines[-1].text
    assert not any(line.event == "TD0.2" for line in lines)
    message, document = letter("MDM3002")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", NO_CROSSREF)


def test_another_ins_at_the_identity_server_holds(pix_site: PixSite) -> None:
    site = pix_site(IPP, NESSI)
    site.sample("adt-a01-admission.er7")
    lines = site.settled("ADT0001")
    assert lines[-1].state_to == "held"
    message, document = letter("MDM3003")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", "identity.ins-differs")
    assert site.accepted(document) == 0


def test_an_unknown_patient_leaves_where_the_message_is_trusted(make_site: MakeSite) -> None:
    site = make_site(known_as("999999"), identity={"no_cross_reference": "trust-message"})
    site.sample("adt-a01-admission.er7")
    assert any(line.event == "TD0.2" for line in site.settled("ADT0001"))
    message, document = letter("MDM3004")
    site.send(message)
    assert site.wait_delivery(document).state == "done"


def test_a_trusted_message_never_outweighs_another_ins(make_site: MakeSite) -> None:
    site = make_site(known_as(IPP, NESSI), identity={"no_cross_reference": "trust-message"})
    site.sample("adt-a01-admission.er7")
    message, document = letter("MDM3005")
    site.send(message)
    assert site.wait_delivery(document).code == "identity.ins-differs"


def test_a_server_that_fails_is_asked_again(pix_site: PixSite) -> None:
    site = pix_site()
    site.simulator.identity.internal_failures = 2
    site.sample("adt-a01-admission.er7")
    lines = site.settled("ADT0001")
    assert [line.state_to for line in lines].count("retry") >= 1
    assert lines[-1].state_to == "done"
    message, document = letter("MDM3006")
    site.send(message)
    assert site.wait_delivery(document).state == "done"


@pytest.mark.parametrize("policy", ["hold", "trust-message"])
def test_an_identity_server_that_is_down(make_site: MakeSite, policy: str) -> None:
    site = make_site(pix={"port": dead_port()}, identity={"no_cross_reference": policy})
    site.sample("adt-a01-admission.er7")
    message, document = letter("MDM3007")
    site.send(message)
    if policy == "trust-message":
        assert site.wait_delivery(document).state == "done"
        return
    lines = site.wait(lambda found: any(line.state_to == "retry" for line in found), control_id="ADT0001")
    assert any("serveur d'identités injoignable" in line.text and "connexion impossible" in line.text for line in lines)
    assert site.accepted(document) == 0
    site.restart(pix={"port": site.simulator.query_port})
    assert site.wait_delivery(document).state == "done"


def test_a_document_without_ipp_uses_the_one_of_the_admission(pix_site: PixSite) -> None:
    site = pix_site()
    # a discharge tells who the patient is and asks nobody
    site.sample("adt-a03-sortie.er7")
    site.restart(publication={"consent_unknown": "feed"})
    ins_alone = f"{INS}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    message, document = letter("MDM3008", PID_3=ins_alone)
    assert site.send(message).code == "AA"
    assert site.wait_delivery(document).state == "done"
    assert document in {line.document_id for line in site.lines(ipp=IPP)}
    assert any("INS confirmé" in line.text for line in site.lines(document_id=document))


def test_a_document_without_ipp_of_a_patient_never_admitted_waits(make_site: MakeSite) -> None:
    site = make_site(publication={"consent_unknown": "feed"})
    message, document = letter("MDM3009", PID_3=f"{INS}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS")
    site.send(message)
    rest = site.wait_delivery(document)
    assert (rest.state, rest.code) == ("held", NO_CROSSREF)


def test_an_identity_that_is_not_qualified_stops_before_the_dmp(site: Site) -> None:
    site.send(admission("ADT3010", PID_32="PROV"))
    lines = site.settled("ADT3010")
    assert "INS non qualifié" in lines[-1].text
    assert not any(line.event == "TD0.2" for line in lines)


# -- consultation --------------------------------------------------------------------------------------------------


def ended(site: Site, message: bytes) -> tuple[str, set[str]]:
    """(last line, events) of an admission sent now."""
    assert site.send(message).code == "AA"
    lines = site.settled("ADT3020")
    assert lines[-1].state_to == "done"
    return lines[-1].text, {line.event for line in lines}


def test_all_conditions_hold_and_the_documents_come(site: Site) -> None:
    site.log_on()
    text, events = ended(site, admission("ADT3020"))
    assert "1 document(s) rapatrié(s)" in text
    assert {"TD0.2", "TD0.3", "TD3.1", "TD3.2"} <= events
    folder = site.settings.consultation.output_folder
    files = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert len(files) == 2
    assert any(name.endswith(".json") for name in files)


def test_nothing_is_read_unless_the_site_asks_for_it(make_site: MakeSite) -> None:
    site = make_site(consultation={"trigger": "off"})
    site.log_on()
    text, events = ended(site, admission("ADT3020"))
    assert "consultation.trigger = off" in text
    assert not events & {"TD0.3", "TD3.1", "TD3.2"}


@pytest.mark.parametrize("said", ["INC", "NA", ""])
def test_nothing_is_read_without_the_patient_agreeing_for_this_stay(site: Site, said: str) -> None:
    site.log_on()
    text, events = ended(site, admission("ADT3020", ZFA_11=said))
    assert f"ZFA-11 = {said or 'absent'}" in text
    assert not events & {"TD0.3", "TD3.1", "TD3.2"}


def test_nothing_is_read_without_a_zfa(site: Site) -> None:
    site.log_on()
    text, events = ended(site, without(admission("ADT3020").decode(), "ZFA").encode())
    assert "ZFA-11 = absent" in text
    assert "TD3.1" not in events


def test_the_agreement_of_another_stay_does_not_count(site: Site) -> None:
    site.log_on()
    site.sample("adt-a01-admission.er7")
    site.settled("ADT0001")
    other = without(admission("ADT3020").decode(), "ZFA").replace("|000897406^^^CHU-X", "|000897499^^^CHU-X")
    text, events = ended(site, other.encode())
    assert "ZFA-11 = absent" in text
    assert "TD3.1" not in events


def test_nothing_is_read_without_a_named_professional(site: Site) -> None:
    text, events = ended(site, admission("ADT3020"))
    assert "aucune session" in text
    assert "TD3.1" not in events


def test_nothing_is_read_once_the_session_is_over(site: Site) -> None:
    site.log_on()
    long_ago = time.time() - 5 * 3600
    os.utime(site.folder / "psc-token", (long_ago, long_ago))
    text, events = ended(site, admission("ADT3020"))
    assert "aucune session" in text
    assert "TD3.1" not in events


def test_nothing_is_read_with_a_token_that_is_refused(site: Site) -> None:
    (site.folder / "psc-token").write_text("not-a-token", encoding="ascii")
    assert "aucune session" in ended(site, admission("ADT3020"))[0]


def test_a_blocked_professional_reads_nothing(site: Site) -> None:
    site.log_on()
    site.simulator.world.block(INS, DOCTOR)
    text, events = ended(site, admission("ADT3020"))
    assert "INTERDIT" in text
    assert not events & {"TD0.3", "TD3.1"}


@pytest.mark.parametrize(("status", "word"), [("CLOSED", "fermé"), ("ABSENT", "inexistant")])
def test_no_dmp_to_read(site: Site, status: Any, word: str) -> None:
    site.log_on()
    site.simulator.world.set_dmp(INS, status)
    text, events = ended(site, admission("ADT3020"))
    assert text.endswith(f"DMP {word}")
    assert "TD3.1" not in events


def test_an_authorisation_that_expired_is_renewed(site: Site) -> None:
    site.log_on()
    site.simulator.world.authorize(INS, DOCTOR, utc_now() - timedelta(days=400))
    assert "rapatrié" in ended(site, admission("ADT3020"))[0]
    granted = next(line.text for line in site.lines(control_id="ADT3020") if line.event == "TD0.3")
    assert granted.endswith("elle était EXPIRE")
    lifetime = timedelta(days=182)
    assert site.simulator.world.authorization_status(INS, DOCTOR, lifetime) == "VALIDE"


def test_a_valid_authorisation_is_left_alone(site: Site) -> None:
    site.log_on()
    site.simulator.world.authorize(INS, DOCTOR)
    assert "TD0.3" not in ended(site, admission("ADT3020"))[1]


def test_a_pre_admission_asks_the_identity_server_only(site: Site) -> None:
    site.log_on()
    text, events = ended(site, admission("ADT3020", "A05"))
    assert text == "Identité traitée"
    assert "TD0.2" not in events
    assert "identité" in events


def test_the_sample_admission_is_the_one_these_tests_rest_on() -> None:
    assert "|INO|20240306111154|IC|" in sample("adt-a01-admission")
