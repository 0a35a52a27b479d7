"""`connector queue`: what waits and why, and what a person does about it, with a reason that is kept.

Exit codes: 0 done, 1 nothing matched, 2 bad request or settings, 3 refused by the life cycle (the reason is said).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from connector.base.errors import SettingsError
from connector.cli.queue_acts import Report, perform, reroute
from connector.cli.queue_views import counts_json, entry_json, say_queue, say_shown, shown_json
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.journal import Journal, JournalConfig, JournalReader
    from connector.journal.lifecycle import State
    from connector.journal.operator import Act
    from connector.journal.queue import Wanted

NOTHING, USAGE, REFUSED = 1, 2, 3

app = typer.Typer(no_args_is_help=True, help="The queue: what waits and why; retry, hold, release, settle.")

Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of deliveries, as `queue list` prints them.")]
Reason = Annotated[str, typer.Option(help="Why, in one sentence: it stays on the timeline and in the audit trail.")]
Operator = Annotated[str, typer.Option(help="Who acts; the operating-system user unless given.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before acting on several deliveries.")]
States = Annotated[list[str] | None, typer.Option("--state", help="State; may be repeated.")]
Destination = Annotated[str | None, typer.Option(help="Destination: dmp, identity, zam:<sender>…")]
Kind = Annotated[str, typer.Option(help="Kind of delivery: admission, consultation, publication, zam, notice.")]
Code = Annotated[str, typer.Option(help="Beginning of the reason code, e.g. configuration or identity.")]
Ipp = Annotated[str, typer.Option(help="Hospital patient number.")]
Ins = Annotated[str, typer.Option(help="Matricule INS.")]
Document = Annotated[str, typer.Option(help="Document uniqueId.")]
OlderThan = Annotated[str, typer.Option(help="Created longer ago than this: 30m, 12h, 3d.")]


@app.command("list")
def list_queue(
    config: Config,
    state: States = None,
    destination: Destination = None,
    kind: Kind = "",
    code: Code = "",
    ipp: Ipp = "",
    ins: Ins = "",
    document: Document = "",
    older_than: OlderThan = "",
    limit: Annotated[int, typer.Option(min=1, help="How many deliveries to print.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Count what waits by destination and state, and print what matches, oldest first. Exit 1 when nothing does."""
    from connector.journal.queue import count, counts, find

    with _reader(config) as journal:
        wanted = _wanted(journal, state, destination, kind, code, ipp, ins, document, older_than)
        depths, matching, entries = counts(journal), count(journal, wanted), find(journal, wanted, limit)
    if as_json:
        report = {"counts": counts_json(depths), "matching": matching, "deliveries": [entry_json(e) for e in entries]}
        _print(report)
    else:
        say_queue(depths, matching, entries)
    if not matching:
        raise typer.Exit(NOTHING)


@app.command()
def show(
    config: Config,
    delivery: Annotated[int, typer.Argument(help="Number of the delivery.")],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Also the patient's identifiers and the content; needs a reason.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why it is revealed: it stays in the audit trail.")] = "",
    operator: Operator = "",
    as_json: AsJson = False,
) -> None:
    """Print one delivery: its facts, its attempts, its timeline. Identities and content only with --reveal."""
    from connector.journal.lifecycle import LifecycleError
    from connector.journal.showing import reveal as reveal_all
    from connector.journal.showing import show as read

    if reveal and not reason.strip():
        raise SettingsError("a reason is needed", name="--reason", found="", allowed="why the content is revealed")
    try:
        if reveal:
            with _writer(config) as journal:
                shown = reveal_all(journal, delivery, reason, _who(operator))
        else:
            with _reader(config) as reader:
                shown = read(reader, delivery)
    except LifecycleError:
        _nothing(f"aucun travail n° {delivery}", as_json)
    if as_json:
        _print(shown_json(shown))
    else:
        say_shown(shown)


