"""How the xds commands speak: what the far end said, whole, in words or as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from connector.base.errors import ServerRefusal, SoapFault, TransportError
from connector.cli.output import console, error_console, print_json

if TYPE_CHECKING:
    from connector.xds.model import QueryAnswer

REFUSED, UNREACHABLE = 1, 3


@contextmanager
def telling(as_json: bool) -> Iterator[None]:
    """What went wrong, in full; then the exit code of `connector.cli.main`."""
    from connector.dmp.errors import DmpMetadataError

    try:
        yield
    except ServerRefusal as refusal:
        errors = [plain(error) for error in refusal.errors]
        _tell(as_json, {"outcome": "refused", "errors": errors}, [f"{e['code']} {e['text']}" for e in errors])
        raise typer.Exit(REFUSED) from refusal
    except SoapFault as fault:
        _tell(
            as_json,
            {"outcome": "fault", "code": fault.code, "subcode": fault.subcode, "text": fault.text},
            [f"SOAP fault {fault.subcode or fault.code}: {fault.text}"],
        )
        raise typer.Exit(REFUSED) from fault
    except DmpMetadataError as error:
        findings = [finding.as_dict() for finding in error.findings]
        lines = [
            f"{one['rule']} {one['field']}: {one['text']} (trouvé « {one['found']} », attendu : {one['expected']})"
            for one in findings
        ]
        _tell(as_json, {"outcome": "not sent", "findings": findings}, ["not sent", *lines])
        raise typer.Exit(REFUSED) from error
    except TransportError as error:
        outcome = "unknown" if error.sent else "not sent"
        context = {name: str(value) for name, value in error.context.items()}
        _tell(
            as_json,
            {"outcome": outcome, "text": error.message, "context": context},
            [f"{error.message} ({'the request left: outcome unknown' if error.sent else 'nothing left'})"],
        )
        raise typer.Exit(UNREACHABLE) from error


def _tell(as_json: bool, document: Mapping[str, Any], lines: list[str]) -> None:
    if as_json:
        print_json(document)
        return
    for line in lines:
        error_console().print(line, style="red", highlight=False, markup=False)


def plain(value: Any) -> Any:
    """A value of ours as JSON has it: camelCase names, empty attributes left out."""
    if is_dataclass(value) and not isinstance(value, type):
        table = {_camel(item.name): plain(getattr(value, item.name)) for item in fields(value)}
        return {name: one for name, one in table.items() if one not in ("", None, [], {})}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def show_answer(answer: QueryAnswer) -> None:
    """Tables for people: documents, sets, folders, associations, references."""
    if answer.entries:
        _table(
            "documents",
            ("uniqueId", "title", "type", "status", "created", "size", "entryUUID"),
            [
                (
                    entry.unique_id,
                    entry.title,
                    entry.type_code.code if entry.type_code else "",
                    entry.status.rpartition(":")[2],
                    entry.creation_time,
                    "" if entry.size is None else str(entry.size),
                    entry.entry_uuid,
                )
                for entry in answer.entries
            ],
        )
    if answer.submission_sets:
        rows = [(one.unique_id, one.title, one.submission_time, one.entry_uuid) for one in answer.submission_sets]
        _table("submission sets", ("uniqueId", "title", "submitted", "entryUUID"), rows)
    if answer.folders:
        rows = [(one.unique_id, one.title, one.last_update, one.entry_uuid) for one in answer.folders]
        _table("folders", ("uniqueId", "title", "updated", "entryUUID"), rows)
    if answer.associations:
        rows = [(one.type.rpartition(":")[2], one.source, one.target, one.id) for one in answer.associations]
        _table("associations", ("type", "source", "target", "id"), rows)
    for reference in answer.references:
        console().print(reference, highlight=False)
    for error in answer.errors:
        console().print(f"{error.severity}: {error.code} {error.context}", highlight=False, markup=False)


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)
