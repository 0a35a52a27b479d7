"""What an export reads: which files are letters, in which order, and what is told of those that are none."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from connector.flows.letters.export.files import Ignored
from connector.flows.letters.export.model import Item, OrderRefused
from connector.flows.letters.export.sources import Sources
from connector.letter.inputs import read_mapping
from tests.e2e.exporting import SAMPLES


def read(folder: Path, *words: str, max_bytes: int = 1_000) -> tuple[list[Item], Ignored]:
    ignored = Ignored()
    sources = Sources(words or (str(folder),), None, folder / "out", max_bytes)
    return list(sources.read(ignored)), ignored


def files(folder: Path, **contents: bytes) -> None:
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    files(tmp_path, b_yaml=b"b", a_json=b"a", sub__c_xml=b"c", mapping_toml=b"", notes_docx=b"", out__d_json=b"")
    (tmp_path / ".hidden.json").write_bytes(b"h")
    items, ignored = read(tmp_path)
    assert [(Path(item.ref).name, item.kind) for item in items] == [
        ("a.json", "data"),
        ("b.yaml", "data"),
        ("c.xml", "cda"),
    ]
    assert (ignored.count, ignored.suffixes) == (1, {".docx"})
    assert len({item.digest for item in items}) == 3


@pytest.mark.parametrize("header", ["lettre.yaml", "lettre.header.json", "lettre.pdf.yml"])
def test_a_body_goes_with_its_header_which_is_no_letter(tmp_path: Path, header: str) -> None:
    (tmp_path / "lettre.pdf").write_bytes(b"%PDF")
    (tmp_path / header).write_bytes(b"{}")
    (item,), _ = read(tmp_path)
    assert (item.kind, item.content, item.header) == ("enclosed", b"%PDF", (header, b"{}"))
    first = item.digest
    (tmp_path / header).write_bytes(b"{ }")
    (item,), _ = read(tmp_path)
    assert item.digest != first


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("seul.pdf", b"%PDF", "le fichier n'a pas d'en-tête"),
        ("grand.json", b" " * 1001, "le fichier dépasse 1000 octets"),
        ("table.csv", b"A\n1\n", "un CSV demande sa correspondance"),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_its_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (item,), _ = read(tmp_path)
    assert item.fault is not None
    assert item.fault.reason.startswith(reason)


def test_a_pattern_and_a_file_of_another_kind(tmp_path: Path) -> None:
    files(tmp_path, a_json=b"a", b_json=b"b", c_odt=b"c")
    items, _ = read(tmp_path, str(tmp_path / "*.json"), str(tmp_path / "c.odt"))
    assert [item.kind for item in items] == ["data", "data", "unusable"]


@pytest.mark.parametrize(("word", "found"), [("*.yaml", "*.yaml"), ("", "(rien)")])
def test_a_source_that_names_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, found: str
) -> None:
    (tmp_path / "a.json").write_bytes(b"a")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OrderRefused) as refused:
        read(tmp_path, word)
    assert (refused.value.context["name"], refused.value.context["found"]) == ("SOURCE", found)


def test_rows_are_counted_as_they_are_read(tmp_path: Path) -> None:
    mapping = read_mapping((SAMPLES / "mapping.toml").read_bytes(), "mapping.toml")
    sources = Sources((str(SAMPLES / "letters.csv"),), mapping, tmp_path, 1_000_000)
    items = list(sources.read(Ignored()))
    assert sources.count() == len(items) == 2
    assert [item.ref.rpartition("#")[2] for item in items] == ["2", "3"]


# -- what is no regular file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tube.yaml", "tube.pdf", "tube.csv", "tube.xml"])
def test_what_would_keep_its_reader_waiting_is_set_aside_unread(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    (tmp_path / "z.json").write_bytes(b"z")
    mapping = read_mapping((SAMPLES / "mapping.toml").read_bytes(), "mapping.toml")
    sources = Sources((str(tmp_path),), mapping, tmp_path / "out", 1_000)
    assert sources.count() == 2
    pipe, letter = sources.read(Ignored())
    assert pipe.fault is not None
    assert pipe.fault.reason == "ce n'est pas un fichier ordinaire (tube nommé)"
    assert letter.kind == "data"


def test_a_pipe_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    os.mkfifo(tmp_path / "a.pdf.yaml")
    (item,), _ = read(tmp_path)
    assert item.fault is not None
    assert item.fault.reason.startswith("le fichier n'a pas d'en-tête")


def test_what_is_passed_over_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tmp_path / "ailleurs"
    files(outside, a_json=b"a")
    folder = tmp_path / "lettres"
    files(folder, notes_docx=b"", README=b"")
    (folder / "lien").symlink_to(outside)
    (folder / "rompu").symlink_to(outside / "absent")
    os.mkfifo(folder / "tube")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("porte")
        items, ignored = read(folder, ".")
    assert (items, ignored.count, ignored.suffixes) == ([], 6, {".docx", ""})
    assert ignored.strange == [
        "lien (lien vers un dossier)",
        "porte (socket)",
        "rompu (il n'existe plus)",
        "tube (tube nommé)",
    ]


def test_a_link_to_a_letter_is_that_letter_and_a_broken_one_is_set_aside(tmp_path: Path) -> None:
    files(tmp_path / "ailleurs", a_json=b"a")
    folder = tmp_path / "lettres"
    folder.mkdir()
    (folder / "a.json").symlink_to(tmp_path / "ailleurs" / "a.json")
    (folder / "b.json").symlink_to(folder / "absent")
    (good, broken), _ = read(folder)
    assert good.content == b"a"
    assert broken.fault is not None
    assert broken.fault.reason == "la lecture est impossible (il n'existe plus)"


def test_a_folder_that_cannot_be_listed_is_said_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, a__b_json=b"b", c__d_json=b"d")
    listed = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    items, _ = read(tmp_path)
    assert [(Path(item.ref).name, item.kind) for item in items] == [("a", "unusable"), ("d.json", "data")]


# -- names -----------------------------------------------------------------------------------------------------------


def test_a_name_that_is_no_text_is_told_escaped(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/pr\xe9nom.json", "wb") as file:
        file.write(b"a")
    (item,), _ = read(tmp_path)
    assert (Path(item.ref).name, item.name) == ("pr\\xe9nom.json", "pr\\xe9nom.json")
    assert (item.kind, item.content) == ("data", b"a")


@pytest.mark.parametrize("header", ["LETTRE.YAML", "LETTRE.PDF.YAML", "LETTRE.pdf.yaml"])
def test_names_in_capitals_are_paired_too(tmp_path: Path, header: str) -> None:
    body = "LETTRE.pdf" if header.endswith("pdf.yaml") else "LETTRE.PDF"
    (tmp_path / body).write_bytes(b"%PDF")
    (tmp_path / header).write_bytes(b"{}")
    (item,), _ = read(tmp_path)
    assert (item.kind, item.header) == ("enclosed", (header, b"{}"))
    (item,), _ = read(tmp_path, str(tmp_path / "*"))
    assert item.kind == "enclosed"
