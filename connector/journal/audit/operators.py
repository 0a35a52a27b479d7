"""Acts of people: one audit line each, with who did it and why."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector.journal.audit.entry import AuditEntry

if TYPE_CHECKING:
    from connector.journal.tx import Tx


def current_operator() -> str:
    """The operating-system user of this process; behind sudo, who called it, as `user (sudo root)`."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        # a container may run under a number that no account has
        name = f"uid {uid}"
    # only root can have been made root by sudo: anybody else may write that variable
    caller = os.environ.get("SUDO_USER", "") if uid == 0 else ""
    return f"{caller} (sudo {name})" if caller else name


def operator_act(
    tx: Tx,
    act: str,
    *,
    delivery_id: int | None = None,
    reason: str = "",
    operator: str = "",
    unique_ids: Sequence[str] = (),
) -> None:
    """Adds the audit line of a person's act to the transaction that does it: both are durable, or neither.

    `act` is the command (replay, retry, hold, release, settle, purge, audit.export), `reason` the person's own words,
    `operator` the operating-system user unless given.
    """
    entry = AuditEntry(
        at=tx.now,
        kind="operator",
        transaction=act,
        unique_ids=tuple(unique_ids),
        outcome="success",
        delivery_id=delivery_id,
        operator=operator or current_operator(),
        reason=reason,
    )
    tx.audit(entry)
