"""How the queue and one delivery are printed: tables for people, camelCase JSON for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from connector.cli.output import console
from connector.cli.trace import states_of

if TYPE_CHECKING:
    from connector.journal.queue import Count, Entry
    from connector.journal.showing import Shown


def counts_json(counts: Sequence[Count]) -> list[dict[str, Any]]:
    return [{**asdict(count), "oldest": count.oldest.isoformat()} for count in counts]


def entry_json(entry: Entry) -> dict[str, Any]:
    return {key: _value(value) for key, value in asdict(entry).items()}


def shown_json(shown: Shown) -> dict[str, Any]:
    report: dict[str, Any] = {
        "delivery": entry_json(shown.entry),
        "documentState": shown.document_state,
        "message": dict(shown.message),
        "payload": shown.payload,
        "hidden": list(shown.hidden),
        "attempts": [{key: _value(value) for key, value in asdict(one).items()} for one in shown.attempts],
        "timeline": [{key: _value(value) for key, value in asdict(line).items()} for line in shown.lines],
    }
    if shown.revealed is not None:
        report["revealed"] = asdict(shown.revealed)
    return report


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def say_queue(counts: Sequence[Count], matching: int, entries: Sequence[Entry]) -> None:
    totals = _table("destination", "state", "count", "oldest (UTC)")
    for count in counts:
        totals.add_row(count.destination or "-", count.state, str(count.count), _time(count.oldest))
    console().print(totals)
    if not matching:
        console().print("rien ne correspond")
        return
    table = _table("n°", "what", "state", "since (UTC)", "why")
    for entry in entries:
        what = f"{entry.kind} → {entry.destination}" if entry.destination else entry.kind
        why = " : ".join(word for word in (entry.reason_code, entry.reason) if word)
        state = f"{entry.state} (en cours)" if entry.running else entry.state
        about = f"{what}\n{entry.document_id}" if entry.document_id else what
        table.add_row(str(entry.id), about, state, _time(entry.created_at), why)
    console().print(table)
    if matching > len(entries):
        console().print(f"{len(entries)} sur {matching} (--limit)", highlight=False)


def say_shown(shown: Shown) -> None:
    entry = shown.entry
    facts: dict[str, object] = {
        "n°": entry.id,
        "kind": entry.kind,
        "destination": entry.destination,
        "state": f"{entry.state}{' (en cours)' if entry.running else ''}",
        "doubt": "un effet existe peut-être : vérifié avant tout nouvel envoi" if entry.unsettled else "",
        "reason": entry.reason,
        "code": entry.reason_code,
        "created (UTC)": _time(entry.created_at),
        "due (UTC)": _time(entry.due),
        "stay": entry.stay,
        "document": entry.document_id,
        "document state": shown.document_state,
        **{f"message {key}": value for key, value in shown.message.items()},
        **shown.payload,
        "hidden (--reveal)": ", ".join(shown.hidden) if shown.revealed is None else "",
    }
    table = _table("fact", "value")
    for name, value in facts.items():
        if value not in ("", None):
            table.add_row(name, str(value))
    console().print(table)
    attempts = _table("attempt", "started (UTC)", "ended (UTC)", "outcome", "node", "reason")
    for one in shown.attempts:
        ended = _time(one.ended_at) if one.ended_at else ""
        attempts.add_row(str(one.number), _time(one.started_at), ended, one.outcome, one.node, one.reason)
    console().print(attempts)
    lines = _table("time (UTC)", "event", "state", "what")
    for line in shown.lines:
        lines.add_row(_time(line.at), line.event, states_of(line), line.text)
    console().print(lines)
    if shown.revealed is not None:
        identifiers = _table("domain", "identifier")
        for domain, value in shown.revealed.identifiers:
            identifiers.add_row(domain, value)
        console().print(identifiers)
        console().print(shown.revealed.content, markup=False, highlight=False)


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
