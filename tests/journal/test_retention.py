"""Retention: what is old goes in small steps, what anything unfinished needs stays, the timeline still answers."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial

import pytest

from connector.base.errors import SettingsError
from connector.journal.engine.attempt import attempt
from connector.journal.engine.lease import UNFENCED
from connector.journal.job import Done, Hold, Job, Outcome
from connector.journal.model import key_of
from connector.journal.retention.config import RetentionConfig, Rules
from connector.journal.retention.keeper import Keeper, Tally
from connector.journal.retention.preview import preview
from connector.journal.retention.reading import ContentPurged, message_content, refuse_purged
from connector.journal.retention.steps import advance
from connector.journal.retention.walks import walks
from connector.journal.store import Journal
from connector.journal.timeline import timeline
from connector.journal.tx import Tx
from tests.journal.conftest import JournalFactory
from tests.journal.history import Fact, History, days, rules, set_state, start
from tests.journal.support import NOW, Clock, message

RULES = rules(content_days=20, attachment_days=5, trace_days=40)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def history(journal_factory: JournalFactory, clock: Clock) -> History:
    return start(journal_factory(clock=clock), clock, seed=2027)


def keep(history: History, wanted: Rules = RULES) -> Tally:
    return Keeper(history.journal, wanted).round()


def bytes_due(fact: Fact, now: datetime) -> bool:
    age = days(5 if fact.route == "document" else 20)
    return fact.received_at < now - age and not fact.unfinished


def rows_due(fact: Fact, now: datetime) -> bool:
    return fact.received_at < now - days(40) and not fact.unfinished


def ids(journal: Journal, sql: str) -> set[int]:
    return {row[0] for row in journal.query(sql)}


def journal_keys(journal: Journal) -> set[str]:
    return {row[0] for row in journal.query("SELECT key FROM message")}


def position(journal: Journal, walk: str) -> int:
    return int(journal.query("SELECT position FROM retention WHERE walk = ?", (walk,))[0][0])


# -- what goes and what stays ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_history_keeps_exactly_what_it_must(journal_factory: JournalFactory, clock: Clock, seed: int) -> None:
    history = start(journal_factory(clock=clock), clock, seed)
    for _ in range(20):
        history.day(6)
        clock.push(days=2.0)
        if history.chance.random() < 0.4:
            keep(history)
    keep(history)
    now, journal = clock(), history.journal
    newest = history.facts[-1].message_id
    assert ids(journal, "SELECT message_id FROM purged") == {
        f.message_id for f in history.facts if bytes_due(f, now) and not rows_due(f, now)
    }
    for fact in history.facts:
        rows = journal.query("SELECT raw FROM message WHERE id = ?", (fact.message_id,))
        if rows_due(fact, now) and fact.message_id != newest:
            assert rows == []
        else:
            assert bytes(rows[0]["raw"]) == (b"" if bytes_due(fact, now) else fact.raw)
    staying = {
        delivery
        for fact in history.facts
        for delivery, state, at in fact.deliveries
        if state != "done" or at >= now - days(40)
    }
    assert ids(journal, "SELECT id FROM delivery") == staying
    assert ids(journal, "SELECT delivery_id FROM attempt") == staying
    assert ids(journal, "SELECT delivery_id FROM timeline WHERE delivery_id IS NOT NULL") == staying
    assert ids(journal, "SELECT id FROM timeline WHERE at < '2026-11-20' AND message_id IS NULL") == set()


def test_nothing_goes_while_it_is_young(history: History) -> None:
    history.day(20)
    assert not any(keep(history).removed.values())


def test_for_ever_is_for_ever(history: History, clock: Clock) -> None:
    history.day(20)
    clock.push(days=10_000)
    assert not any(keep(history, rules(content_days=0, attachment_days=0, trace_days=0)).removed.values())


@pytest.mark.parametrize("state", ["queued", "retry", "sending", "held", "refused", "dead"])
def test_what_unfinished_work_needs_stays_and_goes_once_it_is_settled(
    history: History, clock: Clock, state: str
) -> None:
    fact = history.one(states=("done", state))
    history.day(5, unfinished=0.0)
    clock.push(days=1000)
    keep(history)
    assert message_content(history.journal, fact.message_id) == fact.raw
    waiting = fact.deliveries[1][0]
    assert ids(history.journal, "SELECT id FROM delivery") == {waiting}
    assert timeline(history.journal, delivery_id=waiting)
    history.journal.transact(partial(set_state, delivery=waiting, state="done"))
    keep(history)
    with pytest.raises(ContentPurged):
        message_content(history.journal, fact.message_id)
    clock.push(days=41)
    keep(history)
    assert ids(history.journal, "SELECT id FROM delivery") == set()
    assert ids(history.journal, "SELECT id FROM message") == {history.facts[-1].message_id}


def test_what_the_router_could_not_treat_stays(history: History, clock: Clock) -> None:
    fact = history.one(states=())
    history.day(3)

    def fail(tx: Tx) -> None:
        tx.execute("UPDATE message SET routed = 2 WHERE id = ?", (fact.message_id,))
        tx.execute(
            "INSERT INTO routing_failure (message_id, at, reason) VALUES (?, 'x', 'x')"
            " ON CONFLICT (message_id) DO NOTHING",
            (fact.message_id,),
        )

    history.journal.transact(fail)
    clock.push(days=1000)
    keep(history)
    assert message_content(history.journal, fact.message_id) == fact.raw


def test_ids_are_never_given_again(history: History, clock: Clock) -> None:
    """The newest rows stay however old: a position beyond the ids would hide new messages from the router."""
    history.one(states=("done",))
    history.one(states=("done",))
    clock.push(days=1000)
    keep(history)
    last = history.facts[-1].message_id
    line = history.journal.query("SELECT max(id) FROM timeline")[0][0]
    assert history.one(states=("done",)).message_id > last
    assert history.journal.query("SELECT max(id) FROM timeline")[0][0] > line


def test_a_date_of_the_future_does_not_stop_the_others(history: History, clock: Clock) -> None:
    clock.push(days=3000)
    wrong = history.one(states=("done",))
    clock.now = NOW
    later = history.one(states=("done",))
    history.one(states=("done",))
    clock.push(days=25)
    keep(history)
    assert message_content(history.journal, wrong.message_id) == wrong.raw
    with pytest.raises(ContentPurged):
        message_content(history.journal, later.message_id)
    clock.push(days=4000)
    keep(history)
    assert wrong.message_id not in ids(history.journal, "SELECT id FROM message")


# -- purged is a state, not a failure ------------------------------------------------------------------------------


def test_purged_content_says_so(history: History, clock: Clock) -> None:
    fact = history.one(states=("done",))
    clock.push(days=21)
    keep(history)
    with pytest.raises(ContentPurged, match="contenu purgé le 23/11/2026") as refused:
        message_content(history.journal, fact.message_id)
    assert refused.value.context["purged_at"] == clock()
    with pytest.raises(ContentPurged, match="contenu purgé le"):
        history.journal.transact(lambda tx: refuse_purged(tx.connection, fact.message_id))
    lines = timeline(history.journal, message_id=fact.message_id)
    assert lines[0].event == "received"
    assert (lines[-1].event, lines[-1].at) == ("purge", clock())
    assert timeline(history.journal, document_id=f"2.25.{fact.message_id}")


def test_the_same_message_is_known_again_long_after_its_bytes_are_gone(history: History, clock: Clock) -> None:
    first = history.journal.accept_sync(message("first", received_at=clock()))
    history.journal.transact(lambda tx: tx.execute("UPDATE message SET routed = 1").rowcount)
    history.one(states=("done",))
    clock.push(days=39)
    keep(history)
    again = history.journal.accept_sync(message("first", received_at=clock(), ack=b"MSA|AA|made now"))
    assert (again.duplicate, again.message_id, again.ack) == (True, first.message_id, b"MSA|AA|made now")
    clock.push(days=2)
    keep(history)
    assert key_of("control-first", "SGL", "CHU-X") not in {
        r[0] for r in history.journal.query("SELECT key FROM message")
    }
    assert history.journal.query("SELECT * FROM duplicate") == []


def test_a_replay_of_purged_content_is_refused(history: History, clock: Clock) -> None:
    """It cannot come to that, since waiting work keeps its bytes: the second lock on that door."""
    fact = history.one(states=("done",))
    history.one(states=("done",))
    clock.push(days=21)
    keep(history)
    delivery = fact.deliveries[0][0]
    history.journal.transact(partial(set_state, delivery=delivery, state="held"))
    with pytest.raises(ContentPurged, match="contenu purgé le"):
        history.journal.transact(lambda tx: tx.requeue(delivery, "à revoir"))
    job = Job(history.journal, history.journal.delivery(delivery))
    with pytest.raises(ContentPurged):
        job.raw()
    outcome = attempt(history.journal, history.journal.delivery(delivery), {"send": _reads}, UNFENCED).outcome
    assert isinstance(outcome, Hold)
    assert outcome.reason_code == "content.purged"


def _reads(job: Job) -> Outcome:
    return Done(str(len(job.raw())))


def test_emptied_rows_share_their_pages(journal_factory: JournalFactory, clock: Clock) -> None:
    """Two rows with content fill a page; without it SQLite would leave them there, and the file would not shrink."""
    history = start(journal_factory(clock=clock), clock, seed=3)
    history.message_size = 1500
    history.bulk_day(600)
    clock.push(days=30)
    before = used(history.journal)
    keep(history, rules(content_days=20, attachment_days=5, trace_days=400, step_rows=500, step_seconds=1.0))
    assert used(history.journal) < before / 2.5


def used(journal: Journal) -> int:
    if journal.config.url.dialect == "postgresql":
        return int(journal.query("SELECT sum(pg_column_size(m.*)) FROM message m")[0][0])
    return int(journal.query("PRAGMA page_count")[0][0]) - int(journal.query("PRAGMA freelist_count")[0][0])


def test_every_column_of_a_message_survives_its_purge(history: History, clock: Clock) -> None:
    fact = history.one(states=("done",))
    history.one(states=("done",))
    (before,) = history.journal.query("SELECT * FROM message WHERE id = ?", (fact.message_id,))
    clock.push(days=21)
    keep(history)
    (after,) = history.journal.query("SELECT * FROM message WHERE id = ?", (fact.message_id,))
    changed = {name for name in before.keys() if before[name] != after[name]}  # noqa: SIM118 - rows are no mappings
    assert changed == {"raw", "ack"}


# -- steps -----------------------------------------------------------------------------------------------------------


def test_a_step_is_small_in_rows_and_in_bytes(history: History, clock: Clock) -> None:
    history.document_size = 50_000
    for _ in range(20):
        history.one(states=("done",))
    clock.push(days=30)
    content = {walk.name: walk for walk in walks(RULES)}
    by_rows = rules(content_days=20, attachment_days=5, trace_days=40, step_rows=3)
    step = history.journal.transact(partial(advance, walk=content["content"], rules=by_rows))
    assert 0 < step.removed + step.kept <= 3
    assert step.more
    by_bytes = rules(content_days=20, attachment_days=5, trace_days=40, step_rows=100, step_bytes=90_000)
    step = history.journal.transact(partial(advance, walk=content["attachments"], rules=by_bytes))
    assert (step.removed, step.more) == (2, True)
    by_time = rules(content_days=20, attachment_days=5, trace_days=40, step_seconds=0.0)
    before = position(history.journal, "attachments")
    history.journal.transact(partial(advance, walk=content["attachments"], rules=by_time))
    assert position(history.journal, "attachments") == before + 1


def test_two_keepers_share_the_work(history: History, clock: Clock, journal_factory: JournalFactory) -> None:
    for _ in range(60):
        history.one(states=("done",))
    clock.push(days=30)
    keepers = [Keeper(history.journal, RULES), Keeper(journal_factory(clock=clock), RULES)]
    tallies: list[Tally] = []
    threads = [threading.Thread(target=lambda one=one: tallies.append(one.round())) for one in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    removed = [tally.removed["content"] + tally.removed["attachments"] for tally in tallies]
    assert sum(removed) == 60
    assert len(ids(history.journal, "SELECT message_id FROM purged")) == 60


def test_a_dry_run_tells_what_a_round_does_and_does_nothing(history: History, clock: Clock) -> None:
    for _ in range(15):
        history.day(5)
        clock.push(days=3)
    before = history.journal.query("SELECT count(*), sum(length(raw)) FROM message")[0]
    foreseen = preview(history.journal, RULES, clock())
    assert tuple(history.journal.query("SELECT count(*), sum(length(raw)) FROM message")[0]) == tuple(before)
    done = keep(history)
    assert foreseen.removed == done.removed
    assert foreseen.freed == done.freed > 0


def test_a_round_in_the_daemon_and_its_end(history: History, clock: Clock) -> None:
    history.one(states=("done",))
    history.one(states=("done",))
    clock.push(days=30)
    told = threading.Event()

    def files(stopping: threading.Event) -> int:
        told.set()
        return 0

    keeper = Keeper(
        history.journal,
        rules(content_days=20, attachment_days=5, trace_days=40, every=0.01),
        {"files": files},
    )
    keeper.start()
    assert told.wait(10)
    keeper.stop()
    keeper.stop()
    assert ids(history.journal, "SELECT message_id FROM purged") == {1, 2}


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"content_days": -1}, "retention.content_days"),
        ({"trace_days": 30}, "retention.trace_days"),
        ({"content_days": 0}, "retention.trace_days"),
        ({"step_rows": 0}, "retention.step_rows"),
    ],
)
def test_durations_that_cannot_be(settings: dict[str, int], name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        RetentionConfig(**settings)
    assert refused.value.context["name"] == name
