"""One outgoing call, as the client that made it saw it: what the audit trail is written from.

Clients know nothing of the journal: they take an `on_call` and tell it once per call, whatever the outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from connector.base.errors import ConnectorError, ServerRefusal, SoapFault, TransportError

CallOutcome = Literal["success", "partial", "refused", "failed", "unknown"]


@dataclass(frozen=True, slots=True, repr=False)
class CallRecord:
    """One call. Empty fields are what does not apply, or was not known when the call ended.

    at            when the call began (aware, UTC)
    transaction   id of the transaction's row (TD2.1, ITI-9), ZAM^Z01 or PSC-userinfo
    destination   address called
    message_id    wsa:MessageID, or MSH-10; relates_to is the answer's wsa:RelatesTo, or MSA-2
    ins           matricule INS the call was about: never written anywhere as it is
    outcome       'success', 'partial' (answered, with errors), 'refused' (the far end said no), 'failed' (certain that
                  nothing left), 'unknown' (something left, no usable answer)
    code          code of the refusal or cause of the failure
    seconds       how long the call took
    """

    at: datetime
    transaction: str
    destination: str = ""
    message_id: str = ""
    relates_to: str = ""
    purpose: str = ""
    name_id: str = ""
    structure: str = ""
    ins: str = ""
    unique_ids: tuple[str, ...] = ()
    set_id: str = ""
    outcome: CallOutcome = "success"
    code: str = ""
    seconds: float = 0.0


OnCall = Callable[[CallRecord], None]


def nobody(record: CallRecord) -> None:
    """The hook of a client that nobody listens to."""


def both(first: OnCall, second: OnCall) -> OnCall:
    """Tells both, in this order."""

    def tell(record: CallRecord) -> None:
        first(record)
        second(record)

    return tell


class Call:
    """A call in progress: `learn` adds to its record what only the answer tells."""

    __slots__ = ("record",)

    def __init__(self, record: CallRecord) -> None:
        self.record = record

    def learn(self, **facts: Any) -> None:
        """`facts` are fields of CallRecord."""
        self.record = replace(self.record, **facts)


@contextmanager
def recorded(on_call: OnCall, record: CallRecord) -> Iterator[Call]:
    """Tells `on_call` about the call made inside, once, also when it raises."""
    call = Call(record)
    started = time.perf_counter()
    try:
        yield call
    except BaseException as error:
        call.learn(**_outcome_of(error))
        raise
    finally:
        call.learn(seconds=time.perf_counter() - started)
        on_call(call.record)


def _outcome_of(error: BaseException) -> dict[str, Any]:
    match error:
        case TransportError():
            relates = _text(error, "found") if error.context.get("field") == "wsa:RelatesTo" else ""
            return {"outcome": "unknown" if error.sent else "failed", "code": _cause(error)} | _known(relates)
        case SoapFault():
            code = error.subcode or error.code or f"http-{error.http_status}"
            return {"outcome": "refused", "code": code} | _known(_text(error, "relates_to"))
        case ServerRefusal():
            return {"outcome": "refused", "code": error.code or _text(error, "status") or "no-code"}
        case ConnectorError():
            # the request itself was wrong: a client raises this before anything leaves
            return {"outcome": "failed", "code": type(error).__name__}
        case _:
            return {"outcome": "unknown", "code": type(error).__name__}


def _cause(error: TransportError) -> str:
    """'timeout', 'refused', 'tls' (see soap/failures.py, mllp_client.py), else what was wrong with the answer."""
    status = error.context.get("http_status")
    return _text(error, "cause") or (f"http-{status}" if status not in (None, 200) else type(error).__name__)


def _known(relates_to: str) -> dict[str, str]:
    return {"relates_to": relates_to} if relates_to else {}


def _text(error: ConnectorError, name: str) -> str:
    return str(error.context.get(name) or "")[:200]
