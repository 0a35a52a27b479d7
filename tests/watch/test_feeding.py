"""The feeding report from journals written by the journal's own API: counts, causes, periods, both databases."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.base.finding import Finding
from connector.journal import Incoming, Journal, Tx
from connector.journal.lifecycle import Event
from connector.watch.feeding import MAX_REASONS, OTHER_REASONS, Fact, FeedingReport, Tally
from connector.watch.feeding_rows import feeding_report, unit_and_type
from connector.watch.feeding_words import advice, commands, origin, type_label
from tests.e2e.messages import edit, sample
from tests.watch.conftest import both

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LETTER = "11490-0"

Move = tuple[Event, dict[str, Any]]
DONE: tuple[Move, ...] = (
    ("start", {"run": 1}),
    ("send", {"unsettled": True}),
    ("succeed", {"run": 0, "unsettled": False}),
)


def refused(code: str, reason: str) -> tuple[Move, ...]:
    return (("start", {"run": 1}), ("refuse", {"run": 0, "reason": reason, "reason_code": code}))


def held(code: str, reason: str) -> tuple[Move, ...]:
    return (("hold", {"reason": reason, "reason_code": code}),)


def publish(
    journal: Journal,
    *moves: Move,
    unit: str = "MED1",
    type_: str = LETTER,
    shadow: bool = False,
    kind: str = "publication",
) -> int:
    """One delivery with the payload of a publication, moved as told."""

    def write(tx: Tx) -> int:
        payload = {"index": 0, "unit": unit, "type": type_, "shadow": shadow, "action": "create"}
        number = tx.deliver(kind, tx.resolve_patient((("IPP", f"{unit}-{type_}"),)), payload)
        for event, changes in moves:
            tx.move(tx.delivery(number), event, **changes)
        return number

    return journal.transact(write)


def refuse_at_door(journal: Journal, raw: bytes, type_: str = "MDM", code: str = "207", app_code: str = "904") -> None:
    finding = Finding(f"ACK-{app_code or code}", "error", "PID-1-3", "", "", "Identités différentes", code=code)
    journal.accept_sync(
        Incoming(
            raw=raw, peer="test", key="k", type=type_, event="T02", control_id="1", sender="A|B", received_at=NOW,
            verdict="refused", ack=b"", findings=(finding,), route="document",
        )
    )  # fmt: skip


def not_for_dmp(journal: Journal, **data: str) -> None:
    journal.transact(lambda tx: tx.note("sans objet", "Document non destiné au DMP", data=data))


def read(journal: Journal, **options: Any) -> FeedingReport:
    return feeding_report(journal, made_at=NOW, **options)


def counts(report: FeedingReport) -> dict[tuple[str, str], dict[str, int]]:
    return {(line.unit, line.type): {str(fate): n for fate, n in line.counts.items()} for line in report.lines}


@both
def test_every_fate_by_unit_and_type(journal: Journal) -> None:
    publish(journal, *DONE)
    publish(journal, *DONE, unit="CHIR")
    publish(journal, *held("identity.not-qualified", "INS non qualifié"))
    publish(journal, *refused("906", "Opposition (ZFA-9 = IO)"))
    publish(
        journal,
        *refused("906", "Document refusé avant envoi : [KIT-CDA/E-12] Absent (champ id : trouvé « x », attendu y)"),
    )
    publish(journal, *refused("DMPClosed", "DMP fermé"))
    publish(journal, *held("configuration.tls", "Certificat"), ("settle", {"reason": "vu", "reason_code": "settled"}))
    publish(journal)
    not_for_dmp(journal, unit="MED1", type=LETTER, cause="DESTDMP = N")
    refuse_at_door(journal, edit(sample("mdm-t02-autre-patient"), "PV1-3", "CHIR^101").encode())
    report = read(journal)
    assert counts(report) == {
        ("CHIR", LETTER): {"sent": 1, "door": 1},
        ("MED1", LETTER): {
            "sent": 1, "waiting": 2, "refused-rules": 1, "refused-kit": 1, "refused-dmp": 1, "settled": 1,
            "not-for-dmp": 1,
        },
    }  # fmt: skip
    surgery, medicine = report.lines
    assert (surgery.rate, surgery.received, surgery.for_dmp) == (1.0, 2, 1)
    assert (medicine.rate, medicine.received, medicine.for_dmp) == (1 / 7, 8, 7)
    assert report.total().left == 2


@both
def test_what_is_no_publication_is_not_counted(journal: Journal) -> None:
    publish(journal, *DONE, kind="zam")
    publish(journal, *DONE, kind="notice")
    refuse_at_door(journal, sample("adt-a01-admission").encode(), type_="ADT")
    assert read(journal).lines == ()


@both
def test_shadow_and_real_sends_have_the_same_report(journal: Journal) -> None:
    publish(journal, *DONE)
    publish(journal, *DONE, shadow=True)
    publish(journal, *refused("903", "Pas d'INS"), shadow=True)
    real, shadow = read(journal), read(journal, shadow=True)
    assert (counts(real), real.other_mode) == ({("MED1", LETTER): {"sent": 1}}, 2)
    assert (counts(shadow), shadow.other_mode) == ({("MED1", LETTER): {"would-send": 1, "refused-rules": 1}}, 1)
    assert shadow.lines[0].rate == 0.5


@both
def test_each_wait_has_its_reason(journal: Journal) -> None:
    held_one = publish(journal, *held("consent.unknown", "ZFA-9 absent"))
    retried = publish(
        journal, ("start", {"run": 1}), ("retry", {"run": 0, "reason": "injoignable", "reason_code": "transport"})
    )
    doubtful = publish(
        journal, ("start", {"run": 1}), ("send", {"unsettled": True}), ("unknown", {"run": 0, "unsettled": True})
    )
    dead = publish(journal, ("start", {"run": 1}), ("die", {"run": 0, "reason": "essais épuisés", "reason_code": "x"}))
    found = {cause.state: (cause.code, tally.numbers) for cause, tally in read(journal).causes}
    assert found == {
        "held": ("consent.unknown", [held_one]),
        "retry": ("transport", [retried]),
        "sending": ("", [doubtful]),
        "dead": ("x", [dead]),
    }


@both
def test_a_replay_is_the_same_document(journal: Journal) -> None:
    publish(journal, *refused("903", "Pas d'INS"), ("requeue", {"reason": "corrigé", "reason_code": ""}), *DONE)
    assert counts(read(journal)) == {("MED1", LETTER): {"sent": 1}}


@both
def test_only_the_period_is_read(journal: Journal) -> None:
    for _ in range(3):
        publish(journal, *DONE)
    not_for_dmp(journal, unit="MED1", type=LETTER)
    day = timedelta(days=1)

    def shift(tx: Tx) -> None:
        for number, back in ((1, 2 * day), (2, day)):
            at = (NOW - back).isoformat(timespec="microseconds")
            tx.execute("UPDATE delivery SET created_at = ? WHERE id = ?", (at, number))
        at = (NOW + timedelta(hours=1)).isoformat(timespec="microseconds")
        tx.execute("UPDATE delivery SET created_at = ? WHERE id = 3", (at,))
        tx.execute("UPDATE timeline SET at = ? WHERE event = 'sans objet'", (at,))

    journal.transact(shift)
    assert read(journal).total().received == 4
    assert read(journal, since=NOW - day).total().received == 3
    assert read(journal, until=NOW - day).total().received == 1
    assert read(journal, since=NOW - day, until=NOW).total().received == 1
    assert read(journal, since=NOW).total().counts == {"sent": 1, "not-for-dmp": 1}


def test_a_line_written_before_units_were_kept_is_counted_as_unknown(journal: Journal) -> None:
    journal.transact(lambda tx: tx.deliver("publication", tx.resolve_patient(()), {"index": 0}))
    not_for_dmp(journal)
    assert [(line.unit, line.type, line.received) for line in read(journal).lines] == [("", "", 2)]


def test_a_message_refused_at_the_door_may_be_unreadable_or_gone(journal: Journal) -> None:
    for raw in (b"", b"bonjour", b"MSH|^~\\&|"):
        refuse_at_door(journal, raw)
    report = read(journal)
    assert counts(report) == {("", ""): {"door": 3}}
    assert [cause.code for cause, _ in report.causes] == ["207/904"]


def test_unit_and_type_of_a_message_cut_in_its_document() -> None:
    raw = edit(sample("mdm-t02-lettre-de-liaison"), "PV1-3", "MED1^101").encode()
    place = raw.index(b"PV1|")
    assert unit_and_type(raw) == unit_and_type(raw[: raw.index(b"|ED|") + 300])
    assert unit_and_type(raw)[0] == "MED1"
    assert unit_and_type(raw[:place])[0] == ""


@pytest.mark.parametrize(
    ("code", "reason", "fate"),
    [
        ("903", "Pas d'INS", "refused-rules"),
        ("906", "Document refusé avant envoi : [KIT-Modeles/E-12] Absent", "refused-kit"),
        ("906", "Document refusé avant envoi : [XSD/ELEMENT] Inattendu", "refused-kit"),
        ("906", "Document refusé avant envoi : [CDA-12] Base64", "refused-rules"),
        ("XDSDuplicateUniqueIdInRegistry", "", "refused-dmp"),
        ("", "", "refused-dmp"),
    ],
)
def test_who_refused(code: str, reason: str, fate: str) -> None:
    assert origin(code, reason) == fate


def test_commands_name_every_delivery_when_they_are_known_else_the_cause(journal: Journal) -> None:
    for _ in range(3):
        publish(journal, *held("configuration.tls", "Certificat refusé"))
    for numbers, which in ((5, "1 2 3"), (2, "--kind publication --state held --code configuration.tls")):
        cause, tally = read(journal, numbers=numbers).causes[0]
        look, act = commands(cause, tally.numbers, tally.count, "c.toml")
        assert look == "connector queue show -c c.toml 1"
        assert act == f'connector queue retry -c c.toml {which} --reason "…"'
        assert "réglage" in advice(cause).text


def test_nobody_is_told_to_replay_an_opposition(journal: Journal) -> None:
    publish(journal, *refused("906", "Le patient s'oppose à l'alimentation de son DMP (ZFA-9 = IO)"))
    cause, tally = read(journal).causes[0]
    assert commands(cause, tally.numbers, tally.count, "c.toml") == ("connector queue show -c c.toml 1",)
    assert "s'oppose" in advice(cause).text


def test_the_dmp_s_refusals_say_who_mends_them(journal: Journal) -> None:
    publish(journal, *refused("DMPInvalidCertificate", "certificat"))
    cause, _ = read(journal).causes[0]
    assert advice(cause).text.startswith("À traiter par ")


def test_documents_refused_by_one_rule_have_one_cause(journal: Journal) -> None:
    for found in ("3.4", "5.6"):
        publish(journal, *refused("906", f"Document refusé avant envoi : [D-29] Langue (champ x : trouvé « {found} »)"))
    ((cause, tally),) = read(journal).causes
    assert (cause.reason, tally.count) == ("Document refusé avant envoi : [D-29] Langue", 2)


def test_labels_come_from_the_published_lists() -> None:
    assert type_label("11490-0") != ""
    assert type_label("pas-un-type") == ""


def test_sentences_that_all_differ_are_gathered() -> None:
    tally = Tally(numbers=5)
    tally.add_all(Fact("U", "T", "waiting", "held", "x", f"hôte {n}", n + 1) for n in range(MAX_REASONS + 20))
    report = tally.report(made_at=NOW, since=None, until=None, shadow=False)
    assert len(report.causes) == MAX_REASONS + 1
    assert next(one.count for cause, one in report.causes if cause.reason == OTHER_REASONS) == 20


@pytest.mark.sqlite_only
def test_memory_does_not_grow_with_the_number_of_deliveries(journal: Journal) -> None:
    def once() -> int:
        gc.collect()
        tracemalloc.start()
        try:
            read(journal)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def peak() -> int:
        # threads of earlier tests may be ending meanwhile: the least of three is the report's own
        return min(once() for _ in range(3))

    fill(journal, 6_000)  # more than one page of rows
    first = peak()
    fill(journal, 12_000)
    assert read(journal).total().received == 18_000
    assert peak() < first * 1.25


def fill(journal: Journal, count: int) -> None:
    """Many rows at once, without the cost of their moves."""

    def write(tx: Tx) -> None:
        patient = tx.resolve_patient((("IPP", "1"),))
        for n in range(count):
            state = ("done", "held", "refused")[n % 3]
            code = ("", "consent.unknown", "903")[n % 3]
            payload = f'{{"index": 0, "unit": "U{n % 20}", "type": "{LETTER}", "shadow": false}}'
            tx.execute(INSERT, (patient, state, f"motif {code}", code, payload))

    journal.transact(write)


INSERT: str = (
    "INSERT INTO delivery (kind, patient_id, lane, state, due, run, unsettled, attempts, stay, document_id, reason,"
    " reason_code, since, created_at, updated_at, payload) VALUES ('publication', ?, '', ?, '', 0, 0, 0, '', '', ?, ?,"
    " '', '2026-11-20T00:00:00.000000+00:00', '', ?)"
)
