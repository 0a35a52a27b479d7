"""An export that hands nothing over: what the door would answer, and which gate would make the letter wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from connector.cda.header import read_header
from connector.flows.config import IntakeConfig, PublicationConfig
from connector.flows.document_check import check_document
from connector.flows.letters.desk import LetterDesk
from connector.flows.letters.export.known import known
from connector.flows.letters.export.ledger import Ledger
from connector.flows.letters.export.model import Failure, Ready
from connector.flows.letters.export.targets import Letter, Room, Taken
from connector.flows.letters.model import LetterReceipt, Source
from connector.flows.routing_codes import BLOCKED, CONSENT_UNKNOWN, FEEDING_OFF, NOT_QUALIFIED
from connector.flows.snapshot import Snapshot
from connector.ins.model import MatriculeIns
from connector.journal import JournalReader
from connector.letter.errors import LetterError
from connector.patients.state import load_patient

OPPOSED: Final = "le patient s'oppose à l'alimentation de son DMP (ZFA-9 = IO)"
_KNOWN: Final = "déjà remise au connecteur"
_UNKNOWN: Final = "information et non-opposition du patient non recueillies (ZFA-9)"


class RehearsalTarget:
    """Reads the journal, writes nothing. `today` is the hospital's day."""

    def __init__(
        self,
        journal: JournalReader,
        desk: LetterDesk,
        intake: IntakeConfig,
        publication: PublicationConfig,
        today: Callable[[], date],
    ) -> None:
        self._journal = journal
        self._desk = desk
        self._intake = intake
        self._publication = publication
        self._today = today

    def room(self) -> Room:
        return 1_000

    def put(self, letters: Sequence[Letter]) -> Sequence[Taken | Failure]:
        return [self._one(letter.ready) for letter in letters]

    def settle(self, ledger: Ledger, *, last: bool) -> bool:
        return True

    def _one(self, ready: Ready) -> Taken | Failure:
        before = known(self._journal, ready)
        if before != "new":
            return Taken("sent", code="known", reason=_KNOWN) if before == "same" else before
        try:
            prepared = self._desk.prepare(Source(cda=ready.cda, stay=ready.stay, hidden=ready.hidden))
        except LetterError as error:
            return _failed(ready, error.faults[0].path, error.faults[0].text)
        if isinstance(prepared, LetterReceipt):
            if prepared.accepted:
                return Taken("sent", code="known", reason=_KNOWN)
            # its past forbids it: replaced, deleted, closed by a person
            return _failed(ready, prepared.findings[0].path, prepared.findings[0].text)
        code, errors = check_document(prepared.message, self._intake, today=self._today())
        if errors:
            return _failed(ready, errors[0].app_code or errors[0].code, errors[0].app_text or errors[0].text)
        assert code == "AA"
        return self._gates(ready)

    def _gates(self, ready: Ready) -> Taken | Failure:
        """The waits that can be told from what the hospital has said; the identity server and the DMP are not asked."""
        if self._publication.mode == "off":
            return Taken("held", code=FEEDING_OFF, reason="alimentation du DMP arrêtée par réglage")
        view = load_patient(Snapshot(self._journal), self._patient(read_header(ready.cda).ins()))
        if view.blocked:
            return Taken("held", code=BLOCKED, reason=view.blocked)
        if view.feeding == "IO":
            return _failed(ready, "ZFA-9", OPPOSED)
        if view.known_identity and not view.qualified:
            return Taken("held", code=NOT_QUALIFIED, reason="INS non qualifié d'après la dernière identité reçue")
        if view.feeding != "INO" and self._publication.consent_unknown == "hold":
            return Taken("held", code=CONSENT_UNKNOWN, reason=_UNKNOWN)
        return Taken("written")

    def _patient(self, ins: MatriculeIns | None) -> int:
        """0, whom nobody knows, when no or two patients have this INS."""
        if ins is None:
            return 0
        rows = self._journal.query(
            "SELECT patient_id FROM patient_state WHERE ins = ? AND ins_oid = ? LIMIT 2", (ins.value, ins.oid)
        )
        return int(rows[0]["patient_id"]) if len(rows) == 1 else 0


def _failed(ready: Ready, code: str, reason: str) -> Failure:
    return Failure("remise", code, reason, unit=ready.unit, type=ready.type)