def retry(
    config: Config,
    reason: Reason,
    deliveries: Numbers = None,
    state: States = None,
    destination: Destination = None,
    kind: Kind = "",
    code: Code = "",
    ipp: Ipp = "",
    ins: Ins = "",
    document: Document = "",
    older_than: OlderThan = "",
    unblock: Annotated[
        bool,
        typer.Option(
            "--unblock", help="Also lift the hold on the patient (A44, A47, doubtful merge) or the stay (A11, A38)."
        ),
    ] = False,
    message: Annotated[
        list[int] | None, typer.Option(help="Number of a message whose routing failed; may be repeated.")
    ] = None,
    operator: Operator = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put deliveries back in their patient's order, now. A document perhaps sent already is asked for first."""
    filters = (state, destination, kind, code, ipp, ins, document, older_than)
    if message and not deliveries and not any(filters):
        _check(reason)
        with _writer(config) as journal:
            report = reroute(journal, message, reason, _who(operator))
        _tell(report, as_json)
    else:
        _act("retry", config, deliveries, filters, reason, operator, yes, as_json, unblock=unblock)


def _acting(what: Act, help_text: str) -> None:
    """Declares `connector queue <what>`: the same filters for each act."""

    @app.command(what, help=help_text)
    def command(
        config: Config,
        reason: Reason,
        deliveries: Numbers = None,
        state: States = None,
        destination: Destination = None,
        kind: Kind = "",
        code: Code = "",
        ipp: Ipp = "",
        ins: Ins = "",
        document: Document = "",
        older_than: OlderThan = "",
        operator: Operator = "",
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> None:
        filters = (state, destination, kind, code, ipp, ins, document, older_than)
        _act(what, config, deliveries, filters, reason, operator, yes, as_json)


app.command("retry")(retry)
_acting("hold", "Keep deliveries from starting until a person releases them; the patient's other deliveries go on.")
_acting("release", "Let held deliveries go back to their own place in their patient's order.")
_acting("settle", "Close deliveries by hand: nothing more is sent for them, ever.")


Filters = tuple[list[str] | None, str | None, str, str, str, str, str, str]


def _act(
    what: Act,
    config: Path,
    numbers: list[int] | None,
    filters: Filters,
    reason: str,
    operator: str,
    yes: bool,
    as_json: bool,
    *,
    unblock: bool = False,
) -> None:
    _check(reason)
    if bool(numbers) == any(filters):
        allowed = "delivery numbers, or filters (--code, --destination, --ipp…)"
        raise SettingsError("say which ones", name=f"queue {what}", found="", allowed=allowed)
    with _writer(config) as journal:
        wanted = numbers if numbers else _wanted(journal, *filters)
        report = perform(journal, what, wanted, reason, _who(operator), yes=yes, as_json=as_json, unblock=unblock)
    _tell(report, as_json)


def _check(reason: str) -> None:
    if not reason.strip():
        raise SettingsError("a reason is needed", name="--reason", found="", allowed="why, in one sentence")


def _tell(report: Report, as_json: bool) -> None:
    """What was done, and the exit code that says it."""
    if as_json:
        _print(report.as_json())
    else:
        report.say()
    if report.refused:
        raise typer.Exit(REFUSED)
    if not report.done:
        raise typer.Exit(NOTHING)


def _wanted(
    journal: JournalReader,
    state: list[str] | None,
    destination: str | None,
    kind: str,
    code: str,
    ipp: str,
    ins: str,
    document: str,
    older_than: str,
) -> Wanted:
    """The filters as the journal takes them. Raises SettingsError."""
    from connector.base.clock import utc_now
    from connector.journal.lifecycle import State
    from connector.journal.queue import OPEN, Wanted
    from connector.journal.timeline import patients_of

    unknown = sorted(set(state or ()) - set(get_args(State)))
    if unknown:
        raise SettingsError("no such state", name="--state", found=unknown[0], allowed=", ".join(get_args(State)))
    if ipp and ins:
        raise SettingsError("one patient at a time", name="--ipp, --ins", found="both", allowed="one of them")
    return Wanted(
        states=cast("tuple[State, ...]", tuple(dict.fromkeys(state))) if state else OPEN,
        patients=patients_of(journal, ipp or ins) if ipp or ins else None,
        document_id=document,
        destination=destination,
        kind=kind,
        code=code,
        created_before=utc_now() - _duration(older_than) if older_than else None,
    )


def _duration(text: str) -> timedelta:
    """30m, 12h or 3d. Raises SettingsError."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if not text[:-1].isdecimal() or text[-1] not in units or len(text) > 7:
        raise SettingsError("not a duration", name="--older-than", found=text, allowed="30m, 12h, 3d")
    return timedelta(**{units[text[-1]]: int(text[:-1])})


def _who(operator: str) -> str:
    from connector.journal.audit import current_operator

    return operator or current_operator()


def _store(config: Path) -> JournalConfig:
    """The store of these settings, which must be there. Raises SettingsError."""
    from connector.settings import load_settings

    store = load_settings(config).journal
    path = store.url.path
    if path is not None and not path.exists():
        raise SettingsError("no journal here", name="journal.store", found=str(path), allowed="a journal that ran once")
    return store


@contextmanager
def _reader(config: Path) -> Iterator[JournalReader]:
    from connector.journal import JournalReader

    with _readable():
        journal = JournalReader(_store(config))
        try:
            yield journal
        finally:
            journal.close()


@contextmanager
def _writer(config: Path) -> Iterator[Journal]:
    from connector.journal import Journal

    with _readable():
        journal = Journal.open(_store(config))
        try:
            yield journal
        finally:
            journal.close()


@contextmanager
def _readable() -> Iterator[None]:
    """A journal that cannot be used is a matter of settings here: exit 1 means that nothing matched."""
    from connector.journal import JournalError

    try:
        yield
    except JournalError as error:
        found = str(error.context.get("cause", "")) or error.message
        raise SettingsError(error.message, name="journal.store", found=found, allowed="a journal in use") from error


def _nothing(text: str, as_json: bool) -> None:
    from connector.cli.output import error_console

    if as_json:
        _print(None)
    else:
        error_console().print(text, highlight=False)
    raise typer.Exit(NOTHING)


def _print(value: Any) -> None:
    from connector.cli.output import print_json

    print_json(value)
