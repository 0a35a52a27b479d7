"""`connector letters export` as a person types it: what it says, the commands it gives, what it refuses, its stops."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from connector.cli.letters_export import _interruptible
from connector.cli.letters_export_order import Order
from connector.flows.letters.export.model import Item
from connector.flows.letters.export.run import Stop
from connector.journal import Journal, JournalConfig
from connector.patients.schema import SCHEMA
from tests.conftest import ROOT
from tests.e2e.exporting import PATIENCE, SAMPLES, letter, write

COMMAND = (sys.executable, "-m", "connector", "letters", "export")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with settings whose journal was never opened."""
    text = (ROOT / "conf" / "letters-trial.toml").read_text(encoding="utf-8")
    (tmp_path / "essai.toml").write_text(text.replace("/../.demo/", "/"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "-c", "essai.toml", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def paste(line: str) -> subprocess.CompletedProcess[str]:
    """The line as a person pastes it into a shell."""
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE, check=False)


def flowing(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def last(text: str, beginning: str) -> str:
    (found,) = re.findall(rf"^{beginning} : (.*)$", text, re.MULTILINE)
    return str(found)


# -- the command given ---------------------------------------------------------------------------------------------


def test_the_command_to_go_on_with_can_be_pasted_and_carries_every_option(home: Path) -> None:
    folder = home / "sorties d'été $HOME"
    good, bad = write(folder, "l'une", letter(1)), letter(2)
    reason = bad.pop("reason")
    write(home, "-deux", bad)
    latin = os.fsencode(home) + b"/pr\xe9nom.json"
    Path(os.fsdecode(latin)).write_bytes(write(home / "autre", "trois", letter(3)).read_bytes())
    words = [folder.name, os.fsdecode(b"pr\xe9nom.json"), str(SAMPLES / "letters.csv"), "--out", "l'export n° 1"]
    words += ["--to", "folder", "--mapping", str(SAMPLES / "mapping.toml"), "--depth", "20", "--patience", "12.5"]
    first = run(*words, "--workers", "1", "--", "-deux.json")
    assert first.returncode == 1, first.stderr
    again = last(first.stdout, "Pour reprendre")
    assert again in unescape((home / "l'export n° 1" / "rapport.html").read_text(encoding="utf-8"))
    for option in ("--depth 20", "--patience 12.5", "--workers 1", "--to folder", "--resume", "./-deux.json"):
        assert option in again
    write(home, "-deux", {**bad, "reason": reason})
    second = paste(again)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "5 lettres : 5 écrites. 4 sources étaient déjà remises" in flowing(second.stdout)
    assert good.is_file()


def test_a_rehearsal_is_rehearsed_again_by_its_command(home: Path) -> None:
    bad = letter(1)
    bad.pop("reason")
    write(home / "lettres", "a", bad)
    first = run("lettres", "--dry-run", "--depth", "7")
    assert "1 seraient refusées. Ni le serveur d'identités ni le DMP n'ont été interrogés." in flowing(first.stdout)
    again = last(first.stdout, "Pour recommencer")
    assert "--dry-run" in again
    assert "--resume" not in again
    second = paste(again)
    assert (second.returncode, second.stdout) == (1, first.stdout)


def test_the_same_command_twice_is_answered_with_the_commands_that_go_on(home: Path) -> None:
    write(home / "lettres", "a", letter(1))
    words = ("lettres", "--to", "folder")
    assert run(*words).returncode == 0
    twice = run(*words)
    assert (twice.returncode, twice.stdout) == (2, "")
    assert twice.stderr.startswith("export refusé : ce dossier contient déjà un export\n")
    resume, other = (line.strip() for line in twice.stderr.splitlines() if line.startswith(f"  {sys.executable}"))
    assert shlex.split(resume)[-1] == "--resume"
    resumed = paste(resume)
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert "1 lettres : 1 écrites. 1 sources étaient déjà remises" in flowing(resumed.stdout)
    assert paste(other).returncode == 0
    assert (home / "export-lettres-2" / "rapport.html").is_file()


@pytest.mark.parametrize(
    ("program", "path", "told"),
    [
        ("bin/connector", "bin", "connector"),
        ("bin/connector", "", "bin/connector"),
        ("connector/__main__.py", "bin", f"{shlex.quote(sys.executable)} -m connector"),
    ],
)
def test_the_program_is_named_as_it_can_be_called(
    home: Path, monkeypatch: pytest.MonkeyPatch, program: str, path: str, told: str
) -> None:
    for name in ("bin/connector", "connector/__main__.py"):
        (home / name).parent.mkdir()
        (home / name).touch(0o755)
    monkeypatch.setattr(sys, "argv", [program])
    monkeypatch.setenv("PATH", str(home / path) if path else "/nowhere")
    order = Order(Path("e.toml"), ("a",), "dmp", Path("o"), None, None, 1, 200, 900.0, False, False, False)
    assert order.line().startswith(f"{told} letters export a -c e.toml --out o")


# -- what is said ----------------------------------------------------------------------------------------------------


def test_causes_are_readable_at_80_columns_and_codes_can_be_copied(home: Path) -> None:
    bad = letter(1, mode_of_exit="un-code-qui-n-existe-nulle-part")
    write(home / "un-dossier-dont-le-nom-est-vraiment-tres-long-pour-une-seule-ligne-d-un-terminal", "a", bad)
    os.mkfifo(home / "z.fifo")
    code = run(".", "--dry-run", "--json")
    (cause,) = json.loads(code.stdout)["causes"]
    said = run(".", "--dry-run")
    lines = said.stdout.splitlines()
    for name, value in (("code", cause["code"]), ("source", cause["sources"][0])):
        assert f"  {name} : {value}" in lines
    for text in (cause["reason"], cause["advice"], "1 fichiers ignorés (z.fifo (tube nommé))"):
        assert flowing(text) in flowing(said.stdout)
    folded = [line for line in lines if not line.startswith(("  code : ", "  source : ", "Pour ", "Rapport "))]
    assert max(map(len, folded)) <= 80


def test_what_is_set_aside_never_keeps_an_export(home: Path) -> None:
    write(home / "lettres", "b", letter(1))
    os.mkfifo(home / "lettres" / "a.yaml")
    done = run("lettres", "--dry-run", "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["counts"]["sent"], summary["counts"]["refused"]) == (1, 1)
    assert summary["causes"][0]["reason"] == "ce n'est pas un fichier ordinaire (tube nommé)"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["absent"], "SOURCE"),
        ([""], "SOURCE"),
        (["a.csv", "--mapping", "mauvais.toml"], "--mapping"),
        (["journal", "--template", "mauvais.toml"], "--template"),
        (["a.csv", "--out", "a.csv/dessous"], "--out"),
    ],
)
def test_what_cannot_be_done_is_refused_in_french(home: Path, words: list[str], option: str) -> None:
    (home / "a.csv").write_text("A\n1\n", encoding="utf-8")
    (home / "mauvais.toml").write_text("[", encoding="utf-8")
    refused = run(*words, "--dry-run")
    assert (refused.returncode, refused.stdout) == (2, "")
    first, second, *_ = refused.stderr.splitlines()
    assert first.startswith("export refusé : l")
    assert second.startswith(f"  option : {option}")
    assert "error" not in refused.stderr


