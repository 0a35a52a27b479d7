"""The forecast against what really happens: a history goes on to its steady state, and the store is weighed again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.journal.retention.config import RetentionConfig
from connector.journal.retention.forecast import forecast
from connector.journal.retention.keeper import Keeper
from connector.journal.retention.sizes import PartSize, Sizes, measure
from connector.journal.store import Journal
from tests.journal.conftest import JournalFactory
from tests.journal.history import History, rules, start
from tests.journal.support import NOW, Clock

DURATIONS = rules(content_days=12, attachment_days=5, trace_days=30, step_rows=500, step_seconds=1.0)
PER_DAY = 120
ERROR = 0.25
"""What the guide promises: within a quarter."""


def traffic(journal_factory: JournalFactory) -> History:
    clock = Clock()
    history = start(journal_factory(clock=clock), clock, seed=7)
    history.document_size, history.message_size = 30_000, 1300
    return history


def content_of(journal: Journal, documents: bool) -> int:
    sign = "=" if documents else "<>"
    sql = f"SELECT coalesce(sum(length(raw) + length(ack)), 0) FROM message WHERE route {sign} 'document'"
    return int(journal.query(sql)[0][0])


@pytest.mark.sqlite_only
def test_the_steady_state_is_foreseen_from_the_first_week(journal_factory: JournalFactory) -> None:
    history = traffic(journal_factory)
    for _ in range(7):
        history.bulk_day(PER_DAY)
    sizes = measure(history.journal, DURATIONS, history.clock())
    foreseen = forecast(sizes, DURATIONS.config, history.clock(), disk_free=None)
    assert sizes.messages == pytest.approx(7 * PER_DAY, rel=0.02)
    assert sizes.messages_per_day == pytest.approx(PER_DAY, rel=0.1)
    for name, documents in (("content", False), ("attachments", True)):
        assert sizes.parts[name].bytes == pytest.approx(content_of(history.journal, documents), rel=0.15)
    keeper = Keeper(history.journal, DURATIONS)
    for _ in range(38):
        history.bulk_day(PER_DAY)
        keeper.round()
    after = measure(history.journal, DURATIONS, history.clock())
    assert foreseen.steady is not None
    assert after.database - after.free == pytest.approx(foreseen.steady, rel=ERROR)
    assert forecast(after, DURATIONS.config, history.clock(), None).steady == pytest.approx(foreseen.steady, rel=ERROR)


def test_a_sample_weighs_what_the_whole_weighs(
    journal_factory: JournalFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = traffic(journal_factory)
    for _ in range(8):
        history.bulk_day(PER_DAY)
    whole = measure(history.journal, DURATIONS, history.clock())
    monkeypatch.setattr("connector.journal.retention.sizes.SAMPLE", 400)
    sampled = measure(history.journal, DURATIONS, history.clock())
    assert sampled.messages == pytest.approx(whole.messages, rel=0.02)
    assert sampled.parts["attachments"].bytes == pytest.approx(whole.parts["attachments"].bytes, rel=0.25)
    assert sampled.parts["traces"].per_day == pytest.approx(whole.parts["traces"].per_day, rel=0.25)


def test_an_empty_store_grows_by_nothing(journal_factory: JournalFactory) -> None:
    sizes = measure(journal_factory(clock=Clock()), DURATIONS, NOW)
    assert [part.per_day for part in sizes.parts.values()] == [0, 0, 0, 0]
    assert forecast(sizes, DURATIONS.config, NOW, disk_free=0).full_on is None


# -- straight lines --------------------------------------------------------------------------------------------------

GB = 10**9
WEIGHED = Sizes(
    database=10 * GB,
    free=2 * GB,
    parts={
        "content": PartSize(5 * GB, 0.1 * GB),
        "attachments": PartSize(2 * GB, 0.5 * GB),
        "traces": PartSize(1 * GB, 0.01 * GB),
        "audit": PartSize(0, 0),
    },
    messages=1000,
    messages_per_day=10.0,
    window_days=28.0,
    kept=0,
)
CONFIG = RetentionConfig(content_days=90, attachment_days=30, trace_days=1000)


def test_each_part_stops_growing_at_its_duration() -> None:
    foreseen = forecast(WEIGHED, CONFIG, NOW, disk_free=100 * GB)
    assert [part.steady for part in foreseen.parts] == [9 * GB, 15 * GB, 10 * GB, 0]
    assert foreseen.steady == 34 * GB
    assert foreseen.year == pytest.approx(9 * GB + 15 * GB + 4.65 * GB)
    assert foreseen.full_on is None


def test_the_day_the_disk_is_full() -> None:
    # 2 GB free inside, 4 GB on the disk, 0.61 GB a day: full on the tenth day.
    assert forecast(WEIGHED, CONFIG, NOW, disk_free=4 * GB).full_on == (NOW + timedelta(days=10)).date()
    assert forecast(WEIGHED, CONFIG, NOW, disk_free=None).full_on is None


def test_for_ever_has_no_end() -> None:
    foreseen = forecast(WEIGHED, replace(CONFIG, trace_days=0), NOW, disk_free=30 * GB)
    assert foreseen.steady is None
    assert foreseen.full_on is not None


def test_shorter_durations_free_places_but_shrink_no_file() -> None:
    short = RetentionConfig(content_days=10, attachment_days=1, trace_days=100)
    foreseen = forecast(WEIGHED, short, NOW, disk_free=0)
    assert foreseen.steady == pytest.approx(2.5 * GB)
    assert foreseen.year == 10 * GB
    assert foreseen.full_on is None
