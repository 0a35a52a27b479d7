"""Mail beside the DMP: the document goes, the mail does not, and everyone is told (hl7v2-interface §3.8, §4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.conftest import run as run
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Hospital, Site
from tests.e2e.messages import INS, insert, letter
from tests.e2e.test_variants import RCT

DOCTOR, MAILBOX = "adam.hoda@test-ci-sis.mssante.fr", f"{INS}@patient.mssante.fr"
PATIENT = (
    f"PRT||UC||RCT^^participation|{INS}^PAT-TROIS^DOMINIQUE^^^^^^1.2.250.1.213.1.4.10^L^^^INS"
    f"||||||||||^^X.400^{MAILBOX}"
)
QUICK = {"backoff": {"first": 0.05, "longest": 0.1, "max_attempts": 3}}


def mailed(control_id: str, **fields: str) -> tuple[bytes, str]:
    """A letter for the DMP, to be mailed to a doctor and to the patient as well."""
    raw, document = letter(control_id, **{"OBX8_5": "Y", "OBX9_5": "Y", **fields})
    return insert(insert(raw.decode(), "PRT", PATIENT), "PRT", RCT).encode(), document


@pytest.fixture
def ready(site: Site) -> Site:
    site.sample("adt-a01-admission.er7")
    return site


def zams(site: Site, expected: int) -> set[tuple[str, ...]]:
    """(event, request, status, address, ERR-5.1, ERR-5.3) of everything the hospital received."""
    site.hospital.wait(expected)
    found: set[tuple[str, ...]] = set()
    for zam in site.hospital.received:
        actor, err = [*zam.all("OBX"), None][1], zam.first("ERR")
        status = zam.all("OBX")[0]
        found.add(
            (
                zam.header.event,
                status.get(4),
                status.get(5),
                actor.get(5, 1, 4) if actor else "",
                err.get(5) if err else "",
                err.get(5, 1, 3) if err else "",
            )
        )
    return found


def test_the_document_is_published_and_each_recipient_refused(ready: Site) -> None:
    message, document = mailed("MDM3001")
    assert ready.send(message).code == "AA"
    assert ready.wait_delivery(document).state == "done"
    own = ("906", "applicationErrorCondition")
    assert zams(ready, 3) == {
        ("Z01", "MDM3001", "Y", "", "", ""),
        ("Z02", "MDM3001", "N", DOCTOR, *own),
        ("Z02", "MDM3001", "N", MAILBOX, *own),
    }
    lines = ready.wait(lambda found: any(line.event == "courriel non envoyé" for line in found), control_id="MDM3001")
    assert "1 professionnel, 1 patient" in next(line.text for line in lines if line.event == "courriel non envoyé")


def test_without_acknowledgement_nobody_is_told_by_zam_but_a_person_is(ready: Site) -> None:
    message, document = mailed("MDM3002", OBX10_5="N")
    ready.send(message)
    assert ready.wait_delivery(document).state == "done"
    assert ready.query("SELECT state, reason_code FROM delivery WHERE kind = 'notice'") == [("held", "mail.not-served")]
    assert ready.query("SELECT count(*) FROM delivery WHERE kind = 'zam'") == [(0,)]


def test_a_refused_document_is_told_apart_from_the_mail(ready: Site) -> None:
    ready.sample("adt-a01-opposition.er7")
    message, document = mailed("MDM3003")
    ready.send(message)
    assert ready.wait_delivery(document).state == "refused"
    assert {(event, status) for event, _, status, *_ in zams(ready, 3)} == {("Z01", "N"), ("Z02", "N")}


def test_the_notice_is_on_the_worklist_in_french_and_a_person_settles_it(ready: Site, run: Run) -> None:
    message, document = mailed("MDM3004", OBX10_5="N")
    ready.send(message)
    ready.wait_delivery(document)
    config = _settings(ready)
    shown = run("worklist", "-c", config)
    assert "Courriel MSSanté demandé et non envoyé : 1 professionnel, 1 patient" in shown.out
    for secret in (DOCTOR, MAILBOX, INS):
        assert secret not in shown.out
    listed = run("queue", "list", "-c", config, "--kind", "notice", "--json").json()
    assert [one["reason_code"] for one in listed["deliveries"]] == ["mail.not-served"]
    done = run("queue", "settle", "-c", config, "--code", "mail.not-served", "--reason", "remis en main propre")
    assert done.code == 0
    assert run("worklist", "-c", config, "--json").json() == []


def test_what_died_is_sent_again_by_a_person_under_the_same_number(make_site: MakeSite) -> None:
    site = make_site(engine=QUICK)
    site.sample("adt-a01-admission.er7")
    site.hospital.code = "AR"
    message, document = letter("MDM3007")
    site.send(message)
    assert site.wait_delivery(document, "dead", kind="zam").code == "zam.AR"
    before = [zam.header.control_id for zam in site.hospital.received]
    assert len(before) == 3
    site.hospital.code = "AA"
    site.act("retry", document, kind="zam")
    assert site.wait_delivery(document, "done", kind="zam").state == "done"
    assert {zam.header.control_id for zam in site.hospital.received} == set(before)


@pytest.fixture
def laboratory() -> Iterator[Hospital]:
    hospital = Hospital()
    yield hospital
    hospital.close()


def test_each_sender_hears_of_its_own_requests(make_site: MakeSite, laboratory: Hospital) -> None:
    site = make_site()
    destinations = [
        {"sender": "*", "host": "127.0.0.1", "port": site.hospital.port},
        {"sender": "SIL-Y|labo", "host": "127.0.0.1", "port": laboratory.port},
    ]
    site.restart(zam={"destinations": destinations})
    site.sample("adt-a01-admission.er7")
    own, document = mailed("MDM3008", MSH_3="SIL-Y", MSH_4="labo")
    other, _ = letter("MDM3009")
    for message in (own, other):
        site.send(message)
    site.wait_delivery(document)
    laboratory.wait(3)
    site.hospital.wait(1)
    assert {zam.all("OBX")[0].get(4) for zam in laboratory.received} == {"MDM3008"}
    assert {zam.all("OBX")[0].get(4) for zam in site.hospital.received} == {"MDM3009"}
    assert {zam.header.addressing[2] for zam in laboratory.received if zam.header.addressing} == {"SIL-Y"}


def _settings(site: Site) -> Path:
    """A settings file that names the running site's journal."""
    path = site.folder / "connector.toml"
    path.write_text(
        f"""
[journal]
store = "{site.settings.journal.store}"
[keys]
structure = "1120456789"
ca_file = "ca.pem"
[vihf]
lps_name = "dmp-connector"
lps_version = "0.1.0"
homologation_id = "TEST-0000"
[dmp]
base_url = "https://localhost:1"
environment = "test"
lps_oid = "1.2.250.1.999.1.1"
lps_name = "dmp-connector"
source_id = "1.2.250.1.999.1.2"
""",
        encoding="utf-8",
    )
    return path
