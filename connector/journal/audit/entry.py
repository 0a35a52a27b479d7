"""One line of the audit trail: who asked what of whom, for which patient, and what came of it.

The line is kept as canonical JSON: ASCII, no space, a fixed order, nothing for an empty field. It names the
professional and the structure (they answer for the call) but never the patient: the INS is there as a keyed hash only
(dmp-interface g, design rule 9).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from connector.journal.model import JournalError, stamp, unstamp

Kind = Literal["call", "operator", "interrupted", "purge"]
Outcome = Literal["success", "partial", "refused", "failed", "unknown"]


class DamagedLine(JournalError):
    """What is kept as an audit line cannot be read as one: somebody changed it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What one line says. `at` is aware, UTC; every other field is "" (None, ()) where it does not apply.

    kind          'call': one outgoing call; 'operator': an act of a person; 'interrupted': the process died between
                  the start of a sending and its outcome; 'purge': older lines were removed, by rule
    transaction   TD2.1, ITI-45, ZAM^Z01, PSC-userinfo; for an operator the act (replay, settle, audit.export)
    purpose       purposeofuse of the VIHF (normal, bris_de_glace, centre_15)
    name_id       NameID of the VIHF: who answers for the call
    structure     Identifiant_Structure
    ins_hash      keyed hash of the matricule INS (`AuditKey.hash_ins`), never the INS
    message_id    wsa:MessageID of the request, MSH-10 in HL7v2
    relates_to    wsa:RelatesTo of the answer, MSA-2 in HL7v2; of a purge the last line removed, as `<number>:<mac>`
    unique_ids    documents concerned; `set_id` is the submission set's own uniqueId
    destination   address called
    outcome       'success', 'partial' (answered, with errors besides), 'refused' (the far end said no), 'failed' (it
                  is certain that nothing left), 'unknown' (something left, no usable answer)
    code          code of the refusal, cause of the failure (timeout, refused, tls…), "" after a success
    delivery_id   the delivery that made the call
    operator      operating-system user of an operator's act
    reason        why, in the operator's words
    """

    at: datetime
    kind: Kind
    transaction: str
    purpose: str = ""
    name_id: str = ""
    structure: str = ""
    ins_hash: str = ""
    message_id: str = ""
    relates_to: str = ""
    unique_ids: tuple[str, ...] = ()
    set_id: str = ""
    destination: str = ""
    outcome: Outcome | Literal[""] = ""
    code: str = ""
    delivery_id: int | None = None
    operator: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise JournalError("naive datetime given to the audit", field="at", expected="aware datetime")


_OPTIONAL: Final = tuple(field.name for field in fields(AuditEntry) if field.name not in ("at", "kind", "transaction"))


def to_line(number: int, entry: AuditEntry) -> str:
    """Canonical JSON of line `number` (from 1): number, date, kind, transaction, then the fields that say something."""
    values: dict[str, Any] = {"n": number, "at": stamp(entry.at), "kind": entry.kind, "transaction": entry.transaction}
    values |= {name: value for name in _OPTIONAL if (value := getattr(entry, name)) not in ("", (), None)}
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"))


def from_line(line: str) -> tuple[int, AuditEntry]:
    """(number, entry) of a line. Raises DamagedLine."""
    try:
        values = json.loads(line)
        number, at = int(values.pop("n")), unstamp(values.pop("at"))
        values["unique_ids"] = tuple(values.get("unique_ids", ()))
        return number, AuditEntry(at=at, **values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedLine("not an audit line", field="line", cause=type(error).__name__) from error
