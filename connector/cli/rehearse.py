"""`connector replay`: deliveries by number or filter as `connector queue retry` does, or a folder of captured messages.

Exit codes of a folder: 0 nothing differs, 1 something does, 2 bad request or settings.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from connector.base.errors import SettingsError
from connector.cli.output import console, error_console
from connector.cli.queue import Code, Destination, Document, Ins, Ipp, Kind, OlderThan, Operator, States, Yes, retry
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.flows.rehearsal import Rehearsal
    from connector.flows.rehearsal_compare import Difference

DIFFERS: Final = 1
SUFFIXES: Final = (".er7", ".hl7")
KEPT: Final = ".kept.json"

What = Annotated[
    list[str] | None,
    typer.Argument(help="Numbers of deliveries, or one folder of captured messages (*.er7, *.hl7)."),
]


def replay(
    config: Config,
    what: What = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Folder: keep today's output beside each message. It holds identities.")
    ] = False,
    kit: Annotated[
        bool, typer.Option("--kit", help="Folder: judge documents by the agency's kit too, as the settings say.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Deliveries: why, in one sentence; needed, it is kept.")] = "",
    state: States = None,
    destination: Destination = None,
    kind: Kind = "",
    code: Code = "",
    ipp: Ipp = "",
    ins: Ins = "",
    document: Document = "",
    older_than: OlderThan = "",
    unblock: Annotated[bool, typer.Option("--unblock", help="Deliveries: also lift the hold on the patient.")] = False,
    message: Annotated[list[int] | None, typer.Option(help="Number of a message whose routing failed.")] = None,
    operator: Operator = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put deliveries back in their order, or compare what captured messages would do today with what was kept.

    A folder: nothing is sent, no network is used, nothing is written but by --keep.
    """
    folder = _folder(what)
    if folder is not None:
        rehearse(config, folder, keep=keep, kit=kit, as_json=as_json)
        return
    if keep or kit:
        name = "--keep" if keep else "--kit"
        raise SettingsError(f"{name} goes with a folder", name=name, found="", allowed=f"connector replay DIR {name}")
    numbers = _numbers(what or [])
    retry(
        config, reason, numbers, state, destination, kind, code, ipp, ins, document, older_than, unblock, message,
        operator, yes, as_json,
    )  # fmt: skip


def _folder(what: list[str] | None) -> Path | None:
    """The folder asked for, None when the words are numbers. Raises SettingsError."""
    if not what or all(word.isdecimal() and not Path(word).is_dir() for word in what):
        return None
    if len(what) == 1 and Path(what[0]).is_dir():
        return Path(what[0])
    allowed = "numbers of deliveries, or one folder of captured messages"
    raise SettingsError("neither deliveries nor a folder", name="replay", found=" ".join(what), allowed=allowed)


def _numbers(words: list[str]) -> list[int] | None:
    return [int(word) for word in words] or None


@dataclass(slots=True)
class Tally:
    """What a run found: how many messages, how many of each kind, and which fields differ how often."""

    messages: int = 0
    equal: int = 0
    differing: int = 0
    new: int = 0
    kept: int = 0
    gone: list[str] = field(default_factory=list)
    fields: Counter[str] = field(default_factory=Counter)

    @property
    def all_equal(self) -> bool:
        return not (self.differing or self.new or self.gone)

    def as_json(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "equal": self.equal,
            "differing": self.differing,
            "new": self.new,
            "kept": self.kept,
            "gone": self.gone,
            "fields": dict(self.fields.most_common()),
        }


def rehearse(config: Path, folder: Path, *, keep: bool, kit: bool, as_json: bool) -> None:
    """Compares, or keeps, every captured message of `folder`. Raises SettingsError when there is none."""
    from connector.cli.rehearse_parts import parts_of
    from connector.flows.document_gate import open_gate
    from connector.flows.rehearsal import open_rehearsal
    from connector.settings import load_settings

    tally, told = Tally(messages=sum(1 for _ in _captured(folder))), _Told(as_json)
    if not tally.messages:
        raise SettingsError("no captured message", name="replay", found=str(folder), allowed="*.er7 or *.hl7 files")
    if not keep and not any(_kept(file).exists() for file in _captured(folder)):
        raise SettingsError(
            "nothing was kept here", name="replay", found=str(folder), allowed="connector replay DIR --keep first"
        )
    settings = load_settings(config)
    with ExitStack() as opened:
        cda = opened.enter_context(open_gate(settings.gate if kit else replace(settings.gate, kit="")))
        rehearsal = opened.enter_context(open_rehearsal(parts_of(settings, cda)))
        progress = opened.enter_context(_progress(as_json))
        for file in progress.track(_captured(folder), total=tally.messages, description="messages"):
            _one(rehearsal, folder, file, keep, tally, told)
    if not keep:
        tally.gone = sorted(str(file.relative_to(folder)) for file in _orphans(folder))
    told.end(tally)
    if not keep and not tally.all_equal:
        raise typer.Exit(DIFFERS)


