"""`connector replay`: a person sends held, refused or dead deliveries again, with a reason that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from connector.base.errors import ConnectorError, SettingsError
from connector.cli.output import console
from connector.cli.trace import Config

if TYPE_CHECKING:
    from connector.journal import Journal


def replay(
    config: Config,
    reason: Annotated[str, typer.Option(help="Why, in one sentence: it stays on the timeline.")],
    deliveries: Annotated[
        list[int] | None, typer.Argument(help="Numbers of deliveries, as `connector worklist` prints them.")
    ] = None,
    code: Annotated[
        str, typer.Option(help="Every entry whose reason code starts so, e.g. configuration or identity.")
    ] = "",
    unblock: Annotated[
        bool, typer.Option("--unblock", help="Also lift the hold on the patient (A44, A47, doubtful merge).")
    ] = False,
) -> None:
    """Put entries of the worklist back in their patient's order. A document perhaps sent already is asked for first."""
    from connector.journal import Journal
    from connector.journal.worklist import worklist
    from connector.settings import load_settings

    if bool(deliveries) == bool(code):
        raise SettingsError("say which ones", name="replay", found="", allowed="delivery numbers, or --code")
    journal = Journal.open(load_settings(config).journal)
    try:
        chosen = deliveries or [
            item.delivery_id
            for item in worklist(journal)
            if item.delivery_id is not None and item.reason_code.startswith(code)
        ]
        for delivery in chosen:
            _requeue(journal, delivery, reason, unblock)
    finally:
        journal.close()
    console().print(f"[green]{len(chosen)} in the queue again[/green]")


def _requeue(journal: Journal, delivery: int, reason: str, unblock: bool) -> None:
    """One transaction each: a refused one stops the rest, and what was put back stays so."""
    from connector.journal import Tx
    from connector.journal.lifecycle import LifecycleError
    from connector.patients.state import unblock as unblock_patient

    def move(tx: Tx) -> None:
        tx.requeue(delivery, reason)
        if unblock:
            patient = tx.delivery(delivery).patient_id
            unblock_patient(tx, patient)
            tx.note("suspension levée", reason, patient_id=patient, delivery_id=delivery)

    try:
        journal.transact(move)
    except LifecycleError as error:
        raise ConnectorError(
            "this delivery cannot be replayed",
            field=f"delivery {delivery}",
            found=error.context["found"],
            expected="held, refused or dead",
        ) from error
