"""Is there a DMP to feed, and is it open? Asked again only when somebody said no (hl7v2-interface §2.5).

A record that was closed or absent is asked about at the patient's next event, at most once a day (TD0.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from connector.base.clock import Clock
from connector.base.errors import ServerRefusal
from connector.dmp.refusals import explain
from connector.flows.acknowledgement import APPLICATION, DMP_CODES, Verdict
from connector.flows.asked import Asked
from connector.flows.routing_codes import DMP_ABSENT, DMP_CLOSED, PUBLICATION
from connector.flows.snapshot import Snapshot
from connector.journal import Hold, Journal, Tx
from connector.patients.state import PatientView, load_patient, remember_dmp

ASK_AGAIN: Final = timedelta(days=1)

ASKED_AGAIN: Final = "redemandé au prochain évènement du patient, une fois par jour au plus"

No = Literal["closed", "absent"]

_NO: Final[dict[str, No]] = {"CLOSED": "closed", "ABSENT": "absent"}
_TEXT: Final[dict[str, str]] = {
    "closed": "Le DMP du patient est fermé",
    "absent": "Le patient n'a pas de DMP",
}
_CODES: Final = {"closed": DMP_CLOSED, "absent": DMP_ABSENT}


@dataclass(frozen=True, slots=True)
class NoRecord:
    """`state` is 'closed' or 'absent'; `code` the DMP's own word for it, "" when it used none."""

    state: str
    code: str

    def hold(self) -> Hold:
        """The wait for the record."""
        own = f" ({self.code})" if self.code else ""
        return Hold(f"{_TEXT[self.state]}{own} : {ASKED_AGAIN}", _CODES[self.state])

    def verdict(self) -> Verdict:
        """What the sender hears: the DMP's own code, or ours where it only gave a status (TD0.2)."""
        if self.code:
            return Verdict(False, self.code, _TEXT[self.state], DMP_CODES)
        return Verdict(False, "906", _TEXT[self.state], APPLICATION)


class DmpRecord:
    """What is known of the patient's record, and the question when it must be put."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def missing(self, asked: Asked) -> NoRecord | None:
        """Why there is no open record to feed, None when there is one.

        Raises what TD0.2 may raise.
        """
        view = load_patient(Snapshot(self._journal), asked.job.patient_id)
        if not doubtful(view) or asked.feeder.target.profile == "ihe":
            # a plain XDS.b domain has no record to open, nor TD0.2
            return None
        if view.dmp in _TEXT and not may_ask(view, self._clock()):
            return NoRecord(view.dmp, view.dmp_code)
        state: Literal["open"] | No = "open"
        code = ""
        try:
            state = _NO.get(asked.feeder.dmp.test_existence(asked.ins, asked.caller).status, "open")
        except ServerRefusal as refusal:
            found = said_no(refusal)
            if found is None:
                raise
            state, code = found
        now = self._clock()
        asked.job.note("TD0.2", _TEXT.get(state, "Le DMP du patient existe et il est ouvert"))

        def remember(tx: Tx) -> None:
            remember_dmp(tx, asked.job.patient_id, state, code, now)
            if state == "open":
                tx.release(asked.job.patient_id, (PUBLICATION,), (DMP_CLOSED, DMP_ABSENT))

        self._journal.transact(remember)
        return None if state == "open" else NoRecord(state, code)


def doubtful(view: PatientView) -> bool:
    """Somebody said that there is no open record: the DMP itself, or the hospital, which is never believed alone."""
    return view.dmp in _TEXT or (view.dmp == "" and view.dmp_said not in ("", "ACTIF", "ACTIVE"))


def may_ask(view: PatientView, now: datetime) -> bool:
    """At most once a day. `now` is aware."""
    return not view.dmp_asked or now - datetime.fromisoformat(view.dmp_asked) >= ASK_AGAIN


def said_no(refusal: ServerRefusal) -> tuple[No, str] | None:
    """(state, the server's code) when a refusal means that the record is closed or absent, None otherwise."""
    for error in refusal.errors:
        if record := explain(error).record:
            return record, error.code
    return None
