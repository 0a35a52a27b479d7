"""Chains of versions: what stands, what was replaced, what was deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.journal.db.connection import Connection
from connector.patients.answers import answer_later, take_answers
from connector.patients.state import load_patient, remember_dmp
from connector.patients.versions import Version, chain_of, delete, forget_rehearsal, load_version, newest, stand

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def link(number: int, replaces: int | None = None, **fields: object) -> Version:
    return Version(f"2.25.{number}", 1, "2.25.99", number, f"2.25.{replaces}" if replaces else "", **fields)  # type: ignore[arg-type]


def states(connection: Connection, *numbers: int) -> list[str]:
    found = (load_version(connection, f"2.25.{number}") for number in numbers)
    return [version.state if version else "" for version in found]


def test_nothing_is_known_before_the_dmp_took_it(sql: Connection) -> None:
    assert load_version(sql, "2.25.1") is None
    assert newest(sql, "2.25.99") is None
    assert chain_of(sql, "2.25.1") == ()


def test_a_replacement_stands_and_its_predecessor_does_not(sql: Connection) -> None:
    stand(sql, link(1), NOW)
    stand(sql, link(2, replaces=1), NOW)
    assert states(sql, 1, 2) == ["replaced", "published"]
    last = newest(sql, "2.25.99")
    assert last is not None
    assert last.number == 2
    first = load_version(sql, "2.25.1")
    assert first is not None
    assert (first.replaced_by, first.stands) == ("2.25.2", False)


def test_standing_twice_changes_nothing(sql: Connection) -> None:
    for _ in range(2):
        stand(sql, link(1), NOW)
        stand(sql, link(2, replaces=1), NOW)
    assert states(sql, 1, 2) == ["replaced", "published"]


def test_a_deleted_version_is_no_longer_the_newest(sql: Connection) -> None:
    stand(sql, link(1), NOW)
    stand(sql, link(2, replaces=1), NOW)
    delete(sql, "2.25.2", NOW)
    assert states(sql, 1, 2) == ["replaced", "deleted"]
    assert newest(sql, "2.25.99") is None


@pytest.mark.parametrize("set_id", ["2.25.99", ""])
def test_a_chain_is_followed_with_or_without_a_set_id(sql: Connection, set_id: str) -> None:
    for number, replaces in ((1, ""), (2, "2.25.1"), (3, "2.25.2")):
        stand(sql, Version(f"2.25.{number}", 1, set_id, number, replaces), NOW)
    for asked in (1, 2, 3):
        assert [version.number for version in chain_of(sql, f"2.25.{asked}")] == [1, 2, 3]


def test_a_rehearsed_document_stands_until_it_is_sent_for_good(sql: Connection) -> None:
    stand(sql, link(1, state="rehearsed"), NOW)
    known = load_version(sql, "2.25.1")
    assert known is not None
    assert known.stands
    stand(sql, link(1), NOW)
    assert states(sql, 1) == ["published"]


def test_what_the_dmp_said_is_kept_with_its_hour(sql: Connection) -> None:
    remember_dmp(sql, 7, "closed", "DMPClosed", NOW)
    view = load_patient(sql, 7)
    assert (view.dmp, view.dmp_code, view.dmp_asked) == ("closed", "DMPClosed", "2026-03-01T12:00:00+00:00")


def test_answers_due_are_given_once(sql: Connection) -> None:
    answer_later(sql, 11, 5, "DPI|CHU-X")
    answer_later(sql, 11, 5, "DPI|CHU-X")
    answer_later(sql, 12, 5, "RIS|CHU-X")
    answer_later(sql, 13, 6, "DPI|CHU-X")
    assert take_answers(sql, 5) == [(11, "DPI|CHU-X"), (12, "RIS|CHU-X")]
    assert take_answers(sql, 5) == []
    assert take_answers(sql, 6) == [(13, "DPI|CHU-X")]


# -- rehearsals ----------------------------------------------------------------------------------------------------


def test_a_rehearsal_takes_nothing_from_a_document_that_really_stands(sql: Connection) -> None:
    stand(sql, link(1), NOW)
    stand(sql, link(2, replaces=1, state="rehearsed"), NOW)
    assert states(sql, 1, 2) == ["published", "rehearsed"]
    for rehearsal, number in ((False, 1), (True, 2)):
        last = newest(sql, "2.25.99", rehearsal=rehearsal)
        assert last is not None
        assert last.number == number


def test_rehearsals_follow_each_other_until_the_document_is_sent_for_good(sql: Connection) -> None:
    stand(sql, link(1, state="rehearsed"), NOW)
    stand(sql, link(2, replaces=1, state="rehearsed"), NOW)
    first, second = (load_version(sql, f"2.25.{number}") for number in (1, 2))
    assert first is not None
    assert second is not None
    assert (first.replaced_by, first.stands, second.stands) == ("2.25.2", False, True)
    assert newest(sql, "2.25.99") is None
    stand(sql, link(1), NOW)
    first = load_version(sql, "2.25.1")
    assert first is not None
    assert (first.state, first.replaced_by) == ("published", "")


def test_only_a_rehearsal_is_forgotten(sql: Connection) -> None:
    stand(sql, link(1), NOW)
    stand(sql, link(2, state="rehearsed"), NOW)
    for number in (1, 2):
        forget_rehearsal(sql, f"2.25.{number}")
    assert states(sql, 1, 2) == ["published", ""]
