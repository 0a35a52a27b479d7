"""`connector replay`: a person sends a held, refused or dead delivery again, with a reason that is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from connector.cli.output import console
from connector.cli.trace import Config


def replay(
    config: Config,
    delivery: Annotated[int, typer.Argument(help="Number of the delivery, as `connector worklist` prints it.")],
    reason: Annotated[str, typer.Option(help="Why, in one sentence: it stays on the timeline.")],
    unblock: Annotated[
        bool, typer.Option("--unblock", help="Also lift the hold on the patient (A44, A47, doubtful merge).")
    ] = False,
) -> None:
    """Put a delivery of the worklist back in its patient's order. A document already sent is asked for first."""
    from connector.base.errors import ConnectorError
    from connector.journal import Journal, Tx
    from connector.journal.lifecycle import LifecycleError
    from connector.patients.state import unblock as unblock_patient
    from connector.settings import load_settings

    journal = Journal.open(load_settings(config).journal)

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
    finally:
        journal.close()
    console().print(f"[green]delivery {delivery} is in the queue again[/green]")
