"""The watched folder, stopped wherever: each file ends in done/ or refused/, none is lost, none comes twice."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from connector.flows.letters.config import LettersConfig
from connector.flows.letters.folder import LetterFolder
from connector.flows.letters.model import LetterReceipt, Source
from connector.journal import JournalError
from connector.letter.errors import fault

DATA = b'{"kind": "discharge"}'
HEADER = b"kind: unstructured\n"
PDF = b"%PDF-1.4\n"


class Desk:
    """Takes every letter, but for what a test says."""

    def __init__(self) -> None:
        self.taken: list[Source] = []
        self.answer: Any = "accepted"

    async def submit_letter(self, source: Source) -> LetterReceipt:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.taken.append(source)
        findings = (fault("reason", "le champ manque"),) if self.answer == "refused" else ()
        return LetterReceipt(self.answer, "2.25.1", findings=findings)


class Box:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk = Desk()
        self.now = 0.0
        self.reopen()

    def reopen(self, **settings: Any) -> None:
        """What a new start of the connector is."""
        config = LettersConfig(folder=self.folder, **settings)
        self.watch = LetterFolder(self.folder, cast(Any, self.desk), config, now=lambda: self.now)

    def drop(self, name: str, content: bytes = DATA) -> None:
        (self.folder / name).write_bytes(content)
        self.now = max(self.now, (self.folder / name).stat().st_mtime)

    def look(self, times: int = 2) -> int:
        return [asyncio.run(self.watch.look()) for _ in range(times)][-1]

    def names(self, where: str = "") -> list[str]:
        return sorted(path.name for path in (self.folder / where).iterdir() if path.is_file())

    def in_hand(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "working").iterdir())


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_file_is_taken_at_the_second_look_and_answered(box: Box) -> None:
    box.drop("a.json")
    assert box.look(1) == 0
    assert box.names() == ["a.json"]
    assert box.look(1) == 1
    assert (box.names(), box.names("done")) == ([], ["a.json", "a.json.recu.json"])
    assert json.loads((box.folder / "done" / "a.json.recu.json").read_text())["unique_id"] == "2.25.1"
    assert box.in_hand() == []


def test_a_file_that_changes_is_left_alone(box: Box) -> None:
    box.drop("a.json")
    box.look(1)
    box.drop("a.json", DATA + b" ")
    assert box.look(1) == 0
    assert box.look(1) == 1


def test_a_refused_letter_has_its_reasons_beside_it(box: Box) -> None:
    box.desk.answer = "refused"
    box.drop("a.json")
    box.look()
    assert box.names("refused") == ["a.json", "a.json.motif.txt"]
    assert "reason : le champ manque" in (box.folder / "refused" / "a.json.motif.txt").read_text(encoding="utf-8")


def test_a_file_waits_for_its_header_and_goes_with_it(box: Box) -> None:
    box.drop("a.pdf", PDF)
    assert box.look() == 0
    box.drop("a.pdf.yaml", HEADER)
    box.look()
    assert box.names("done") == ["a.pdf", "a.pdf.recu.json", "a.pdf.yaml"]
    data = box.desk.taken[0].data
    assert data is not None
    assert data["body"]["media_type"] == "application/pdf"


@pytest.mark.parametrize(("name", "content"), [("a.pdf", PDF), ("a.pdf.yaml", HEADER)])
def test_half_of_a_pair_is_refused_after_a_while(box: Box, name: str, content: bytes) -> None:
    box.drop(name, content)
    assert box.look() == 0
    box.now += 601
    box.look()
    assert box.names("refused") == [name, f"{name}.motif.txt"]
    assert box.desk.taken == []


def test_names_of_unfinished_files_are_never_touched(box: Box) -> None:
    for name in (".a.json", "a.json.part", "b.tmp", "~c.json"):
        box.drop(name)
    (box.folder / "sub").mkdir()
    (box.folder / "link.json").symlink_to(box.folder / ".a.json")
    assert box.look() == 0
    assert len(box.names()) == 5


def test_a_second_file_of_one_name_replaces_nothing(box: Box) -> None:
    for _ in range(2):
        box.drop("a.json")
        box.look()
    assert box.names("done") == ["1.a.json", "1.a.json.recu.json", "a.json", "a.json.recu.json"]


@pytest.mark.parametrize("answer", ["unavailable", JournalError("full")])
def test_while_nothing_can_be_stored_files_stay_in_hand(box: Box, answer: Any) -> None:
    box.desk.answer = answer
    box.drop("a.json")
    box.look(1)
    with pytest.raises(JournalError):
        box.look(1)
    assert box.in_hand() == ["a.json"]
    box.desk.answer = "accepted"
    box.reopen()
    box.look(1)
    assert box.names("done") == ["a.json", "a.json.recu.json"]


def test_a_fault_of_ours_refuses_one_file_and_no_other(box: Box) -> None:
    box.desk.answer = ValueError("a name that must not be seen")
    box.drop("a.json")
    box.look()
    assert box.names("refused") == ["a.json", "a.json.motif.txt"]
    told = (box.folder / "refused" / "a.json.motif.txt").read_text(encoding="utf-8")
    assert "erreur interne" in told
    assert "name" not in told
    box.desk.answer = "accepted"
    box.drop("b.json")
    box.look()
    assert "b.json" in box.names("done")


def test_a_stop_before_the_handing_hands_it_in_at_the_next_start(box: Box) -> None:
    box.look(1)
    place = box.folder / "working" / "a.json"
    place.mkdir()
    (place / "a.json").write_bytes(DATA)
    (box.folder / "working" / "b.json").mkdir()
    box.look(1)
    assert len(box.desk.taken) == 1
    assert (box.names("done"), box.in_hand()) == (["a.json", "a.json.recu.json"], [])


def test_a_stop_after_the_verdict_never_hands_it_in_again(box: Box) -> None:
    box.look(1)
    place = box.folder / "working" / "a.pdf"
    place.mkdir()
    (place / ".verdict").write_text("refused\nmotif\n", encoding="utf-8")
    # its file was put away already, its header was not
    (place / "a.pdf.yaml").write_bytes(HEADER)
    box.look(1)
    assert box.desk.taken == []
    assert box.names("refused") == ["a.pdf.motif.txt", "a.pdf.yaml"]
    assert box.in_hand() == []


def test_a_header_taken_without_its_file_is_given_back(box: Box) -> None:
    box.look(1)
    for number in (1, 2):
        place = box.folder / "working" / f"{number}.pdf"
        place.mkdir()
        (place / f"{number}.pdf.yaml").write_bytes(HEADER)
    box.drop("2.pdf.yaml", HEADER + b"title: x\n")
    box.look(1)
    assert box.names() == ["1.pdf.yaml", "2.pdf.yaml"]
    assert box.names("refused") == ["2.pdf.yaml"]


def test_a_file_above_the_limit_is_not_read(box: Box) -> None:
    box.reopen(max_bytes=10)
    box.drop("a.json")
    box.look()
    assert "10 octets au plus" in (box.folder / "refused" / "a.json.motif.txt").read_text(encoding="utf-8")


def test_the_oldest_goes_first(box: Box) -> None:
    for place, name in enumerate(("b.json", "a.json", "c.json")):
        box.drop(name, json.dumps({"kind": name}).encode())
        os.utime(box.folder / name, (1_000 + place, 1_000 + place))
    box.look()
    assert [source.data and source.data["kind"] for source in box.desk.taken] == ["b.json", "a.json", "c.json"]


# -- names and entries that are no letters ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["n" * 250 + ".yaml", "é" * 124 + ".yml", "n" * 251 + ".pdf"])
def test_a_name_too_long_to_be_answered_is_refused_and_the_others_go_on(box: Box, name: str) -> None:
    box.drop(name)
    box.drop("a.json")
    if name.endswith(".pdf"):
        box.now += 601
    box.look()
    assert box.names("done") == ["a.json", "a.json.recu.json"]
    file, reasons = box.names("refused")
    assert (file.endswith(Path(name).suffix), reasons) == (True, f"{file}.motif.txt")
    assert "trop long" in (box.folder / "refused" / reasons).read_text(encoding="utf-8")
    assert (box.names(), box.in_hand(), len(box.desk.taken)) == ([], [], 1)


def test_a_long_name_left_in_hand_by_another_release_is_put_away(box: Box) -> None:
    name = "n" * 250 + ".yaml"
    box.look(1)
    (box.folder / "working" / name).mkdir()
    (box.folder / "working" / name / name).write_bytes(DATA)
    box.look(1)
    assert box.in_hand() == []
    assert [len(one) > 200 for one in box.names("done")] == [True, False]


def test_a_long_header_goes_with_its_file(box: Box) -> None:
    name = "n" * 245 + ".pdf"
    box.drop(name, PDF)
    box.drop(f"{name}.yaml", HEADER)
    box.look()
    file, reasons, header = box.names("refused")
    assert (reasons, header) == (f"{file}.motif.txt", f"{file}.yaml")


@pytest.mark.parametrize(("name", "header"), [("UP.PDF", "UP.PDF.YAML"), ("up.pdf", "up.pdf.Json")])
def test_suffixes_are_read_in_any_case(box: Box, name: str, header: str) -> None:
    box.drop(name, PDF)
    box.drop(header, b'{"kind": "unstructured"}')
    box.look()
    assert box.names("done") == sorted([name, header, f"{name}.recu.json"])


def test_data_beside_data_of_the_same_name_are_two_letters(box: Box) -> None:
    box.drop("a.json")
    box.drop("a.json.yaml", b"kind: discharge")
    box.look()
    assert len(box.desk.taken) == 2


def test_a_file_that_cannot_be_moved_stops_no_other_one(box: Box, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("DUPONT.json", "b.json"):
        box.drop(name)
    box.look(1)
    answer = box.folder / "done" / "DUPONT.json.recu.json"
    answer.mkdir()
    assert box.look(1) == 1
    assert (box.in_hand(), len(box.desk.taken)) == (["DUPONT.json"], 2)
    box.drop("c.json")
    assert box.look() == 1
    assert box.names("done") == ["b.json", "b.json.recu.json", "c.json", "c.json.recu.json"]
    answer.rmdir()
    box.look(1)
    assert (box.names(), box.in_hand(), len(box.desk.taken)) == ([], [], 3)
    said = "".join(capfd.readouterr())
    assert said.count("cannot be moved") == 1
    assert "DUPONT" not in said


def test_what_is_no_file_is_left_and_said_once(box: Box, capfd: pytest.CaptureFixture[str]) -> None:
    box.drop(".hidden.json")
    (box.folder / "DUPONT.json").symlink_to(box.folder / ".hidden.json")
    (box.folder / "sub").mkdir()
    os.mkfifo(box.folder / "pipe.json")
    box.look(3)
    said = "".join(capfd.readouterr())
    assert said.count("no file") == 1
    assert ("folders=1" in said, "links=1" in said, "others=1" in said, "DUPONT" in said) == (True, True, True, False)
    (box.folder / "sub").rmdir()
    box.look(2)
    assert "".join(capfd.readouterr()).count("no file") == 1


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"reason": "\\ud800"}', "reason"),
        (b'{"letter": {"stay": {"unit": ["a", "x\\udfff"]}}}', "stay.unit[1]"),
        (b'{"letter": {}, "key": "\\udc00"}', "key"),
        (b'{"DUPONT\\ud800": 1}', "(fichier)"),
    ],
)
def test_half_a_character_is_refused_with_its_place(box: Box, content: bytes, path: str) -> None:
    box.drop("a.json", content)
    box.look()
    told = (box.folder / "refused" / "a.json.motif.txt").read_text(encoding="utf-8")
    assert f"{path} : le texte contient la moitié d'un caractère" in told
    assert ("erreur interne" in told, "DUPONT" in told) == (False, False)
