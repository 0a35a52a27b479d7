"""The scenarios of versions, waits, answers and rehearsals on PostgreSQL, and a journal of versions moved both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from connector.base.clock import utc_now
from connector.journal.audit.key import create_key
from connector.journal.move.carry import Move, move, verify
from connector.journal.reader import JournalReader
from connector.patients.schema import SCHEMA
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.watch.feeding_rows import feeding_report
from tests.e2e import test_deletion, test_letters, test_letters_again, test_publication, test_shadow, test_versions
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import INS, Site
from tests.e2e.messages import admission, deletion, letter, successor
from tests.e2e.test_publication import admitted, zam_of
from tests.e2e.test_versions import published, status

SCENARIOS: Final[tuple[Callable[[Site], None], ...]] = (
    test_versions.test_a_replacement_deprecates_its_predecessor_and_is_acknowledged,
    test_versions.test_a_predecessor_unknown_to_the_registry_is_a_worklist_item,
    test_versions.test_a_replacement_held_behind_a_held_predecessor_follows_it,
    test_versions.test_an_older_version_never_overwrites_a_newer_one,
    test_versions.test_two_replacements_of_one_document_do_not_both_stand,
    test_versions.test_a_closed_dmp_is_told_once_then_asked_again_at_the_next_event,
    test_deletion.test_a_deletion_takes_the_document_out_of_the_dmp,
    test_deletion.test_a_deletion_cancels_what_was_never_sent,
    test_publication.test_a_second_request_for_a_waiting_document_gets_its_own_answer,
    test_publication.test_a_move_between_patients_after_a_publication_alerts,
    test_publication.test_what_a_former_release_did_not_serve_is_taken_up,
    test_letters.test_from_the_discharge_to_the_letter_in_the_dmp,
    test_letters.test_a_stay_whose_letter_waits_for_something_says_so,
    test_letters.test_a_letter_is_replaced_then_deleted,
    test_letters_again.test_data_deleted_while_they_waited_are_refused_when_handed_in_again,
    test_letters_again.test_versions_that_wait_are_in_the_chain_with_their_link_and_their_deletion,
    test_letters_again.test_what_is_replaced_or_deleted_takes_no_successor_and_no_second_deletion,
    test_letters_again.test_who_asked_for_a_deletion_and_why_is_kept,
)
REHEARSALS: Final[tuple[Callable[[MakeSite], None], ...]] = (
    test_shadow.test_a_chain_written_replaced_and_taken_back_in_shadow_leaves_nothing,
    test_shadow.test_a_chain_rehearsed_is_then_sent_for_good,
    test_shadow.test_a_rehearsal_takes_nothing_from_a_document_that_stands_or_waits,
)


def name(scenario: Callable[..., None]) -> str:
    return scenario.__name__.removeprefix("test_")


@pytest.fixture
def make_site(tmp_path: Path, pki_folder: Path, postgres_database: str) -> Iterator[MakeSite]:
    """As the one of conftest.py, its journal in PostgreSQL."""
    create_key(tmp_path / "audit.key")
    with ExitStack() as stack:

        def make(**overrides: dict[str, Any]) -> Site:
            config = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder)
            sections = {"journal": {"store": postgres_database}, "audit": {"key_file": str(tmp_path / "audit.key")}}
            return stack.enter_context(Site(tmp_path, config, **sections, **overrides))

        yield make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name)
def test_on_postgresql(site: Site, scenario: Callable[[Site], None]) -> None:
    scenario(site)


@pytest.mark.parametrize("scenario", REHEARSALS, ids=name)
def test_rehearsed_on_postgresql(make_site: MakeSite, scenario: Callable[[MakeSite], None]) -> None:
    scenario(make_site)


@pytest.mark.parametrize("event", ["A11", "A38"])
def test_a_cancelled_stay_alerts_on_postgresql(site: Site, event: str) -> None:
    test_publication.test_a_stay_cancelled_after_its_letters_were_published_alerts(site, event)


@pytest.mark.parametrize("effect", ["cut-after", "cut-before"])
def test_a_deletion_in_doubt_on_postgresql(site: Site, effect: Any) -> None:
    test_deletion.test_a_deletion_whose_answer_is_lost_is_never_left_in_doubt(site, effect)


def test_the_feeding_report_counts_each_action_on_postgresql(site: Site) -> None:
    admitted(site)
    _, first = published(site, "MDM4001")
    replacement, second = successor("MDM4002", first)
    site.send(replacement)
    assert site.wait_delivery(second).state == "done"
    site.send(deletion("MDM4003", replacement))
    site.settled("MDM4003")
    site.send(successor("MDM4004", "2.25.4")[0])
    site.settled("MDM4004")
    reader = JournalReader(site.settings.journal)
    try:
        total = feeding_report(reader, made_at=utc_now()).total()
    finally:
        reader.close()
    assert (total.counts["sent"], total.counts["waiting"], total.received) == (3, 1, 4)
    assert [cause.code for cause in total.causes] == ["predecessor.unknown"]


# -- from one database to the other -----------------------------------------------------------------------------------

TABLES: Final = ("version", "answer_due", "patient_state", "document", "delivery", "message")


def rows(site: Site) -> dict[str, list[Any]]:
    """Every row of the tables that chains rest on."""
    return {table: sorted(map(repr, site.query(f"SELECT * FROM {table}"))) for table in TABLES}


def moved(site: Site, store: str) -> None:
    """The stopped site's journal carried over to `store`, nothing more and nothing less; the site goes on there."""
    site.stop()
    before, source = rows(site), site.settings.journal
    task = Move(source, replace(source, store=store), (SCHEMA,))
    compared = move(task)
    assert all(one.equal for one in compared)
    assert all(one.equal for one in verify(task))
    counts = {one.table: one.target.count for one in compared}
    assert {table: counts[table] for table in TABLES} == {table: len(found) for table, found in before.items()}
    assert counts["version"] > 0
    site.settings = replace(site.settings, journal=task.target)
    assert rows(site)["version"] == before["version"]
    site.start()


