"""Why a document may never leave as it is: said before any wait, so that its creator hears of it at once.

Each refusal carries a code of applicationErrorCondition (900 to 906, hl7v2-interface §5), never an invented DMP code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from connector.base.finding import Finding
from connector.dmp.config import DmpConfig
from connector.dmp.draft import Draft
from connector.dmp.facts import facts_of
from connector.dmp.rules import check
from connector.flows.asked import Asked
from connector.flows.routing_codes import PUBLICATION
from connector.flows.snapshot import Snapshot
from connector.journal import Journal
from connector.patients.state import Sql, load_patient
from connector.patients.versions import load_version, newest

WRONG_VERSION, NOT_ENTITLED, NO_INS, ANOTHER_PATIENT, OTHER = "900", "901", "903", "904", "906"

_BY_RULE = {"EX_2.1-1140": NOT_ENTITLED, "DMP-PATIENT": ANOTHER_PATIENT, "D-32": ANOTHER_PATIENT}
"""Rules whose refusal has a code of its own; every other one is 906."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`text` is French, `findings` what was seen, empty when the text says it all."""

    text: str
    code: str = OTHER
    findings: tuple[Finding, ...] = ()


class CdaVerdict(Protocol):
    """What the CDA gate says of a document, and which suites said it."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def suites(self) -> tuple[str, ...]: ...


class CdaGate(Protocol):
    def judge(self, content: bytes) -> CdaVerdict: ...


class Refusals:
    """Asked at each attempt: what the hospital says meanwhile (an opposition) counts."""

    def __init__(self, journal: Journal, cda: CdaGate, dmp: DmpConfig, *, today: Callable[[], date]) -> None:
        self._journal = journal
        self._today = today
        self._cda = cda
        self._dmp = dmp

    def first(self, asked: Asked) -> Refusal | None:
        """The first reason to refuse for good, None when there is none. Notes on the timeline what was checked."""
        sql = Snapshot(self._journal)
        if asked.deletes:
            return replaced_already(sql, asked) or self._entitled(asked)
        return (
            opposed(sql, asked)
            or wrong_version(sql, asked)
            or self._entitled(asked)
            or self._metadata(asked)
            or self._content(asked)
        )

    def _entitled(self, asked: Asked) -> Refusal | None:
        findings = asked.feeder.check(asked.caller, asked.header)
        for finding in findings:
            if not finding.blocking:
                asked.job.note("structure", finding.text, finding=finding.as_dict())
        return refusal_of(findings)

    def _metadata(self, asked: Asked) -> Refusal | None:
        draft = Draft(asked.header, facts_of(asked.request), asked.ins, self._dmp, self._today())
        findings = check(draft)
        warnings = [finding.as_dict() for finding in findings if not finding.blocking]
        if warnings:
            asked.job.note("règles", f"{len(warnings)} avertissement(s) sur les métadonnées", findings=warnings)
        return refusal_of(findings)

    def _content(self, asked: Asked) -> Refusal | None:
        verdict = self._cda.judge(asked.content)
        blocking = [finding for finding in verdict.findings if finding.blocking]
        others = len(verdict.findings) - len(blocking)
        said = f"{len(blocking)} erreur(s), {others} avertissement(s)" if verdict.findings else "conforme"
        asked.job.note(
            "contrôle du CDA",
            f"Suites passées : {', '.join(verdict.suites)} : {said}",
            suites=list(verdict.suites),
            findings=[finding.as_dict() for finding in verdict.findings[:20]],
        )
        return refusal_of(verdict.findings)


def opposed(sql: Sql, asked: Asked) -> Refusal | None:
    """ZFA-9 = IO, whenever it was said."""
    if load_patient(sql, asked.job.patient_id).feeding == "IO":
        return Refusal("Le patient s'oppose à l'alimentation de son DMP (ZFA-9 = IO)")
    return None


def replaced_already(sql: Sql, asked: Asked) -> Refusal | None:
    """A version that another one replaced is not in force any more: the one that is must be named."""
    known = load_version(sql, asked.unique_id)
    if known is None or known.state != "replaced":
        return None
    return _older(f"Le document à supprimer a été remplacé : la version en vigueur est {known.replaced_by}")


def wrong_version(sql: Sql, asked: Asked) -> Refusal | None:
    """An older version never overwrites a newer one; an id or a number is never used twice (dmp-interface c.7)."""
    own = asked.version("published")
    known = load_version(sql, own.unique_id)
    if known is not None and not asked.job.resumed and (known.state != "rehearsed" or asked.rehearsal):
        return _older("Cet identifiant de document a déjà été publié : une nouvelle version en porte un autre")
    last = newest(sql, own.set_id, rehearsal=asked.rehearsal, besides=_siblings(sql, asked))
    if last is not None and last.unique_id != own.unique_id and last.number:
        if last.number > own.number:
            return _older(
                f"La version {last.number} de ce document est déjà publiée : la {own.number} est trop ancienne"
            )
        if last.number == own.number and own.replaces:
            return _older(f"La version {own.number} de ce document est déjà publiée sous un autre identifiant")
    replaced = load_version(sql, own.replaces) if own.replaces else None
    if replaced is not None and replaced.state == "deleted":
        return _older("Le document à remplacer a été supprimé du DMP")
    followed = replaced is not None and (replaced.state == "replaced" or asked.rehearsal)
    if replaced is not None and followed and replaced.replaced_by not in ("", own.unique_id):
        return _older("Le document à remplacer l'a déjà été par une autre version")
    return None


def _siblings(sql: Sql, asked: Asked) -> tuple[str, ...]:
    """The other documents of the message: the same content at two CDA levels shares one setId (§3.1)."""
    rows = sql.execute(
        "SELECT DISTINCT document_id FROM delivery WHERE message_id = ? AND kind = ? AND document_id <> ?",
        (asked.job.message_id, PUBLICATION, asked.unique_id),
    ).fetchall()
    return tuple(row["document_id"] for row in rows)


def _older(text: str) -> Refusal:
    return Refusal(text, WRONG_VERSION)


def refusal_of(findings: Sequence[Finding]) -> Refusal | None:
    """The refusal that blocking `findings` make, None when nothing blocks."""
    blocking = tuple(finding for finding in findings if finding.blocking)
    if not blocking:
        return None
    code = next((found for f in blocking if (found := _BY_RULE.get(f.rule))), OTHER)
    return Refusal(f"Document refusé avant envoi : {_sentence(blocking)}", code, blocking)


def _sentence(findings: Iterable[Finding]) -> str:
    """The first one in full, the rules of the others: a Z01 and a worklist line have room for no more."""
    first, *rest = findings
    lead = "règle du kit de l'agence : " if first.rule.startswith("KIT-") else ""
    seen = [f"trouvé « {first.found} »"] if first.found else []
    seen += [f"attendu {first.expected}"] if first.expected else []
    where = f"champ {first.field}" + (f" : {', '.join(seen)}" if seen else "")
    text = f"[{first.rule}] {lead}{first.text} ({where})"
    if rest:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in rest))
        text += f" ; et {len(rest)} autre(s) : {rules}"
    return text