def _one(rehearsal: Rehearsal, folder: Path, file: Path, keep: bool, tally: Tally, told: _Told) -> None:
    from connector.cli.send import with_cr
    from connector.flows.rehearsal_compare import compare

    today = rehearsal(with_cr(file.read_bytes()))
    kept = _kept(file)
    if keep:
        _write(kept, today)
        tally.kept += 1
        return
    name = str(file.relative_to(folder))
    if not kept.exists():
        tally.new += 1
        told.new(name)
        return
    # what was kept was read back from JSON: today's output goes the same way
    differences = compare(_read(kept), json.loads(json.dumps(today)))
    if not differences:
        tally.equal += 1
        return
    tally.differing += 1
    tally.fields.update({difference.field for difference in differences})
    told.differs(name, differences)


def _captured(folder: Path) -> Iterator[Path]:
    """The messages, always in the same order, with the names of one folder at a time in memory."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(where, name) for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES)


def _kept(file: Path) -> Path:
    return file.with_name(file.name + KEPT)


def _orphans(folder: Path) -> Iterator[Path]:
    """What was kept of messages that are no longer there."""
    return (file for file in folder.rglob(f"*{KEPT}") if not file.with_name(file.name.removesuffix(KEPT)).exists())


def _write(file: Path, output: dict[str, Any]) -> None:
    """Mode 0600 from its first byte, whole or not at all: it holds what the message holds."""
    partial = file.with_name(file.name + ".part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(output, out, ensure_ascii=False, indent=1, sort_keys=True)
        out.write("\n")
    partial.replace(file)


def _read(file: Path) -> Any:
    """Raises SettingsError when it is no kept output."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            "kept output unreadable", name="replay", found=str(file), allowed="what --keep wrote"
        ) from error


def _progress(as_json: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = error_console()
    return Progress(*columns, console=bar, disable=as_json or not bar.is_terminal, transient=True)


class _Told:
    """Differences printed as they are met, so that none is kept in memory; for machines, one JSON document."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._before = '{"messages": ['

    def new(self, name: str) -> None:
        if self._json:
            self._line({"file": name, "kept": False, "differences": []})
        else:
            console().print(f"[yellow]jamais gardé[/yellow] {name}", highlight=False)

    def differs(self, name: str, differences: list[Difference]) -> None:
        if self._json:
            self._line({"file": name, "kept": True, "differences": [one.as_dict() for one in differences]})
            return
        table = Table(title=name, title_justify="left")
        for column in ("champ", "gardé", "aujourd'hui"):
            table.add_column(column, overflow="fold")
        for one in differences:
            table.add_row(one.path, _shown(one.kept), _shown(one.today))
        console().print(table)

    def end(self, tally: Tally) -> None:
        if self._json:
            if self._before.startswith("{"):
                typer.echo(self._before, nl=False)
            typer.echo(f'],\n"summary": {json.dumps(tally.as_json(), ensure_ascii=False)}}}')
            return
        if tally.kept:
            console().print(f"{tally.kept} sorties gardées (à protéger comme les messages)", highlight=False)
            return
        for name in tally.gone:
            console().print(f"[yellow]message absent[/yellow] {name}", highlight=False)
        if tally.fields:
            table = Table(title="champs qui diffèrent", title_justify="left")
            table.add_column("champ", overflow="fold")
            table.add_column("messages", justify="right")
            for name, count in tally.fields.most_common():
                table.add_row(name, str(count))
            console().print(table)
        console().print(
            f"{tally.messages} messages : {tally.equal} égaux, {tally.differing} différents, {tally.new} jamais gardés,"
            f" {len(tally.gone)} absents",
            highlight=False,
        )

    def _line(self, value: dict[str, Any]) -> None:
        typer.echo(f"{self._before}\n{json.dumps(value, ensure_ascii=False)}", nl=False)
        self._before = ","


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