def test_chains_go_on_after_a_move_to_postgresql_and_back(
    tmp_path: Path, pki_folder: Path, postgres_database: str
) -> None:
    create_key(tmp_path / "audit.key")
    config = SimConfig(folder=tmp_path / "simulator", pki_folder=pki_folder)
    key = {"key_file": str(tmp_path / "audit.key")}
    with Site(tmp_path, config, journal={"store": str(tmp_path / "first.sqlite")}, audit=key) as site:
        admitted(site)
        _, first = published(site, "MDM4101")
        replacement, second = successor("MDM4102", first)
        site.send(replacement)
        assert site.wait_delivery(second).state == "done"
        taken_back, gone = published(site, "MDM4103")
        site.send(deletion("MDM4104", taken_back))
        site.settled("MDM4104")
        site.simulator.world.set_dmp(INS, "CLOSED")
        waiting, held = letter("MDM4105")
        site.send(waiting)
        assert site.wait_delivery(held).code == "dmp.closed"
        site.send(waiting.replace(b"MDM4105", b"MDM4106"))
        site.wait(lambda lines: any(line.event == "doublon" for line in lines), control_id="MDM4106")

        moved(site, postgres_database)
        assert [row[0] for row in site.query("SELECT state FROM version ORDER BY state")] == [
            "deleted",
            "published",
            "replaced",
        ]
        site.simulator.world.set_dmp(INS, "ACTIVE")
        test_versions.journal_day_before(site)
        site.send(admission("ADT4107", "A31"))
        assert site.wait_delivery(held, "done").state == "done"
        message, third = successor("MDM4108", second, version=3)
        site.send(message)
        assert site.wait_delivery(third).state == "done"

        moved(site, str(tmp_path / "second.sqlite"))
        site.simulator.faults.add(FaultRule("cut-after", "ITI-57"))
        site.send(deletion("MDM4109", message))
        site.settled("MDM4109")
        stands = [status(site, one) for one in (first, second, third, gone)]
        assert stands == [["Deprecated"], ["Deprecated"], ["Deleted"], ["Deleted"]]
        told = {zam_of(site.hospital.wait(count))[:2] for count in range(1, 10)}
        assert told >= {("Y", f"MDM{number}") for number in (4101, 4102, 4103, 4104, 4105, 4106, 4108, 4109)}
        states = dict(site.query("SELECT unique_id, state FROM version"))
        assert states == {first: "replaced", second: "replaced", third: "deleted", gone: "deleted", held: "published"}
