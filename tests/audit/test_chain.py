"""The chain: every change made with the database alone is found, at its line."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.journal.audit import AuditEntry, head_of
from connector.journal.audit.entry import from_line, to_line
from connector.journal.model import JournalError
from tests.audit.trail import ENTRIES, NOW, Trail, call

LINES = 12


# -- one line --------------------------------------------------------------------------------------------------------


@given(st.integers(min_value=1, max_value=2**40), ENTRIES)
def test_a_line_reads_back_as_what_was_written(number: int, entry: AuditEntry) -> None:
    line = to_line(number, entry)
    assert from_line(line) == (number, entry)
    assert line.isascii()
    assert "\n" not in line


@given(st.text(max_size=200))
def test_what_is_no_line_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(JournalError):
        from_line(text)


def test_a_line_says_only_what_it_knows() -> None:
    assert to_line(7, AuditEntry(NOW, "operator", "replay", operator="ide", reason="référentiel réparé")) == (
        '{"n":7,"at":"2026-11-02T08:30:00.000000+00:00","kind":"operator","transaction":"replay",'
        '"operator":"ide","reason":"r\\u00e9f\\u00e9rentiel r\\u00e9par\\u00e9"}'
    )


def test_a_naive_date_is_refused() -> None:
    with pytest.raises(JournalError):
        AuditEntry(datetime(2026, 1, 1), "call", "TD0.2")


# -- tampering -------------------------------------------------------------------------------------------------------


@given(st.lists(ENTRIES, max_size=8))
def test_an_untouched_chain_is_good(key_file: Path, entries: list[AuditEntry]) -> None:
    trail = Trail(key_file)
    trail.append(*entries)
    verdict = trail.verify()
    assert verdict.good
    assert (verdict.lines, verdict.head) == (len(entries), head_of(trail))


@given(st.integers(1, LINES), st.sampled_from(["line", "mac", "at"]), st.data())
def test_a_changed_character_is_found(key_file: Path, number: int, column: str, data: st.DataObject) -> None:
    trail = Trail(key_file)
    trail.fill(LINES)
    text = trail.query(f"SELECT {column} FROM audit WHERE id = ?", (number,))[0][0]
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    trail.tamper(f"UPDATE audit SET {column} = ? WHERE id = ?", (changed, number))
    assert trail.fault().line == number


@given(st.integers(1, LINES - 1), st.booleans())
def test_a_removed_line_is_found_at_its_number(key_file: Path, number: int, renumber: bool) -> None:
    trail = Trail(key_file)
    trail.fill(LINES)
    trail.tamper("DELETE FROM audit WHERE id = ?", (number,))
    if renumber:
        for later in range(number + 1, LINES + 1):
            trail.tamper("UPDATE audit SET id = ? WHERE id = ?", (later - 1, later))
    assert trail.fault().line == number


@given(st.integers(1, LINES), st.integers(1, LINES))
def test_two_lines_swapped_are_found_at_the_first(key_file: Path, one: int, other: int) -> None:
    if one == other:
        return
    trail = Trail(key_file)
    trail.fill(LINES)
    for number, place in ((one, -1), (other, one), (-1, other)):
        trail.tamper("UPDATE audit SET id = ? WHERE id = ?", (place, number))
    assert trail.fault().line == min(one, other)


@given(st.integers(1, LINES), ENTRIES)
def test_an_added_line_is_found_at_its_number(key_file: Path, number: int, entry: AuditEntry) -> None:
    trail = Trail(key_file)
    trail.fill(LINES)
    for later in range(LINES, number - 1, -1):
        trail.tamper("UPDATE audit SET id = ? WHERE id = ?", (later + 1, later))
    mac = trail.query("SELECT mac FROM audit WHERE id = ?", (number + 1,))[0]["mac"]
    row = (number, entry.at.isoformat(timespec="microseconds"), to_line(number, entry), mac)
    trail.tamper("INSERT INTO audit VALUES (?, ?, ?, ?)", row)
    assert trail.fault().line == number


def test_a_line_copied_whole_from_another_trail_is_found(tmp_path: Path, trail: Trail) -> None:
    trail.fill(3)
    other = Trail(tmp_path / "other.key")
    other.fill(3)
    assert other.key.fingerprint != "" != trail.key.fingerprint
    row = other.query("SELECT line, mac FROM audit WHERE id = 2")[0]
    trail.tamper("UPDATE audit SET line = ?, mac = ? WHERE id = 2", (row["line"], row["mac"]))
    assert trail.fault().line == 2


# -- the tail, which no chain protects by itself ---------------------------------------------------------------------


def test_a_cut_tail_is_found_only_by_a_head_noted_elsewhere(trail: Trail) -> None:
    trail.fill(LINES)
    noted = str(head_of(trail))
    trail.tamper("DELETE FROM audit WHERE id > 9")
    assert trail.verify().good
    for head in (noted, noted.partition(":")[2], noted.upper()):
        assert trail.fault(head).line == 10


def test_a_noted_head_that_is_still_there_is_good(trail: Trail) -> None:
    trail.fill(5)
    noted = str(head_of(trail))
    trail.fill(5)
    assert trail.verify(noted).good
    assert trail.verify(f"0:{'0' * 64}").good


def test_a_cut_tail_that_the_repository_has_received_is_found(trail: Trail) -> None:
    trail.fill(LINES)
    trail.tamper("INSERT INTO follower VALUES ('atna', 11)")
    assert trail.verify().good
    trail.tamper("DELETE FROM audit WHERE id > 9")
    assert trail.fault().line == 10


def test_removing_everything_is_found_by_a_noted_head(trail: Trail) -> None:
    trail.fill(3)
    noted = str(head_of(trail))
    trail.tamper("DELETE FROM audit")
    assert trail.fault(noted).line == 1


def test_a_page_boundary_changes_nothing(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.audit.verification._PAGE", 5)
    trail.fill(LINES)
    assert trail.verify().lines == LINES
    trail.tamper("DELETE FROM audit WHERE id = 6")
    assert trail.fault().line == 6


def test_dates_need_not_follow_each_other(trail: Trail) -> None:
    """Lines are in the order they were written; a long call begins before a short one that ends first."""
    trail.append(call(1), call(2, at=NOW - timedelta(minutes=3)))
    assert trail.verify().good
