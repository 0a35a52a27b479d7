"""Questions and answers of the PIX room, the same for v2 and v3 (ihe-rules D.7, hl7v2-interface §2.7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from connector.base.errors import ServerError
from connector.ins.model import INS_OIDS


class Case(Enum):
    """The six answers of ITI-9; everything else is a refusal or a failure."""

    FOUND = "found"
    NO_CROSS_REFERENCE = "no-cross-reference"
    UNKNOWN_ID = "unknown-id"
    UNKNOWN_QUERY_DOMAIN = "unknown-query-domain"
    UNKNOWN_WANTED_DOMAIN = "unknown-wanted-domain"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class Domain:
    """An assigning authority as the hospital writes it: `CHU-X&000897406&N`, or `&1.2.250.1.213.1.4.10&ISO`.

    `oid` is the universal id, whatever its type: a local one need not be an OID.
    """

    namespace: str = ""
    oid: str = ""
    type: str = ""

    def same_as(self, other: Domain) -> bool:
        """True when both name one authority: by universal id when both have one, else by namespace."""
        if self.oid and other.oid:
            return self.oid == other.oid
        return bool(self.namespace) and self.namespace == other.namespace


@dataclass(frozen=True, slots=True, repr=False)
class CrossReference:
    """One identifier of the patient; `type` is CX-5 (PI, INS…), "" in v3, `universal_type` is CX-4.3 (ISO, N…)."""

    domain_oid: str
    namespace: str
    value: str
    type: str = ""
    universal_type: str = ""

    @property
    def domain(self) -> Domain:
        return Domain(self.namespace, self.domain_oid, self.universal_type)

    def __repr__(self) -> str:
        return f"CrossReference(<hidden>, domain={self.domain_oid or self.namespace!r})"


@dataclass(frozen=True, slots=True)
class PixAnswer:
    """`identifiers` is empty but for FOUND and SEVERAL, and never holds the identifier asked about.

    SEVERAL: some domain has more than one. The identity server does not choose, so a consumer takes all of them or
    none (§2.7 case 6). `errors` keeps the server's words for the three UNKNOWN cases.
    """

    case: Case
    identifiers: tuple[CrossReference, ...] = ()
    errors: tuple[ServerError, ...] = ()


def ins_of(answer: PixAnswer) -> str:
    """The matricule INS of the answer, "" when it has none or several."""
    found = {identifier.value for identifier in answer.identifiers if identifier.domain_oid in INS_OIDS}
    return found.pop() if len(found) == 1 else ""


def answer_of(identifiers: Iterable[CrossReference], asked: CrossReference) -> PixAnswer:
    """FOUND, SEVERAL or NO_CROSS_REFERENCE: doubles and the identifier asked about are dropped first."""
    kept: list[CrossReference] = []
    per_domain: defaultdict[str, set[str]] = defaultdict(set)
    for found in identifiers:
        if found.value == asked.value and found.domain.same_as(asked.domain):
            continue
        key = found.domain_oid or found.namespace
        if found.value not in per_domain[key]:
            per_domain[key].add(found.value)
            kept.append(found)
    if not kept:
        return PixAnswer(Case.NO_CROSS_REFERENCE)
    several = any(len(values) > 1 for values in per_domain.values())
    return PixAnswer(Case.SEVERAL if several else Case.FOUND, tuple(kept))