# -- a rehearsal reads only ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--dry-run"], ["--dry-run", "--to", "folder"], ["--to", "folder"]])
def test_where_no_connector_ever_ran_no_journal_is_made(home: Path, words: list[str]) -> None:
    write(home / "lettres", "a", letter(1))
    before = set(home.iterdir())
    assert run("lettres", *words).returncode == 0
    assert set(home.iterdir()) - before == {home / "export-lettres"}


def test_a_rehearsal_leaves_the_journal_as_it_was(home: Path) -> None:
    journal = home / "letters.sqlite"
    Journal.open(JournalConfig(journal), schemas=(SCHEMA,)).close()
    before = hashlib.sha256(journal.read_bytes()).digest()
    write(home / "lettres", "a", letter(1))
    assert run("lettres", "--dry-run").returncode == 0
    assert hashlib.sha256(journal.read_bytes()).digest() == before


@pytest.mark.parametrize(
    ("content", "text"), [(b"", "ne peut pas être lu"), (None, "n'est pas de cette version du connecteur")]
)
def test_a_journal_of_another_version_is_not_brought_up_to_date(home: Path, content: bytes | None, text: str) -> None:
    journal = home / "letters.sqlite"
    if content is None:
        Journal.open(JournalConfig(journal)).close()
    else:
        journal.write_bytes(content)
    before = journal.read_bytes()
    write(home / "lettres", "a", letter(1))
    refused = run("lettres", "--dry-run")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"export refusé : le journal {text}")
    assert journal.read_bytes() == before


# -- stops -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_obeyed_while_a_source_keeps_the_export_waiting(number: signal.Signals) -> None:
    reading, writing = os.pipe()

    def items() -> Iterator[Item]:
        yield Item("a", "unusable", "d")
        os.read(reading, 1)
        raise AssertionError("nobody ever writes")

    stop, sources = Stop(), items()
    with _interruptible(stop):
        assert stop.next_of(sources) is not None
        threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        began = time.monotonic()
        assert stop.next_of(sources) is None
    assert stop.asked
    assert time.monotonic() - began < 5
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_stop_waits_for_nothing(second: signal.Signals) -> None:
    with _interruptible(stop := Stop()):
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)
