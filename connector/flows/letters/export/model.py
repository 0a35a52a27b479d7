"""What goes through an export: a source, the letter made of it, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from connector.base.errors import SettingsError
from connector.flows.letters.model import Hidden
from connector.kit.verdict import CdaVerdict
from connector.letter.errors import Fault, LetterError

Kind = Literal["data", "cda", "enclosed", "row", "stay", "unusable"]
"""JSON or YAML; a CDA; a file with its header; a row of a CSV; a stay of the journal; what cannot be read at all."""

State = Literal["begun", "set-aside", "written", "handed", "sent", "held", "refused"]
"""Where a letter stands in the ledger.

begun      in hand: its time is fixed, nothing left yet
set-aside  refused before it was handed over
written    in the folder; in a rehearsal: it would go
handed     accepted by the pipeline, which works on it
sent       in the DMP
held       waits in the pipeline for a reason of its own
refused    ended otherwise in the pipeline: by our rules, by the DMP, or given up
"""

ACCEPTED: tuple[State, ...] = ("written", "handed", "sent", "held")
"""States of a letter that must never be handed over again."""


class OrderRefused(SettingsError):
    """What was asked cannot be done so; in French, as is its `allowed`: who exports letters is no administrator."""


class AlreadyExported(OrderRefused):
    """The folder of the run holds one already, of the same kind: to be gone on with, or left alone."""


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """One letter to be: `ref` is what people read ("lettres/a.yaml", "lettres.csv#12"), `digest` what tells it apart.

    content  bytes of the file; b"" for a row or a stay
    header   name and bytes of the header of an enclosed file
    data     plain data of a row or a stay
    stay     the stay as the journal calls it, for a stay
    columns  path -> column of a row, for the faults told later
    fault    why nothing can be read, for an unusable one
    """

    ref: str
    kind: Kind
    digest: str
    name: str = ""
    content: bytes = b""
    header: tuple[str, bytes] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    stay: str = ""
    fault: Failure | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Task:
    """An item with the time of a letter that does not say its own, aware, UTC: fixed by the ledger for all runs."""

    item: Item
    at: datetime


NOTHING_FOUND: Final = CdaVerdict((), (), "")


@dataclass(frozen=True, slots=True, repr=False)
class Ready:
    """A letter built and checked.

    patient   what keeps the order of one patient's letters; never shown
    stay      the stay it was made for, "" when nothing named one
    hidden    from whom it is hidden
    source    how the journal names what it was made of, with its digest; "" for a CDA
    unit      label of the unit, "" when not known
    type      LOINC code of the document
    verdict   what judged it, and the findings that do not stop it
    seconds   wall clock by step: "read", "build", "check"
    """

    cda: bytes
    document_id: str
    patient: str
    unit: str
    type: str
    stay: str = ""
    hidden: frozenset[Hidden] = frozenset()
    source: str = ""
    source_digest: str = ""
    verdict: CdaVerdict = NOTHING_FOUND
    seconds: Mapping[str, float] = field(default_factory=dict)


Step = Literal["lecture", "modèle", "contrôle", "remise"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a letter goes no further: French, without any value of it.

    code     a field's path, or a rule ("CDA-12", "KIT-…"), or the code of an acknowledgement
    reason   one sentence
    details  every sentence when there are several
    """

    step: Step
    code: str
    reason: str
    details: tuple[str, ...] = ()
    unit: str = ""
    type: str = ""


Made = Ready | Failure


def refused_data(error: LetterError, step: Step = "modèle") -> Failure:
    """The failure of data that are no letter: the first fault says the cause, all of them are kept."""
    return of_faults(error.faults, step)


def of_faults(faults: tuple[Fault, ...], step: Step = "modèle") -> Failure:
    """As `refused_data`, for faults in hand."""
    first = faults[0]
    return Failure(step, first.path, first.text, tuple(fault.sentence for fault in faults))
