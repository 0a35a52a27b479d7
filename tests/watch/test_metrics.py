"""The figures: equal to the rows, at rest and while work goes on; cheap whatever waits; labels that cannot grow."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter as Tally
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connector.base.calls import CallRecord
from connector.base.clock import random_uuid, utc_now
from connector.journal import Dead, Done, Hold, Job, Journal, JournalConfig, Outcome, Refuse, Retry, Tx, Unknown, queue
from connector.journal.model import Committed, LineWritten
from connector.trust.clockwatch import ClockWatch
from connector.watch import queues
from connector.watch.config import AlertsConfig
from connector.watch.counters import MOST_CODES, MOST_DESTINATIONS
from connector.watch.gather import Sources
from connector.watch.labels import OTHER
from connector.watch.room import Watch
from tests.journal.support import NOW, Clock, active, deliver, eventually, patient, working
from tests.watch.conftest import both

Scrape = dict[str, dict[tuple[str, ...], float]]


class State:
    def __init__(self, state: str) -> None:
        self.state = state


def open_watch(journal: Journal, sources: Sources | None = None, clock: Clock | None = None) -> Watch:
    return Watch(
        journal, AlertsConfig(), sources or Sources(), clock=clock or utc_now, uuid_factory=random_uuid
    )  # fmt: skip


@pytest.fixture
def watch(journal: Journal) -> Iterator[Watch]:
    watch = open_watch(journal)
    yield watch
    watch.stop()


def scrape(watch: Watch) -> Scrape:
    """Samples by name, then by label values in the order of their names."""
    found: Scrape = {}
    for metric in text_string_to_metric_families(watch.metrics().decode()):
        for sample in metric.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), f"{sample.name}{labels} twice"
            found[sample.name][labels] = sample.value
    return found


def rows(journal: Journal, *states: str) -> dict[tuple[str, ...], int]:
    found = journal.query("SELECT destination, state, count(*) AS n FROM delivery GROUP BY destination, state")
    return {(row["destination"], row["state"]): row["n"] for row in found if not states or row["state"] in states}


# -- equal to the rows -------------------------------------------------------------------------------------------------


class Traffic:
    """Deliveries for a few patients and destinations, whose handlers answer anything, drawn from one seed."""

    def __init__(self, journal: Journal, seed: int) -> None:
        self._journal = journal
        self._random = random.Random(seed)
        self._patients = [patient(journal, n) for n in range(6)]

    def create(self, count: int) -> None:
        for _ in range(count):
            state = self._random.choice(["queued", "queued", "queued", "held", "refused"])
            deliver(
                self._journal,
                self._random.choice(self._patients),
                "publication",
                destination=self._random.choice(["dmp", "identity", "zam:SGL|CHU-X"]),
                state=state,
                reason_code="" if state == "queued" else "consent.unknown",
            )

    def handle(self, job: Job) -> Outcome:
        dice = self._random.random()
        if dice < 0.3:
            job.sending({})
        for limit, outcome in (
            (0.15, Retry("plus tard", timedelta(milliseconds=5), "transport")),
            (0.25, Unknown("coupé")),
            (0.35, Hold("attend", "configuration.X")),
            (0.45, Refuse("non", "906")),
            (0.5, Dead("fini", "gone")),
        ):
            if dice < limit:
                return outcome
        return Done("fait")

    def operate(self) -> None:
        """An operator takes some of what waits up again, and settles some."""
        waiting = self._journal.query("SELECT id FROM delivery WHERE state IN ('held','refused','dead')")
        for row in waiting:
            choice = self._random.random()
            if choice < 0.3:
                self._journal.transact(methodcaller("requeue", row["id"], "repris"))
            elif choice < 0.5:
                self._journal.transact(methodcaller("settle", row["id"], "réglé"))


def balance(found: Scrape) -> dict[str, float]:
    """How many deliveries the counters of moves leave in each state."""
    left: Tally[str] = Tally()
    for (after, before, _event, _kind), count in found["connector_moves_total"].items():
        left[after] += int(count)
        if before:
            left[before] -= int(count)
    return {state: count for state, count in left.items() if count}


@both
@pytest.mark.parametrize("seed", [1, 2])
async def test_figures_equal_the_rows_after_random_traffic(journal: Journal, watch: Watch, seed: int) -> None:
    traffic = Traffic(journal, seed)
    async with working(journal, {"publication": traffic.handle}):
        for _ in range(4):
            traffic.create(15)
            await eventually(lambda: not active(journal) or not ready(journal))
            traffic.operate()
    found = scrape(watch)
    real = rows(journal)
    assert found["connector_queue"] == {key: count for key, count in real.items() if key[1] != "done"}
    by_state: Tally[str] = Tally()
    for (_, state), count in real.items():
        by_state[state] += count
    assert balance(found) == by_state


def ready(journal: Journal) -> bool:
    """Something can still start: what stands behind a dead letter cannot."""
    return bool(journal.query("SELECT 1 FROM head LIMIT 1")) or bool(
        journal.query("SELECT 1 FROM delivery WHERE run <> 0 LIMIT 1")
    )


@both
async def test_figures_equal_the_rows_while_work_goes_on(journal: Journal, watch: Watch) -> None:
    owners = [patient(journal, n) for n in range(8)]
    over = threading.Event()
    wrong: list[str] = []
    scrapes = 0

    def bounds() -> tuple[int, int]:
        row = journal.query(
            "SELECT count(*) AS made, sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS done FROM delivery"
        )
        return row[0]["made"], row[0]["done"] or 0

    def look() -> None:
        nonlocal scrapes
        while not over.is_set():
            # each reading of the journal counts by itself: the shared answer of a second is not what is tested
            watch._gauges._read._fresh = 0.0
            made_before, done_before = bounds()
            seen = sum(scrape(watch).get("connector_queue", {}).values())
            made_after, done_after = bounds()
            scrapes += 1
            if not made_before - done_after <= seen <= made_after - done_before:
                wrong.append(f"{made_before}-{done_after} <= {seen} <= {made_after}-{done_before}")

    looker = threading.Thread(target=look)
    async with working(journal, {"publication": lambda job: Done("fait")}):
        looker.start()
        for number in range(150):
            deliver(journal, owners[number % 8], "publication", destination="dmp")
        await eventually(lambda: not active(journal))
        await eventually(lambda: scrapes > 3)
        over.set()
        looker.join()
    assert wrong == []
    assert balance(scrape(watch)) == {"done": 150}


# -- what is counted ---------------------------------------------------------------------------------------------------


def line(event: str, before: str, after: str, seconds: float, code: str = "", number: int = 1) -> LineWritten:
    at = NOW + timedelta(seconds=seconds)
    return LineWritten(event, before, after, "publication", "dmp", code, at, number, 1, NOW)


def test_waits_attempts_and_the_whole_way(watch: Watch) -> None:
    lines = [
        line("create", "", "queued", 0),
        line("start", "queued", "running", 5),
        line("retry", "running", "retry", 7, "transport"),
        line("start", "retry", "running", 60),
        line("send", "running", "sending", 61),
        line("succeed", "sending", "done", 64),
    ]
    for one in lines:
        watch.counters.on_commit(Committed(False, True, (one,), 3))
    found = scrape(watch)
    assert found["connector_queue_wait_seconds_sum"] == {("dmp",): 5}
    assert found["connector_queue_wait_seconds_count"] == {("dmp",): 1}
    assert found["connector_handler_seconds_sum"] == {("publication",): 2 + 4}
    assert found["connector_end_to_end_seconds_sum"] == {("publication",): 64}
    assert found["connector_writer_batch_sum"] == {(): 18}
    assert found["connector_reasons_total"] == {("transport", "retry"): 1}


def test_acknowledgements_by_code_and_calls_by_transaction(watch: Watch) -> None:
    watch.counters.accepted(b"MSH|^~\\&|A\rMSA|AA|1\r", 0.002)
    watch.counters.accepted(b"MSH#^~\\&#A\rMSA#AE#1\r", 0.002)
    watch.counters.accepted(None, 0.002)
    watch.counters.on_call(CallRecord(NOW, "TD2.1", outcome="unknown", seconds=1.5))
    found = scrape(watch)
    assert set(found["connector_accept_seconds_count"]) == {("AA",), ("AE",), ("none",)}
    assert found["connector_call_seconds_sum"] == {("unknown", "TD2.1"): 1.5}


def test_labels_that_come_from_outside_cannot_grow(watch: Watch) -> None:
    for number in range(2 * MOST_CODES):
        code, destination = f"code-{number}", f"zam:sender-{number}"
        refused = line("refuse", "running", "refused", 1, code)
        started = line("start", "queued", "running", 1, number=number)._replace(destination=destination)
        watch.counters.on_commit(Committed(False, True, (refused, started)))
    found = scrape(watch)
    assert len(found["connector_reasons_total"]) == MOST_CODES + 1
    assert found["connector_reasons_total"][OTHER, "refused"] == MOST_CODES
    assert len(found["connector_queue_wait_seconds_count"]) == MOST_DESTINATIONS + 1


def test_a_code_that_is_an_identity_is_no_label(watch: Watch) -> None:
    watch.counters.on_commit(Committed(False, True, (line("refuse", "running", "refused", 1, "279035121518989"),)))
    assert b"279035121518989" not in watch.metrics()


def test_a_delivery_that_never_comes_back_is_not_remembered_for_ever(watch: Watch) -> None:
    for number in range(20_000):
        watch.counters.on_commit(Committed(False, True, (line("start", "queued", "running", 1, number=number),)))
    assert len(watch.counters._started) <= 10_000


# -- what is ----------------------------------------------------------------------------------------------------------


@both
def test_breakers_certificates_clock_and_process(journal: Journal) -> None:
    clock = Clock()
    watching = ClockWatch(120.0)
    watching.observe("NTP", clock() + timedelta(seconds=3), clock())
    sources = Sources(
        breakers=lambda: {"dmp": State("open"), "identity": State("closed")},
        certificates=lambda: {"SIGN": clock() + timedelta(days=10)},
        clockwatch=watching,
    )
    watch = open_watch(journal, sources, clock)
    found = scrape(watch)
    watch.stop()
    assert found["connector_breaker"] == {("dmp",): 2, ("identity",): 0}
    assert found["connector_certificate_days"] == {("SIGN",): 10}
    assert found["connector_clock_offset_seconds"] == {("NTP",): 3}
    assert found["connector_journal_bytes"][()] > 10_000
    assert found["process_resident_memory_bytes"][()] > 1_000_000
    assert found["connector_journal_readable"] == {(): 1}


def test_ages_count_from_creation(journal: Journal) -> None:
    clock = Clock()
    clock.now = datetime.now(UTC) + timedelta(hours=1)
    deliver(journal, patient(journal, 1), "publication", destination="dmp")
    watch = open_watch(journal, clock=clock)
    age = scrape(watch)["connector_queue_oldest_seconds"]["dmp", "queued"]
    watch.stop()
    assert 3590 < age < 3700


@both
def test_a_hundred_thousand_waiting_and_a_long_history_cost_little(journal: Journal, watch: Watch) -> None:
    owner = patient(journal, 1)

    def fill(tx: Tx) -> None:
        first = tx.delivery(tx.deliver("publication", owner, {}, destination="dmp"))
        columns = (
            "kind, patient_id, lane, state, due, run, unsettled, attempts, stay, document_id, reason, reason_code,"
            " since, created_at, updated_at, payload, destination"
        )
        copied = columns.replace("state,", "?,")
        for state, count in (("queued", 100_000), ("done", 50_000)):
            tx.execute(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
                f" INSERT INTO delivery ({columns}) SELECT {copied} FROM delivery, n WHERE delivery.id = ?",
                (state, first.id),
            )

    journal.transact(fill)
    started = time.perf_counter()
    found = scrape(watch)
    seconds = time.perf_counter() - started
    assert found["connector_queue"] == {("dmp", "queued"): 100_001}
    assert seconds < 1.0, f"{seconds:.2f} s a scrape"


def test_a_journal_that_does_not_answer_leaves_the_rest(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.watch.gauges.READ_SECONDS", 0.1)
    release = threading.Event()

    def hang(*_: object) -> list[object]:
        release.wait(20)
        return []

    watch = open_watch(journal)
    monkeypatch.setattr(journal, "query", hang)
    started = time.perf_counter()
    found = scrape(watch)
    assert time.perf_counter() - started < 2.0
    release.set()
    watch.stop()
    assert found["connector_journal_readable"] == {(): 0}
    assert "connector_queue" not in found
    assert found["process_resident_memory_bytes"][()] > 1_000_000


def test_no_figure_walks_through_the_history(tmp_path: Path) -> None:
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"), utc_now)
    statements = [value for value in vars(queues).values() if isinstance(value, str) and value.startswith("SELECT")]
    statements.append(queue._COUNTS)
    assert len(statements) >= 5
    for sql in statements:
        for row in journal.query(f"EXPLAIN QUERY PLAN {sql}"):
            plan = row["detail"]
            walks = plan.startswith(("SCAN delivery", "SCAN message", "SCAN timeline"))
            assert not walks or "delivery_open" in plan or "delivery_active" in plan, f"{plan}: {sql}"
    journal.close()
