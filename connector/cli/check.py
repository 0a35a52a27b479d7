"""`connector check`: everything wrong in a file, field by field, whatever the file is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.output import console, print_json

if TYPE_CHECKING:
    from connector.base.finding import Finding
    from connector.cli.check_files import Checked
    from connector.dmp.config import DmpConfig
    from connector.flows.config import IntakeConfig
    from connector.kit.config import GateConfig

_COLUMNS: Final = ("rule", "severity", "field", "what")


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, help="HL7 messages, CDA, PDF, metadata XML, captured SOAP requests."
        ),
    ],
    config: Annotated[
        Path | None, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file, for its rules.")
    ] = None,
    profile: Annotated[
        Literal["dmp", "ihe"] | None, typer.Option(help="Strictness: dmp (unless the settings say ihe) or ihe.")
    ] = None,
    kit: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of the agency's CDA kit.")
    ] = None,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Also the metadata that would be made; it holds identities.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Say everything that is wrong in files of the hospital or of the DMP. Exit 1 when a finding is an error."""
    from connector.base.clock import utc_now
    from connector.cli.check_files import Checker
    from connector.flows.document_gate import open_gate

    ruling = _ruling(config, profile, kit)
    report: dict[str, Any] = {}
    refused = False
    with open_gate(ruling.gate) as gate:
        checker = Checker(ruling.intake, ruling.dmp, gate, utc_now().date(), ruling.gate.pdf)
        for name, path in _named(files).items():
            checked = checker.check(path.read_bytes())
            refused |= any(finding.blocking for finding in checked.findings)
            if as_json:
                report[name] = _as_json(checked, metadata)
            else:
                _say(name, checked, metadata)
    if as_json:
        print_json(report)
    if refused:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Ruling:
    """By which rules: the settings' own when there are some."""

    intake: IntakeConfig
    dmp: DmpConfig
    gate: GateConfig


def _ruling(config: Path | None, profile: Literal["dmp", "ihe"] | None, kit: Path | None) -> Ruling:
    """Raises SettingsError."""
    from connector.codes import use_folder
    from connector.dmp.config import DmpConfig
    from connector.flows.config import IntakeConfig
    from connector.kit.config import GateConfig
    from connector.settings import load_settings

    if config is None:
        # no installation to speak of: its identifiers are in no finding
        dmp = DmpConfig("https://localhost", "2.25.0", "connector", "2.25.0", "test")
        ruling = Ruling(IntakeConfig(), dmp, GateConfig())
    else:
        settings = load_settings(config)
        use_folder(settings.codes.folder)
        ruling = Ruling(settings.intake, settings.dmp, settings.gate)
    if profile is not None:
        ruling = replace(ruling, dmp=replace(ruling.dmp, profile=profile))
    if kit is not None:
        ruling = replace(ruling, gate=replace(ruling.gate, kit=str(kit)))
    return ruling


def _named(files: Sequence[Path]) -> dict[str, Path]:
    """Each file by its name, or by its whole path where two have the same name."""
    counts = Counter(path.name for path in files)
    return {path.name if counts[path.name] == 1 else str(path): path for path in files}


def _as_json(checked: Checked, metadata: bool) -> Any:
    """The findings; with the metadata asked for, a table that says the kind too."""
    findings = [finding.as_dict() for finding in checked.findings]
    if not metadata:
        return findings
    return {
        "kind": checked.kind,
        "suites": list(checked.suites),
        "findings": findings,
        "metadata": list(checked.metadata),
    }


def _say(name: str, checked: Checked, metadata: bool) -> None:
    from connector.kit.gate import KIT_ABSENT, KIT_ABSENT_ACCEPTED

    errors = sum(finding.blocking for finding in checked.findings)
    others = len(checked.findings) - errors
    mark = f"[red]{errors} erreur(s)[/red]" if errors else "[green]ok[/green]"
    alone = {KIT_ABSENT, KIT_ABSENT_ACCEPTED} & set(checked.suites)
    if alone:
        mark += " [yellow]sans le kit officiel[/yellow]"
    console().print(f"{mark} {escape(name)} ({checked.kind}, {others} autre(s) remarque(s))", highlight=False)
    if checked.suites:
        console().print(f"   contrôles du CDA : {', '.join(checked.suites)}", highlight=False, markup=False)
    if alone:
        told = "   ni le schéma ni les schématrons de l'agence n'ont jugé ce document : donner leur dossier (--kit)"
        console().print(told, highlight=False, markup=False)
    if checked.findings:
        table = Table()
        for column in _COLUMNS:
            table.add_column(column, overflow="fold")
        for finding in checked.findings:
            table.add_row(*map(escape, _cells(finding)))
        console().print(table)
    for entry in checked.metadata if metadata else ():
        table = Table(title="métadonnées qui seraient faites", title_justify="left")
        table.add_column("attribut", overflow="fold")
        table.add_column("valeur", overflow="fold")
        for attribute, value in entry.items():
            table.add_row(attribute, escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
        console().print(table)


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    """One row: what was seen, what would be right and where that is written, below the sentence."""
    code = f"code {finding.code}" if finding.code and finding.code != finding.rule else ""
    values = (("trouvé", finding.found), ("attendu", finding.expected))
    seen = (
        # some rules say both in their sentence
        *(f"{word} : {value}" for word, value in values if value and value not in finding.text),
        " ; ".join(part for part in (code, finding.reference) if part),
    )
    return finding.rule, finding.severity, finding.field, "\n".join(line for line in (finding.text, *seen) if line)
