"""Values of the national identity (hl7v2-interface §2.3, dmp-interface b.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OID_NIR = "1.2.250.1.213.1.4.8"
OID_NIA = "1.2.250.1.213.1.4.9"
OID_NIR_TEST = "1.2.250.1.213.1.4.10"
OID_NIR_DEMO = "1.2.250.1.213.1.4.11"
INS_OIDS = frozenset({OID_NIR, OID_NIA, OID_NIR_TEST, OID_NIR_DEMO})

Environment = Literal["production", "test"]

ALLOWED_OIDS: dict[str, frozenset[str]] = {
    "production": frozenset({OID_NIR, OID_NIA}),
    "test": INS_OIDS,
}
"""INS OIDs accepted per environment; the environment is a setting, never MSH-11 (§2.3 rule 3)."""


@dataclass(frozen=True, slots=True)
class MatriculeIns:
    """A matricule (15 characters, key included) and the OID of its domain.

    `repr` hides the value: a matricule never reaches a log by accident.
    """

    value: str
    oid: str

    def cx(self) -> str:
        """`<INS>^^^&<OID>&ISO^NH`, the French CX of XDS and of the VIHF resource-id."""
        return f"{self.value}^^^&{self.oid}&ISO^NH"

    def __repr__(self) -> str:
        return f"MatriculeIns(<hidden>, oid={self.oid!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Traits:
    """The strict traits; every field is "" when unknown. Dates are `YYYYMMDD`, sex is F, M, O, U or ""."""

    birth_name: str = ""
    first_given: str = ""
    given_names: str = ""
    used_name: str = ""
    used_given: str = ""
    birth_date: str = ""
    sex: str = ""
    birth_place: str = ""

    def missing(self) -> tuple[str, ...]:
        """Names of the strict traits that are empty (§2.3 rule 4)."""
        strict = ("birth_name", "first_given", "birth_date", "sex", "birth_place")
        return tuple(name for name in strict if not getattr(self, name))


@dataclass(frozen=True, slots=True)
class Qualification:
    """Outcome of the decision rule "INS qualifiée": `reasons` is empty exactly when `qualified`."""

    qualified: bool
    ins: MatriculeIns | None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
