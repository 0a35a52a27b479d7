"""A letter handed in again, replaced or deleted when its past has something to say: told at once, and shown."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable

from connector.flows.letters import Asking, LetterReceipt, Source
from connector.flows.letters.state import LetterState, letter_state
from tests.e2e.harness import Site
from tests.e2e.letters import STAY, Desk, data, desk_of, fresh_cda, stays_awaiting
from tests.e2e.messages import admission

WHY = Asking("m.durand", "letters:command", "remise au mauvais patient")


def admitted(site: Site) -> None:
    site.sample("adt-a01-admission.er7")
    site.settled("ADT0001")


def without_consent(site: Site, number: str = "ADT3001") -> None:
    site.send(admission(number, ZFA_9="NA"))
    site.settled(number)


def discharged(site: Site) -> None:
    site.sample("adt-a03-sortie.er7")
    site.wait(lambda lines: any(line.event == "route" for line in lines), control_id="ADT0005")


def state(desk: Desk, unique_id: str) -> LetterState:
    found = letter_state(desk.journal, unique_id)
    assert found is not None
    return found


def until_status(desk: Desk, unique_id: str, status: str) -> LetterState:
    def read() -> LetterState:
        return state(desk, unique_id)

    return wait_for(read, lambda one: one.status == status and one.deletion in ("", "done"))


def wait_for(read: Callable[[], LetterState], found: Callable[[LetterState], bool]) -> LetterState:
    end = time.monotonic() + 30
    while not found(one := read()):
        assert time.monotonic() < end, one
        time.sleep(0.02)
    return one


def paths(receipt: LetterReceipt) -> list[str]:
    return [finding.path for finding in receipt.findings]


def messages(site: Site) -> int:
    return int(site.query("SELECT count(*) FROM message WHERE type = 'MDM' AND verdict = 'accepted'")[0][0])


# -- deleted while it waited ---------------------------------------------------------------------------------------


def test_data_deleted_while_they_waited_are_refused_when_handed_in_again(site: Site) -> None:
    without_consent(site)
    discharged(site)
    with desk_of(site) as desk:
        source = Source(data=data(), stay=STAY)
        first = desk.submit(source)
        assert site.wait_delivery(first.unique_id).state == "held"
        assert [one.handed for one in desk.awaiting()] == [first.unique_id]
        assert desk.delete(first.unique_id).verdict == "accepted"
        told = until_status(desk, first.unique_id, "withdrawn")
        assert (told.text, told.deletion_text) == ("annulé par sa suppression, jamais parti", "faite")
        # the stay waits for a letter again, and none is on its way
        assert [(one.stay, one.handed) for one in desk.awaiting()] == [(STAY, "")]
        again = desk.submit(source)
        assert (again.verdict, again.conflict, paths(again)) == ("refused", True, ["key"])
        assert "a été supprimé depuis : une autre lettre a une autre clé" in again.findings[0].text
        other = desk.submit(dataclasses.replace(source, key="une autre"))
        assert (other.verdict, site.wait_delivery(other.unique_id).state) == ("accepted", "held")
    assert site.accepted(first.unique_id) == 0


def test_a_cda_deleted_while_it_waited_is_refused_when_handed_in_again(site: Site) -> None:
    without_consent(site)
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        desk.submit(Source(cda=cda))
        assert site.wait_delivery(unique_id).state == "held"
        desk.delete(unique_id)
        until_status(desk, unique_id, "withdrawn")
        again = desk.submit(Source(cda=cda))
    assert (again.verdict, again.unique_id, paths(again)) == ("refused", unique_id, ["id"])
    assert messages(site) == 2


def test_a_letter_closed_by_hand_is_not_said_to_be_handed_in(site: Site) -> None:
    without_consent(site)
    with desk_of(site) as desk:
        source = Source(data=data(), key="K5")
        first = desk.submit(source)
        assert site.wait_delivery(first.unique_id).state == "held"
        site.act("settle", first.unique_id)
        again = desk.submit(source)
        assert (again.verdict, paths(again)) == ("refused", ["key"])
        assert "clos à la main" in again.findings[0].text
        other = desk.submit(Source(data=data(reason="Autre motif."), key="K5"))
        assert (other.verdict, other.unique_id) == ("accepted", first.unique_id)
        assert site.wait_delivery(first.unique_id, "held").state == "held"


# -- given back ----------------------------------------------------------------------------------------------------


def test_the_same_letter_given_back_leaves_when_it_is_handed_in_again(site: Site) -> None:
    admitted(site)
    site.sample("adt-a01-opposition.er7")
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        sources = {desk.submit(source).unique_id: source for source in (Source(data=data()), Source(cda=cda))}
        assert unique_id in sources
        for one in sources:
            assert site.wait_delivery(one).state == "refused"
        site.send(admission("ADT3010", "A31", ZFA_10="20990101000000"))
        site.settled("ADT3010")
        for one, source in sources.items():
            again = desk.submit(source)
            assert (again.verdict, again.unique_id) == ("accepted", one)
            assert site.wait_delivery(one, "done").state == "done"
            assert site.accepted(one) == 1
            known = desk.submit(source)
            assert (known.verdict, known.message_id) == ("known", again.message_id)
    assert messages(site) == 4


def test_another_content_under_the_id_of_a_document_is_refused_at_once(site: Site) -> None:
    admitted(site)
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        desk.submit(Source(cda=cda))
        assert site.wait_delivery(unique_id).state == "done"
        other = desk.submit(Source(cda=cda.replace(b"</ClinicalDocument>", b" </ClinicalDocument>")))
    assert (other.verdict, other.unique_id, paths(other)) == ("refused", unique_id, ["id"])


# -- versions ------------------------------------------------------------------------------------------------------


def test_versions_that_wait_are_in_the_chain_with_their_link_and_their_deletion(site: Site) -> None:
    without_consent(site)
    with desk_of(site) as desk:
        first = desk.submit(Source(data=data())).unique_id
        site.wait_delivery(first)
        second = desk.replace(Source(data=data(reason="Motif corrigé.")), first).unique_id
        site.wait_delivery(second)
        for one in (first, second):
            told = state(desk, one)
            assert (told.status, told.code) == ("waiting", "consent.unknown")
            assert [(link.unique_id, link.number, link.text, link.replaces) for link in told.chain] == [
                (first, 1, "en attente", ""),
                (second, 2, "en attente", first),
            ]
        # a second version besides the one that waits has no future
        third = desk.replace(Source(data=data(reason="Encore un.")), first)
        assert (paths(third), third.findings[0].expected) == (["replaces"], second)
        desk.delete(second)
        told = until_status(desk, second, "withdrawn")
        assert [(link.text, link.deletion) for link in told.chain] == [
            ("en attente", ""),
            ("annulé par sa suppression, jamais parti", "faite"),
        ]
        # now that it is withdrawn, the first version takes another successor
        assert desk.replace(Source(data=data(reason="Encore un.")), first).verdict == "accepted"


def test_a_refused_version_is_in_the_chain_of_the_document_it_would_have_replaced(site: Site) -> None:
    admitted(site)
    with desk_of(site) as desk:
        first = desk.submit(Source(data=data())).unique_id
        assert site.wait_delivery(first).state == "done"
        site.sample("adt-a01-opposition.er7")
        second = desk.replace(Source(data=data(reason="Motif corrigé.")), first).unique_id
        assert site.wait_delivery(second).state == "refused"
        told = state(desk, first)
        assert [(link.unique_id, link.state, link.replaces, link.replaced_by) for link in told.chain] == [
            (first, "published", "", ""),
            (second, "refused", first, ""),
        ]
        assert "s'oppose" in told.chain[1].reason
        assert state(desk, second).chain == told.chain


def test_what_is_replaced_or_deleted_takes_no_successor_and_no_second_deletion(site: Site) -> None:
    admitted(site)
    discharged(site)
    with desk_of(site) as desk:
        first = desk.submit(Source(data=data(), stay=STAY)).unique_id
        assert site.wait_delivery(first).state == "done"
        second = desk.replace(Source(data=data(reason="Motif corrigé."), stay=STAY), first).unique_id
        assert site.wait_delivery(second).state == "done"
        assert stays_awaiting(site) == []
        before = messages(site)
        late = desk.replace(Source(data=data(reason="Trop tard."), stay=STAY), first)
        assert (late.verdict, late.conflict, paths(late)) == ("refused", True, ["replaces"])
        assert late.findings[0].expected == f"la version en vigueur : {second}"
        gone = desk.delete(first)
        assert (gone.verdict, paths(gone)) == ("refused", ["unique_id"])
        assert second in gone.findings[0].expected
        assert messages(site) == before
        # the one in force may go, once
        assert desk.delete(second).verdict == "accepted"
        until_status(desk, second, "deleted")
        again = desk.delete(second)
        assert (again.verdict, again.conflict, again.findings[0].text) == (
            "refused",
            True,
            "ce document est déjà supprimé",
        )
        assert stays_awaiting(site) == [STAY]
        after = desk.replace(Source(data=data(reason="Trop tard."), stay=STAY), second)
        assert after.findings[0].text == "le document à remplacer a été supprimé"
        assert messages(site) == before + 1
        told = state(desk, first)
        assert [(link.text, link.deletion) for link in told.chain] == [("remplacé", ""), ("supprimé", "faite")]


def test_a_deletion_that_waits_is_not_asked_for_twice(site: Site) -> None:
    admitted(site)
    cda, unique_id = fresh_cda()
    with desk_of(site) as desk:
        asked = desk.delete(unique_id, cda)
        assert site.wait_delivery(unique_id).code == "deletion.unknown"
        again = desk.delete(unique_id, cda)
        assert (again.verdict, again.action, again.message_id) == ("known", "delete", asked.message_id)
        told = state(desk, unique_id)
        assert (told.status, told.deletion) == ("elsewhere", "held")
        assert told.deletion_text.startswith("demandée, en attente : ")
        site.act("settle", unique_id)
        closed = desk.delete(unique_id, cda)
        assert (closed.verdict, "réglée à la main" in closed.findings[0].text) == ("refused", True)
        assert state(desk, unique_id).deletion_text == "réglée à la main"


# -- who asked -----------------------------------------------------------------------------------------------------


def test_who_asked_for_a_deletion_and_why_is_kept(site: Site) -> None:
    admitted(site)
    with desk_of(site) as desk:
        unique_id = desk.submit(Source(data=data(), stay=STAY)).unique_id
        assert site.wait_delivery(unique_id).state == "done"
        desk.delete(unique_id, asking=WHY)
        until_status(desk, unique_id, "deleted")
    texts = [line.text for line in site.lines(document_id=unique_id)]
    told = "Suppression demandée par m.durand (letters:command) : remise au mauvais patient"
    assert told in texts
    assert texts.index(told) < texts.index("Document supprimé du DMP")
    assert told in [line.text for line in site.lines(stay=STAY)]
    acts = [act for (line,) in site.query("SELECT line FROM audit") if (act := json.loads(line))["kind"] == "operator"]
    assert [(one["transaction"], one["operator"], one["unique_ids"], one["reason"]) for one in acts] == [
        ("letter.delete", "m.durand", [unique_id], "letters:command : remise au mauvais patient")
    ]
