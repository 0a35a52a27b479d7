"""`connector letters schema, new, check, build`: letters before they are sent; nothing leaves this machine."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from connector.base.errors import SettingsError
from connector.cli.letters_files import (
    Files,
    Header,
    MaybeConfig,
    OneFile,
    Stay,
    known,
    made_of,
    read_source,
    say_faults,
    write,
)
from connector.cli.output import console, error_console, print_json
from connector.cli.trace import AsJson

if TYPE_CHECKING:
    from connector.base.finding import Finding
    from connector.flows.letters.model import Source
    from connector.letter.errors import Fault
    from connector.patients.state import Sql


def schema() -> None:
    """Print the JSON schema of a letter's data."""
    from connector.letter.schema import schema_text

    typer.echo(schema_text(), nl=False)


def new(
    kind: Annotated[
        Literal["discharge", "admission", "unstructured"], typer.Argument(help="Which letter.")
    ] = "discharge",
    config: MaybeConfig = None,
    stay: Stay = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", dir_okay=False, help="Where; the terminal if left out.")
    ] = None,
) -> None:
    """Write a letter to fill, each field with what it means. With --stay, the patient and the dates are known."""
    from connector.flows.letters.template import template
    from connector.patients.letters import stay_facts

    if stay and config is None:
        raise typer.BadParameter("--stay needs a settings file (-c)")
    with known(config) as (settings, sql):
        found = stay_facts(sql, stay) if stay else None
        if stay and found is None:
            raise SettingsError(
                "no such stay in the journal", name="--stay", found=stay, allowed="number or number@authority"
            )
        text = template(kind, found, settings.letters.defaults if settings else None)
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.exists():
        raise SettingsError("the file exists already", name="--output", found=str(output), allowed="a new file")
    write(output, text.encode())
    console().print(f"Lettre à compléter : {escape(str(output))}", highlight=False)


def check(
    files: Files,
    config: MaybeConfig = None,
    header: Header = None,
    stay: Stay = "",
    kit: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of the agency's CDA kit.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say everything that keeps letters from being sent: data, then what the CDA's gate says. Exit 1 for an error."""
    from dataclasses import replace

    from connector.flows.document_gate import open_gate
    from connector.kit.config import GateConfig
    from connector.letter.errors import LetterError

    report: dict[str, Any] = {}
    refused = False
    with known(config) as (settings, sql):
        gate_config = settings.gate if settings is not None else GateConfig()
        with open_gate(replace(gate_config, kit=str(kit)) if kit else gate_config) as gate:
            for path in files:
                try:
                    made = made_of(read_source(path, header, stay), settings, sql)
                except LetterError as error:
                    refused = True
                    report[str(path)] = {"faults": [fault.as_dict() for fault in error.faults], "findings": []}
                    _say_faults(path, error.faults, as_json)
                    continue
                verdict = gate.judge(made.cda)
                refused |= any(finding.blocking for finding in verdict.findings)
                report[str(path)] = {
                    "faults": [],
                    "suites": list(verdict.suites),
                    "findings": [finding.as_dict() for finding in verdict.findings],
                }
                _say_findings(path, verdict.findings, verdict.suites, as_json)
    if as_json:
        print_json(report)
    if refused:
        raise typer.Exit(1)


def build(
    file: OneFile,
    output: Annotated[Path, typer.Option("-o", "--output", dir_okay=False, help="Where to write the CDA.")],
    config: MaybeConfig = None,
    header: Header = None,
    stay: Stay = "",
    at: Annotated[
        str, typer.Option("--at", help="Time of a document whose data say none (ISO 8601 with its zone); else now.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write the CDA of a letter. Exit 1, and nothing is written, when its data are wrong."""
    from connector.letter.errors import LetterError

    moment = _aware(at)
    with known(config) as (settings, sql):
        try:
            source = read_source(file, header, stay)
            made = made_of(source, settings, sql, moment)
            if moment is None:
                _refuse_a_second_content(source, sql)
        except LetterError as error:
            if as_json:
                print_json({"faults": [fault.as_dict() for fault in error.faults]})
            else:
                say_faults(str(file), error.faults)
            raise typer.Exit(1) from None
    write(output, made.cda)
    dated = made.header.effective_time
    told = {
        "unique_id": made.unique_id,
        "type": asdict(made.header.code),
        "effective_time": dated,
        "bytes": len(made.cda),
        "file": str(output),
    }
    if as_json:
        print_json(told)
        return
    console().print(f"CDA écrit : {output} (document {made.unique_id})", highlight=False, markup=False)
    if source.data is not None and not source.data.get("effective_time"):
        console().print(f"   daté du {dated} : les données ne disent pas effective_time", highlight=False, markup=False)


def _aware(text: str) -> datetime | None:
    """A time with its zone; None for no text."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("a date and time with its zone is expected: 2024-03-10T10:30:00+01:00")
    return moment


def _refuse_a_second_content(source: Source, sql: Sql) -> None:
    """A document named by its data and dated by the clock would be another one at each run. Raises LetterError."""
    from connector.letter.errors import LetterError, fault
    from connector.patients.letters import made_of as known_of

    data = source.data or {}
    if data.get("id") and not data.get("effective_time") and known_of(sql, source.name) is None:
        text = "le document a un identifiant mais pas de date : chaque passage en ferait un autre contenu"
        raise LetterError([fault("effective_time", text, "effective_time, ou l'option --at", "absent")])


def _say_faults(path: Path, faults: tuple[Fault, ...], as_json: bool) -> None:
    if not as_json:
        say_faults(str(path), faults)


def _say_findings(path: Path, findings: tuple[Finding, ...], suites: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        return
    errors = sum(finding.blocking for finding in findings)
    mark = f"[red]{errors} erreur(s)[/red]" if errors else "[green]ok[/green]"
    console().print(f"{mark} {escape(str(path))} ({', '.join(suites)})", highlight=False)
    for finding in findings:
        line = f"   {finding.rule} {finding.field} : {finding.text}"
        (error_console() if finding.blocking else console()).print(line, highlight=False, markup=False)
