"""One attempt at one delivery, in a worker thread: the handler, its fence, and an outcome whatever happens."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from connector.base.guard import FenceLost, guarded
from connector.journal.audit.context import attempting
from connector.journal.db.failures import where
from connector.journal.deliveries import Delivery
from connector.journal.engine.lease import Fence
from connector.journal.engine.steps import Finished
from connector.journal.job import Handler, Hold, Job, Outcome, Retry, Unknown
from connector.journal.retention.reading import ContentPurged
from connector.journal.store import Journal

_log = structlog.get_logger(__name__)


def attempt(journal: Journal, delivery: Delivery, handlers: Mapping[str, Handler], fence: Fence) -> Finished:
    """Runs the handler of the delivery's kind; whatever it sends meanwhile is asked of `fence` first."""
    job = Job(journal, delivery, fence)
    handler = handlers.get(delivery.kind)
    if handler is None:
        missing = Hold(f"Aucun traitement configuré pour « {delivery.kind} »", "no-handler", unreachable=None)
        return Finished(delivery.id, delivery.run, missing)
    with guarded(fence.check), attempting(delivery.id):
        outcome = _outcome(handler, job)
    return Finished(delivery.id, delivery.run, outcome, job.sent)


def _outcome(handler: Handler, job: Job) -> Outcome | FenceLost:
    try:
        return handler(job)
    except FenceLost as lost:
        _log.warning("attempt abandoned", kind=job.kind, delivery_id=job.delivery_id, cause=lost.message)
        return lost
    except ContentPurged as purged:
        return Hold(f"Traitement impossible : {purged.message}", "content.purged", unreachable=None)
    except BaseException as error:  # noqa: BLE001 - a worker must bring back an outcome whatever happens
        _log.error(
            "handler failed",
            kind=job.kind,
            delivery_id=job.delivery_id,
            error=type(error).__name__,
            where=where(error),
        )
        reason = f"Erreur interne ({type(error).__name__})"
        if job.resumed or job.sent:
            return Unknown(reason, unreachable=None)
        return Retry(reason, code="handler-error", unreachable=None)
