"""Retention as the flows know it: which messages carry documents, and where the retrieved ones lie."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from connector.base.clock import Clock
from connector.flows.intake import DOCUMENT
from connector.flows.received import remove_received, unfinished_in
from connector.journal import Journal
from connector.journal.retention.config import RetentionConfig, Rules
from connector.journal.retention.keeper import Keeper

# a frame nobody could read, or too long, may hold a document
_ATTACHMENTS: Final = (DOCUMENT, "unreadable", "oversized")


def rules_of(config: RetentionConfig) -> Rules:
    return Rules(config, _ATTACHMENTS)


def keeper_of(journal: Journal, config: RetentionConfig, received: Path, clock: Clock) -> Keeper:
    """The keeper of a whole connector: its journal, and the files under `received`."""

    def files(stopping: threading.Event) -> int:
        limit = config.limit("attachments", clock())
        return 0 if limit is None else remove_received(received, limit, unfinished_in(journal), stopping)

    return Keeper(journal, rules_of(config), {"files": files})
