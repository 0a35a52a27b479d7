"""The parts of an export: which files are letters, what the ledger remembers, workers that die, known verdicts."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.flows.letters.config import LettersConfig
from connector.flows.letters.export.crew import Crew
from connector.flows.letters.export.ledger import Ledger
from connector.flows.letters.export.model import AlreadyExported, Failure, Item, OrderRefused, Ready, Task
from connector.flows.letters.export.prepare import Making
from connector.flows.letters.export.targets import FolderTarget, Letter, Taken, file_of
from connector.flows.letters.export.verdicts import KnownVerdicts
from connector.journal import Journal, JournalConfig
from connector.kit.config import GateConfig
from connector.kit.gate import CdaGate, open_gate
from connector.kit.verdict import CdaVerdict
from connector.patients.schema import SCHEMA
from tests.e2e.exporting import letter

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
READY = Ready(b"<a/>", "1.2.3", "p", "Cardiologie", "11490-0")
FAILURE = Failure("modèle", "reason", "le champ manque", unit="Cardiologie")


# -- ledger --------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, "dmp", resume=False) as opened:
        yield opened


def test_the_time_of_a_letter_is_that_of_its_first_run(tmp_path: Path) -> None:
    with Ledger(tmp_path, "dmp", resume=False) as ledger:
        assert ledger.begin("d1", "a.json", NOW) == NOW
    with Ledger(tmp_path, "dmp", resume=True) as ledger:
        assert ledger.begin("d1", "a.json", LATER) == NOW


def test_what_was_accepted_is_known_by_its_content_and_by_its_place(ledger: Ledger) -> None:
    ledger.begin("d1", "a.json", NOW)
    assert ledger.accepted_under("a.json") is None
    ledger.accepted("d1", READY, "handed", 7)
    found = ledger.find("d1")
    assert found is not None
    assert (found.state, found.unit, found.message_id) == ("handed", "Cardiologie", 7)
    assert ledger.accepted_under("a.json") == found


def test_a_corrected_source_takes_the_place_of_the_one_set_aside(ledger: Ledger) -> None:
    ledger.begin("wrong", "a.json", NOW)
    ledger.set_aside("wrong", FAILURE)
    ledger.begin("right", "a.json", LATER)
    ledger.accepted("right", READY, "sent")
    assert ledger.counts() == {"sent": 1}


def test_entries_are_read_page_by_page_while_they_change(ledger: Ledger) -> None:
    for number in range(7):
        ledger.begin(f"d{number}", f"{number}.json", NOW)
        ledger.accepted(f"d{number}", READY, "handed")
    for entry in ledger.entries("handed", page=2):
        ledger.ended(entry.number, "held", "consent.unknown", "attend")
    assert ledger.counts() == {"held": 7}


@pytest.mark.parametrize(
    ("target", "resume", "allowed"),
    [
        ("dmp", False, "--resume, ou un autre dossier"),
        ("folder", True, "un autre dossier, ou --to dmp"),
        ("dmp", True, ""),
    ],
)
def test_a_folder_is_taken_again_only_to_go_on(tmp_path: Path, target: str, resume: bool, allowed: str) -> None:
    with Ledger(tmp_path, "dmp", resume=False) as ledger:
        ledger.begin("d1", "a.json", NOW)
    if not allowed:
        Ledger(tmp_path, target, resume=resume).close()
        return
    with pytest.raises(OrderRefused) as refused:
        Ledger(tmp_path, target, resume=resume)
    assert refused.value.context["allowed"] == allowed


def test_a_run_that_never_began_leaves_its_folder_free(tmp_path: Path) -> None:
    Ledger(tmp_path, "dmp", resume=False).close()
    with Ledger(tmp_path, "folder", resume=False) as ledger:
        ledger.begin("d1", "a.json", NOW)
    with pytest.raises(AlreadyExported):
        Ledger(tmp_path, "folder", resume=False)


def test_two_exports_never_share_a_folder(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(OrderRefused, match="un autre export"):
        Ledger(tmp_path, "dmp", resume=True)


def test_a_ledger_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "export.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(OrderRefused, match="illisible"):
        Ledger(tmp_path, "dmp", resume=True)


# -- workers -------------------------------------------------------------------------------------------------------


def task(number: int) -> Task:
    content = json.dumps(letter(number), ensure_ascii=False, default=str).encode()
    return Task(Item(f"{number}.json", "data", f"d{number}", f"{number}.json", content), NOW)


def test_a_worker_that_dies_is_replaced_and_its_letter_made(tmp_path: Path) -> None:
    config = JournalConfig(tmp_path / "journal.sqlite")
    Journal.open(config, schemas=(SCHEMA,)).close()
    with Crew(Making(LettersConfig(), GateConfig(), config), 2) as crew:
        before = crew.processes()
        for process in before:
            os.kill(process, signal.SIGKILL)
        made = [future.result() for future in [crew.make(task(number)) for number in range(6)]]
        assert all(isinstance(one, Ready) for one in made)
        assert not set(before) & set(crew.processes())
        again = crew.make(task(3)).result()
    assert isinstance(again, Ready)
    assert isinstance(made[3], Ready)
    assert again.cda == made[3].cda
    assert again.unit == letter(3)["stay"]["unit"]


# -- verdicts, folder ----------------------------------------------------------------------------------------------


class Counting(CdaGate):
    """A gate that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.real = open_gate(GateConfig())

    def judge(self, content: bytes) -> CdaVerdict:
        self.asked += 1
        return self.real.judge(content)

    def close(self) -> None:
        self.asked = -1


def test_what_was_judged_is_not_judged_again_and_anything_else_is() -> None:
    real = Counting()
    with KnownVerdicts(lambda: real, kept=2) as gate:
        known = CdaVerdict((), ("kit",), "kit")
        for content in (b"<a/>", b"<b/>", b"<c/>"):
            gate.remember(content, known)
        assert gate.judge(b"<c/>") is known
        assert real.asked == 0
        assert gate.judge(b"<c />").blocking
        assert gate.judge(b"<a/>").blocking, "the oldest verdict was let go of"
        assert real.asked == 2
    assert real.asked == -1


def test_two_documents_of_one_id_are_not_written_over_each_other(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    other = Ready(b"<b/>", READY.document_id, "p", "", "")
    first, again, wrong = target.put([Letter("d1", READY, NOW), Letter("d1", READY, NOW), Letter("d2", other, NOW)])
    assert first == again == Taken("written")
    assert isinstance(wrong, Failure)
    path = tmp_path / "lettres" / file_of("1.2.3")
    assert path.read_bytes() == b"<a/>"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("document", ["../../etc/passwd", "1.2^a/b", "", "x" * 300])
def test_no_id_leads_out_of_the_folder(document: str) -> None:
    assert ".." not in Path(file_of(document)).parts
    assert len(Path(file_of(document)).parts) == 2
