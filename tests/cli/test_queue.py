"""`connector queue` on a journal of its own: what it finds, what it does, what it refuses, and what is kept of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connector.base.clock import utc_now
from connector.journal import Journal, JournalConfig, StoredMessage, Submission, Tx
from connector.journal.engine.steps import recover
from connector.journal.routing import route_batch
from connector.journal.timeline import timeline
from connector.journal.worklist import worklist
from tests.cli.conftest import Run
from tests.journal.support import INS, IPP, message
from tests.journal.test_lifecycle import NO_LIMIT

NIR = "279035121518989"
TOML = """
[journal]
store = "journal.sqlite"
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
"""


class Place(NamedTuple):
    """A settings file beside a journal, with the numbers of what waits in it."""

    config: Path
    journal: Journal
    queued: int
    held: int
    dead: int
    running: int
    done: int
    other: int

    def state(self, number: int) -> str:
        return self.journal.delivery(number).state

    def audit(self) -> list[dict[str, Any]]:
        return [json.loads(row["line"]) for row in self.journal.query("SELECT line FROM audit ORDER BY id")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    config = tmp_path / "connector.toml"
    config.write_text(TOML, encoding="utf-8")
    yield from _place(config, JournalConfig(tmp_path / "journal.sqlite"))


@pytest.fixture
def place_on_postgres(tmp_path: Path, postgres_database: str) -> Iterator[Place]:
    config, key = tmp_path / "connector.toml", tmp_path / "audit.key"
    settings = TOML.replace('"journal.sqlite"', f'"{postgres_database}"') + f'[audit]\nkey_file = "{key}"\n'
    config.write_text(settings, encoding="utf-8")
    yield from _place(config, JournalConfig(postgres_database, audit_key=key))


def _place(config: Path, store: JournalConfig) -> Iterator[Place]:
    # The daemon's own journal stays open: the command works beside it.
    journal = Journal.open(store)
    stored = journal.accept_sync(message(1, raw=b"MSH|PAT-TROIS DOMINIQUE\rPID|1", received_at=utc_now()))
    yield Place(config, journal, *journal.transact(lambda tx: _fill(tx, stored.message_id)))
    journal.close()


def _fill(tx: Tx, message_id: int) -> tuple[int, ...]:
    mine = tx.resolve_patient([(IPP, "000003"), (INS, NIR)])
    other = tx.resolve_patient([(IPP, "000009")])
    letter = {"unique_id": "1.2.3", "label": "PAT-TROIS DOMINIQUE"}
    queued = tx.deliver("admission", mine, {"event": "A01"}, destination="identity", message_id=message_id)
    held = tx.deliver(
        "publication", mine, letter, document=Submission("1.2.3", "create", "0" * 64), destination="dmp", state="held",
        reason="INS non qualifié", reason_code="identity.not-qualified", message_id=message_id,
    )  # fmt: skip
    dead, running, done = (tx.deliver("publication", other, {}, destination="dmp", lane=str(n)) for n in range(3))
    for number in (dead, running, done):
        tx.move(tx.delivery(number), "start", run=number, attempts=1)
    tx.move(tx.delivery(dead), "die", run=0, reason="Perdu", reason_code="configuration.expired")
    tx.move(tx.delivery(done), "succeed", run=0)
    waiting = tx.deliver("zam", other, {}, destination="zam:SGL|CHU-X", lane="zam")
    return queued, held, dead, running, done, waiting


def numbers(place: Place, run: Run, *filters: object) -> list[int]:
    result = run("queue", "list", "-c", place.config, "--json", *filters)
    found = [entry["id"] for entry in result.json()["deliveries"]]
    assert result.code == (0 if found else 1)
    assert result.json()["matching"] == len(found)
    return found


# -- list and show -------------------------------------------------------------------------------------------------


def test_the_list_is_what_is_not_done_what_needs_a_person_first(run: Run, place: Place) -> None:
    assert numbers(place, run) == [place.dead, place.held, place.running, place.queued, place.other]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("--state", "held"), ["held"]),
        (("--state", "queued", "--state", "done"), ["queued", "other", "done"]),
        (("--destination", "dmp"), ["dead", "held", "running"]),
        (("--kind", "zam"), ["other"]),
        (("--code", "configuration"), ["dead"]),
        (("--code", "identity.not-qualified"), ["held"]),
        (("--code", "onfiguration"), []),
        (("--ipp", "000003"), ["held", "queued"]),
        (("--ins", NIR), ["held", "queued"]),
        (("--ins", NIR, "--state", "queued"), ["queued"]),
        (("--ipp", "nobody"), []),
        (("--document", "1.2.3"), ["held"]),
        (("--older-than", "1h"), []),
        (("--older-than", "0m"), ["dead", "held", "running", "queued", "other"]),
    ],
)
def test_every_filter(run: Run, place: Place, filters: tuple[str, ...], expected: list[str]) -> None:
    assert numbers(place, run, *filters) == [getattr(place, name) for name in expected]


def test_older_than_counts_from_the_creation(run: Run, place: Place) -> None:
    past = (utc_now() - timedelta(days=4)).isoformat(timespec="microseconds")
    place.journal.transact(
        lambda tx: tx.execute("UPDATE delivery SET created_at = ? WHERE id = ?", (past, place.queued))
    )
    assert numbers(place, run, "--older-than", "3d") == [place.queued]


def test_the_list_counts_everything_and_prints_what_fits(
    run: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    result = run("queue", "list", "-c", place.config, "--limit", "2", "--json").json()
    assert (len(result["deliveries"]), result["matching"]) == (2, 5)
    assert {(count["destination"], count["state"]): count["count"] for count in result["counts"]} == {
        ("dmp", "dead"): 1,
        ("dmp", "held"): 1,
        ("dmp", "running"): 1,
        ("identity", "queued"): 1,
        ("zam:SGL|CHU-X", "queued"): 1,
    }
    text = run("queue", "list", "-c", place.config, "--limit", "2")
    assert "2 sur 5" in text.out
    assert "identity.not-qualified : INS non qualifié" in text.out


def test_show_tells_the_facts_and_no_identity(run: Run, place: Place) -> None:
    shown = run("queue", "show", "-c", place.config, place.held, "--json")
    report = shown.json()
    assert (shown.code, report["delivery"]["state"], report["documentState"]) == (0, "held", "waiting")
    assert (report["payload"], report["hidden"]) == ({"unique_id": "1.2.3"}, ["label"])
    assert [line["event"] for line in report["timeline"]] == ["received", "create"]
    for output in (shown.out, run("queue", "show", "-c", place.config, place.held).out):
        assert "PAT-TROIS" not in output
        assert NIR not in output
    assert place.audit() == []


def test_show_with_a_reason_reveals_and_says_so_in_the_audit(run: Run, place: Place) -> None:
    reason = ("--reveal", "--reason", "appel du service", "--operator", "dupuis")
    report = run("queue", "show", "-c", place.config, place.held, *reason, "--json").json()
    assert [INS, NIR] in report["revealed"]["identifiers"]
    assert report["revealed"]["payload"]["label"] == "PAT-TROIS DOMINIQUE"
    assert "PAT-TROIS DOMINIQUE" in report["revealed"]["content"]
    (line,) = place.audit()
    assert (line["transaction"], line["delivery_id"], line["reason"], line["operator"]) == (
        "reveal",
        place.held,
        "appel du service",
        "dupuis",
    )
    assert "PAT-TROIS" in run("queue", "show", "-c", place.config, place.held, *reason).out


def test_nothing_is_revealed_without_a_reason(run: Run, place: Place) -> None:
    result = run("queue", "show", "-c", place.config, place.held, "--reveal")
    assert (result.code, place.audit()) == (2, [])
    assert "reason" in result.err


# -- acts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "who", "after"),
    [
        ("retry", "held", "queued"),
        ("retry", "dead", "queued"),
        ("hold", "queued", "held"),
        ("release", "held", "queued"),
        ("settle", "held", "done"),
        ("settle", "dead", "done"),
    ],
)
def test_an_act_moves_the_delivery_and_keeps_its_reason(run: Run, place: Place, act: str, who: str, after: str) -> None:
    number = getattr(place, who)
    options = ("--reason", "vu avec le DIM", "--operator", "dupuis", "--json")
    result = run("queue", act, "-c", place.config, number, *options)
    assert (result.code, result.json()["deliveries"]) == (0, [number])
    assert place.state(number) == after
    last = timeline(place.journal, delivery_id=number)[-1]
    assert "vu avec le DIM" in last.text
    assert (last.state_to, last.data["operator"]) == (after, "dupuis")
    (line,) = place.audit()
    assert (line["transaction"], line["delivery_id"], line["reason"], line["operator"]) == (
        act,
        number,
        "vu avec le DIM",
        "dupuis",
    )


def test_a_document_settled_by_hand_is_settled(run: Run, place: Place) -> None:
    assert run("queue", "settle", "-c", place.config, place.held, "--reason", "déposé à la main").code == 0
    assert [row["state"] for row in place.journal.query("SELECT state FROM document")] == ["settled"]
    assert place.audit()[0]["unique_ids"] == ["1.2.3"]


@pytest.mark.parametrize("act", ["retry", "hold", "settle", "release"])
def test_a_running_delivery_is_left_to_its_worker(run: Run, place: Place, act: str) -> None:
    result = run("queue", act, "-c", place.config, place.running, "--reason", "pressé")
    assert result.code == 3
    assert "un essai est en cours" in result.err
    assert (place.state(place.running), place.audit()) == ("running", [])


@pytest.mark.parametrize(
    ("act", "who"), [("retry", "done"), ("hold", "dead"), ("release", "queued"), ("settle", "queued")]
)
def test_what_the_life_cycle_refuses(run: Run, place: Place, act: str, who: str) -> None:
    number = getattr(place, who)
    before = place.state(number)
    result = run("queue", act, "-c", place.config, number, "--reason", "essai")
    assert result.code == 3
    assert f"n° {number} : ne peut pas être" in result.err
    assert (place.state(number), place.audit()) == (before, [])


def test_one_that_is_refused_undoes_nothing_of_the_others(run: Run, place: Place) -> None:
    result = run("queue", "retry", "-c", place.config, place.held, place.running, place.dead, "--reason", "x", "--json")
    assert result.code == 3
    report = result.json()
    assert (report["done"], report["deliveries"]) == (2, [place.held, place.dead])
    assert [(one["delivery"], one["state"]) for one in report["refusals"]] == [(place.running, "running")]


def test_a_number_nobody_knows(run: Run, place: Place) -> None:
    assert run("queue", "retry", "-c", place.config, "999", "--reason", "x").code == 1
    assert run("queue", "show", "-c", place.config, "999").code == 1


# -- many at once --------------------------------------------------------------------------------------------------


def test_many_are_asked_for_first(run: Run, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run("queue", "hold", "-c", place.config, "--state", "queued", "--reason", "maintenance")
    assert refused.code == 2
    assert "--yes" in refused.err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, err: False)
    assert run("queue", "hold", "-c", place.config, "--state", "queued", "--reason", "maintenance").code == 1
    assert (place.state(place.queued), place.audit()) == ("queued", [])
    monkeypatch.setattr("typer.confirm", lambda text, err: "2 travaux" in text)
    assert run("queue", "hold", "-c", place.config, "--state", "queued", "--reason", "maintenance").code == 0
    assert {place.state(place.queued), place.state(place.other)} == {"held"}


def test_a_cause_is_retried_at_once(run: Run, place: Place) -> None:
    result = run("queue", "retry", "-c", place.config, "--code", "configuration", "--reason", "certificat remplacé")
    assert (result.code, place.state(place.dead), place.state(place.held)) == (0, "queued", "held")
    assert "1 remis en file" in result.out


def test_a_destination_goes_in_small_transactions(run: Run, place: Place) -> None:
    def more(tx: Tx) -> None:
        owner = tx.resolve_patient([(IPP, "000010")])
        for _ in range(120):
            tx.deliver("publication", owner, {}, destination="dmp", state="held", reason_code="x")

    place.journal.transact(more)
    result = run("queue", "release", "-c", place.config, "--destination", "dmp", "--reason", "fini", "--yes", "--json")
    assert (result.code, result.json()["done"], len(result.json()["deliveries"])) == (0, 121, 121)
    times = {line["at"] for line in place.audit()}
    assert (len(place.audit()), len(times)) == (121, 3)
    assert numbers(place, run, "--state", "held") == []


def test_nothing_matched(run: Run, place: Place) -> None:
    result = run("queue", "retry", "-c", place.config, "--code", "nowhere", "--reason", "x")
    assert result.code == 1
    assert "rien ne correspond" in result.err


def test_states_an_act_never_takes(run: Run, place: Place) -> None:
    result = run("queue", "settle", "-c", place.config, "--state", "queued", "--reason", "x")
    assert result.code == 3
    assert "ne peut pas être réglé dans l'état queued" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry", "--reason", "x"),
        ("retry", "1", "--code", "x", "--reason", "x"),
        ("retry", "1", "--reason", " "),
        ("retry", "1"),
        ("list", "--state", "lost"),
        ("list", "--older-than", "3 days"),
        ("list", "--older-than", "d"),
        ("list", "--ipp", "1", "--ins", "2"),
    ],
)
def test_bad_requests(run: Run, place: Place, arguments: tuple[str, ...]) -> None:
    act, *rest = arguments
    result = run("queue", act, "-c", place.config, *rest)
    assert (result.code, place.audit()) == (2, [])
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", [("list",), ("show", "1"), ("retry", "1", "--reason", "x")])
def test_where_there_is_no_journal(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    config = tmp_path / "connector.toml"
    config.write_text(TOML, encoding="utf-8")
    act, *rest = command
    result = run("queue", act, "-c", config, *rest)
    assert result.code == 2
    assert "no journal here" in result.err
    assert list(tmp_path.iterdir()) == [config]


def test_the_same_on_postgresql(run: Run, place_on_postgres: Place) -> None:
    place = place_on_postgres
    assert numbers(place, run) == [place.dead, place.held, place.running, place.queued, place.other]
    assert numbers(place, run, "--ins", NIR, "--code", "identity") == [place.held]
    assert run("queue", "show", "-c", place.config, place.held, "--json").json()["documentState"] == "waiting"
    held = run("queue", "hold", "-c", place.config, "--state", "queued", "--reason", "maintenance", "--yes", "--json")
    assert (held.code, held.json()["deliveries"]) == (0, [place.queued, place.other])
    assert run("queue", "retry", "-c", place.config, place.running, "--reason", "x").code == 3
    assert [(line["transaction"], line["reason"]) for line in place.audit()] == [("hold", "maintenance")] * 2


def test_replay_is_retry_under_its_first_name(run: Run, place: Place) -> None:
    assert run("replay", "-c", place.config, place.held, "--reason", "modèle corrigé").code == 0
    assert place.state(place.held) == "queued"
    assert place.audit()[0]["transaction"] == "retry"


def test_a_message_whose_routing_failed_is_given_to_the_router_again(run: Run, place: Place) -> None:
    def broken(tx: Tx, stored: StoredMessage) -> None:
        raise LookupError

    failed = place.journal.accept_sync(message(7)).message_id
    # Both messages meet the broken router; one of them is given to it again.
    place.journal.transact(lambda tx: route_batch(tx, broken, 10, 1.0))
    assert f"message {failed}" in run("worklist", "-c", place.config).out
    result = run("queue", "retry", "-c", place.config, "--message", failed, "--reason", "table corrigée", "--json")
    assert (result.code, result.json()["deliveries"]) == (0, [failed])
    assert [item.message_id for item in worklist(place.journal, ["routing-failed"])] == [1]
    (line,) = place.audit()
    assert (line["transaction"], line["reason"]) == ("reroute", f"message {failed} : table corrigée")
    again = run("queue", "retry", "-c", place.config, "--message", failed, "--reason", "encore")
    assert (again.code, len(place.audit())) == (3, 1)
    assert "n'a pas échoué" in again.err


def test_what_a_crash_left_in_doubt_is_verified_now(run: Run, place: Place) -> None:
    def interrupted(tx: Tx) -> None:
        tx.release(tx.delivery(place.held).patient_id)
        tx.move(tx.delivery(place.held), "start", run=99)
        tx.move(tx.delivery(place.held), "send", run=99, unsettled=True)
        recover(tx, lambda kind: NO_LIMIT, "stop")

    place.journal.transact(interrupted)
    assert run("queue", "retry", "-c", place.config, place.held, "--reason", "vérifier maintenant").code == 0
    moved = place.journal.delivery(place.held)
    assert (moved.state, moved.unsettled) == ("sending", True)
    assert [row["state"] for row in place.journal.query("SELECT state FROM document")] == ["in-doubt"]
