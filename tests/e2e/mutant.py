"""`python -m tests.e2e.mutant <name> run -c file`: the connector changed on purpose, for a proof to be seen to fail."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Final
from unittest.mock import patch

from connector.base.clock import utc_now
from connector.base.errors import ConnectorError
from connector.cli.main import main
from connector.dmp.client import DmpClient
from connector.flows.asked import Asked
from connector.flows.outcomes import failure
from connector.flows.predecessor import Predecessors
from connector.flows.publication import PublicationFlow
from connector.flows.settlement import Sent, Settlement, Verdict
from connector.journal import Done, Hold, Job, Outcome, Unknown
from connector.journal.engine.lease import Fence
from connector.patients import versions


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


def resent_as_new() -> None:
    """Sends a replacement again as a document of its own, without RPLC."""
    found = Predecessors.of_replacement

    def of_replacement(self: Predecessors, asked: Asked) -> str | Hold:
        return "" if asked.job.resumed else found(self, asked)

    patch.object(Predecessors, "of_replacement", of_replacement).start()


def skip_predecessor() -> None:
    """Never looks up what a replacement replaces."""
    patch.object(Predecessors, "of_replacement", lambda _self, _asked: "").start()


def believe_deletion() -> None:
    """Takes a deletion without an answer for done."""
    failed = PublicationFlow._failed

    def believing(self: PublicationFlow, asked: Asked, error: ConnectorError) -> Outcome:
        outcome = failed(self, asked, error)
        return self._ending.deleted(asked, "espoir") if asked.deletes and isinstance(outcome, Unknown) else outcome

    patch.object(PublicationFlow, "_failed", believing).start()


def version_early() -> None:
    """Writes a version down before the DMP has answered."""
    fed = PublicationFlow._feed

    def early(self: PublicationFlow, asked: Asked) -> Outcome:
        self._journal.transact(lambda tx: versions.stand(tx, asked.version("published"), utc_now()))
        return fed(self, asked)

    patch.object(PublicationFlow, "_feed", early).start()


def stop_before_send() -> None:
    """No defect: it is stopped by SIGSTOP, once, with everything durable and not one byte of its first ITI-41 gone."""
    _stop_before("submit")


def stop_before_delete() -> None:
    """The same, before its first ITI-57."""
    _stop_before("delete")


def _stop_before(verb: str) -> None:
    act, stopped = getattr(DmpClient, verb), threading.Event()

    def acting(self: DmpClient, *args: Any, **named: Any) -> Any:
        if not stopped.is_set():
            stopped.set()
            os.kill(os.getpid(), signal.SIGSTOP)
        return act(self, *args, **named)

    patch.object(DmpClient, verb, acting).start()


def stop_before_send_unfenced() -> None:
    """The same, and its fence never closes."""
    stop_before_send()
    patch.object(Fence, "check", lambda _self: None).start()


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    "skip-question": skip_question,
    "believe-at-once": believe_at_once,
    "hope": hope,
    "resent-as-new": resent_as_new,
    "skip-predecessor": skip_predecessor,
    "believe-deletion": believe_deletion,
    "version-early": version_early,
    "stop-before-send": stop_before_send,
    "stop-before-delete": stop_before_delete,
    "stop-before-send-unfenced": stop_before_send_unfenced,
}

if __name__ == "__main__":
    MUTATIONS[sys.argv.pop(1)]()
    main()
