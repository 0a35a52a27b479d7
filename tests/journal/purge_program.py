"""A process that lets go of everything old, until something kills it.

python -m tests.journal.purge_program STORE
"""

from __future__ import annotations

import sys
from datetime import timedelta

from connector.journal.model import JournalConfig
from connector.journal.retention.keeper import Keeper
from connector.journal.store import Journal
from tests.journal.history import rules
from tests.journal.support import NOW

LATER = NOW + timedelta(days=1000)
RULES = rules(content_days=20, attachment_days=5, trace_days=40, step_rows=3, pause=0.001)


def main(store: str) -> None:
    keeper = Keeper(Journal.open(JournalConfig(store), lambda: LATER), RULES)
    print("ready", flush=True)
    keeper.round()


if __name__ == "__main__":
    main(sys.argv[1])
