"""`python -m tests.e2e.mutant <name> run -c file`: the connector with one defect, for a proof to be seen to fail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final
from unittest.mock import patch

from connector.base.errors import ConnectorError
from connector.cli.main import main
from connector.flows.outcomes import failure
from connector.flows.settlement import Sent, Settlement, Verdict
from connector.journal import Done, Job, Outcome


def skip_question() -> None:
    """Resends after an unknown outcome without asking the registry."""

    def verdict(_self: Settlement, _job: Job, _sent: Sent) -> Verdict:
        return "absent"

    patch.object(Settlement, "verdict", verdict).start()


def believe_at_once() -> None:
    """Asks, but takes the first "absent" for the last word: the server may still be working on the document."""
    asked = Settlement.ask

    def verdict(self: Settlement, _job: Job, sent: Sent) -> Verdict:
        return asked(self, sent)

    patch.object(Settlement, "verdict", verdict).start()


def hope() -> None:
    """Takes a lost answer for a success."""

    def hopeful(error: ConnectorError, *, effect: bool = False) -> Outcome:
        outcome = failure(error, effect=effect)
        return Done("espoir") if type(outcome).__name__ == "Unknown" else outcome

    patch("connector.flows.publication.failure", hopeful).start()


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    "skip-question": skip_question,
    "believe-at-once": believe_at_once,
    "hope": hope,
}

if __name__ == "__main__":
    MUTATIONS[sys.argv.pop(1)]()
    main()
