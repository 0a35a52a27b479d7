"""One item to one checked CDA, or to the reason why not: what a worker process does, again and again.

Everything that may be done twice without harm is done here; what must happen once (the journal's writing) is not.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from connector.cda.checks import check_document
from connector.cda.model import CdaHeader
from connector.flows.document_gate import with_pdf
from connector.flows.letters.config import LettersConfig
from connector.flows.letters.export.model import Failure, Item, Made, Ready, Task, of_faults, refused_data
from connector.flows.letters.making import MadeLetter, make_from_cda, make_from_data
from connector.flows.letters.model import Source
from connector.flows.letters.sources import NamedFile, source_of, source_of_data
from connector.flows.snapshot import Snapshot
from connector.journal import JournalConfig, JournalReader
from connector.kit.config import GateConfig
from connector.kit.judge import Judge
from connector.kit.verdict import STRUCTURE, CdaVerdict
from connector.letter.errors import LetterError
from connector.letter.inputs import Row
from connector.patients.letters import made_of

T = TypeVar("T")

NO_DATA: Final = "aucune donnée pour ce séjour : il attend sa lettre (ou donner un modèle commun, --template)"


@dataclass(frozen=True, slots=True)
class Making:
    """What a worker is told once, at its start.

    journal  where stays and identities are read; nothing is written there
    codes    the site's folder of value sets, None for those of the package
    """

    letters: LettersConfig
    gate: GateConfig
    journal: JournalConfig
    codes: str = ""
    max_document_bytes: int = 10 * 1024 * 1024


@dataclass(slots=True)
class _Clock:
    """Seconds by step, of one letter."""

    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, step: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - began


class Maker:
    """Makes letters in this process, one thread. Raises SettingsError when the kit cannot be used."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._reader = JournalReader(making.journal)
        self._sql = Snapshot(self._reader)
        self._judge = _judge(making.gate)

    def close(self) -> None:
        self._reader.close()

    def make(self, task: Task) -> Made:
        """Never raises for what an item says."""
        clock = _Clock()
        item = task.item
        if item.fault is not None:
            return item.fault
        try:
            source = clock.time("read", lambda: _source(item))
        except LetterError as error:
            return refused_data(error, "lecture")
        try:
            made = clock.time("build", lambda: self._made(source, task.at))
        except LetterError as error:
            return replace(self._refused(error, item), unit=_told_unit(source))
        verdict = clock.time("check", lambda: self.verdict(made.cda, made.header, task.at))
        return _judged(source, made, verdict, clock.seconds)

    def _made(self, source: Source, at: datetime) -> MadeLetter:
        """As the desk would make it, so that the two give one document."""
        letters = self._making.letters
        if source.data is None:
            return make_from_cda(source, self._sql, letters, cap=self._making.max_document_bytes)
        known = made_of(self._sql, source.name)
        return make_from_data(
            source, self._sql, letters, made_at=datetime.fromisoformat(known.made_at) if known else at
        )

    def verdict(self, cda: bytes, header: CdaHeader | None, at: datetime) -> CdaVerdict:
        """What our rules say of a CDA, and the kit where there is one; `header` is its own, if somebody read it.

        at  aware; what the document dates later than that is in the future
        """
        gate = self._making.gate
        if self._judge is not None:
            return with_pdf(self._judge.judge(cda, at), cda, gate)
        found = check_document(cda, header, max_bytes=gate.max_bytes, environment=gate.environment, now=at)
        return with_pdf(CdaVerdict(found, (STRUCTURE,), ""), cda, gate)

    def _refused(self, error: LetterError, item: Item) -> Failure:
        if item.kind == "stay" and set(item.data) <= {"kind"}:
            return replace(refused_data(error), code="(lettre)", reason=NO_DATA, details=())
        if item.columns:
            return of_faults(tuple(map(Row(0, {}, columns=item.columns).told, error.faults)))
        return refused_data(error)


def _source(item: Item) -> Source:
    """Raises LetterError."""
    match item.kind:
        case "row":
            return source_of_data(item.data)
        case "stay":
            return replace(source_of_data(item.data), key=f"stay:{item.stay}", stay=item.stay)
        case _:
            header = NamedFile(*item.header) if item.header is not None else None
            return source_of(NamedFile(item.name, item.content), header)


def _judge(gate: GateConfig) -> Judge | None:
    if gate.folder is None:
        return None
    return Judge(
        gate.folder,
        weight=gate.schematron,
        terminologies=gate.terminologies,
        max_bytes=gate.max_bytes,
        cache=gate.cache,
        environment=gate.environment,
    )


def _judged(source: Source, made: MadeLetter, verdict: CdaVerdict, seconds: Mapping[str, float]) -> Made:
    header = made.header
    unit, kind = _unit(source, made), header.code.code
    blocking = [finding for finding in verdict.findings if finding.blocking]
    if blocking:
        sentences = tuple(f"[{one.rule}] {one.text} ({one.field})" for one in blocking)
        return Failure("contrôle", blocking[0].rule, blocking[0].text, sentences, unit, kind)
    return Ready(
        made.cda,
        made.unique_id,
        _patient(header),
        unit,
        kind,
        stay=source.stay,
        hidden=source.hidden,
        source=source.name if source.data is not None else "",
        source_digest=source.digest if source.data is not None else "",
        verdict=verdict,
        seconds=seconds,
    )


def _patient(header: CdaHeader) -> str:
    """One patient, one word, from which no identifier comes back."""
    ins = header.ins()
    said = f"{ins.oid}^{ins.value}" if ins else "|".join(f"{one.root}^{one.extension}" for one in header.patient_ids)
    return hashlib.sha256(said.encode()).hexdigest()


def _unit(source: Source, made: MadeLetter) -> str:
    """As admissions call it, else the letter; a CDA says the structure its author works in."""
    if made.stay is not None and (made.stay.unit_name or made.stay.unit):
        return made.stay.unit_name or made.stay.unit
    authors = made.header.authors
    own = authors[0].organization if authors else None
    return _told_unit(source) or (own.name if own else "")


def _told_unit(source: Source) -> str:
    stay = source.data.get("stay") if source.data is not None else None
    unit = stay.get("unit") if isinstance(stay, Mapping) else None
    return unit if isinstance(unit, str) else ""
