"""Identifiers: documents and stays (root and extension), the INS, professionals, structures.

Shapes: cda-lettre-de-liaison §1.1 and §1.2, dmp-interface c.4. The key of an RPPS or of a FINESS is not computed here:
official test professionals have none (connector.cda.checks tells).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from connector.ins.matricule import check_matricule
from connector.ins.model import OID_NIA, OID_NIR, MatriculeIns
from connector.letter.model.base import COMPLETED, Broken, Short, refusal
from connector.letter.model.codes import Oid
from connector.letter.model.text import Line

PERSON_ROOT: Final = "1.2.250.1.71.4.2.1"
"""OID of the national identifiers of professionals (PS_IdNat)."""

STRUCTURE_ROOT: Final = "1.2.250.1.71.4.2.2"
"""OID of the national identifiers of structures (Struct_IdNat)."""

_RPPS = re.compile(r"8?([0-9]{11})")
_FINESS = re.compile(r"1?([0-9][0-9AB][0-9]{7})")
_OTHER = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,63}")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*|[A-Za-z][A-Za-z0-9-]*|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_INSEE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")


def _rpps(value: object) -> object:
    match = _RPPS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (len(match[0]) == 12 and match[0][0] != "8"):
        raise refusal("le numéro RPPS n'a pas la forme attendue", "11 chiffres entre guillemets", "autre chose")
    return match[1]


def _finess(value: object) -> object:
    match = _FINESS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise refusal("le numéro FINESS n'a pas la forme attendue", "9 caractères entre guillemets", "autre chose")
    return match[1]


def _other(value: str) -> str:
    if _OTHER.fullmatch(value) is None:
        raise refusal("l'identifiant n'est pas lisible", "64 lettres, chiffres ou . / _ - au plus", "autre chose")
    return value


def _uid(value: str) -> str:
    if len(value) > 64 or _UID.fullmatch(value) is None:
        raise refusal("le domaine de l'identifiant n'est pas lisible", "un OID ou un UUID", "autre chose")
    return value


def _insee(value: object) -> object:
    if not isinstance(value, str) or _INSEE.fullmatch(value.strip()) is None:
        raise refusal("le code INSEE du lieu n'a pas la forme attendue", "5 caractères, par exemple 51215 ou 2A004")
    return value.strip()


Rpps = Annotated[str, BeforeValidator(_rpps)]
"""11 digits; the national form (8 then the RPPS) is accepted and loses its 8."""

Finess = Annotated[str, BeforeValidator(_finess)]
"""9 characters; the national form (1 then the FINESS) is accepted and loses its 1."""

OtherId = Annotated[str, AfterValidator(_other)]
"""A national identifier of another kind, prefix included (dmp-interface c.4): `3<FINESS>/<interne>`, `2<SIREN>`…"""

Uid = Annotated[str, AfterValidator(_uid)]
"""Root of an identifier that may not be an OID (devices)."""

Insee = Annotated[str, BeforeValidator(_insee)]
"""Code of a commune or of a country (COG), 5 characters; whether it exists is not known here."""


class _Rooted(Short):
    """May be given as text: `root`, or `root^extension`."""

    SHORT = "root"

    @classmethod
    def _spelled(cls, value: Any) -> dict[str, Any]:
        root, mark, extension = value.strip().partition("^")
        return {"root": root, "extension": extension} if mark else {"root": root}


class Identifier(_Rooted):
    """Un identifiant : un OID, seul ou suivi d'une extension (texte `OID` ou `OID^extension` accepté)."""

    root: Oid
    """OID."""
    extension: Line | None = None
    """Numéro dans ce domaine, s'il y en a un."""


class DeviceIdentifier(_Rooted):
    """Identifiant d'un dispositif ou de sa fourniture."""

    root: Uid
    """Domaine : un OID ou un UUID."""
    extension: Line | None = None
    """Numéro dans ce domaine."""


InsOid = Literal[
    "1.2.250.1.213.1.4.8",
    "1.2.250.1.213.1.4.9",
    "1.2.250.1.213.1.4.10",
    "1.2.250.1.213.1.4.11",
]


class Ins(Short):
    """Le matricule INS et l'OID de son domaine."""

    SHORT = "value"

    value: Line
    """Les 15 caractères du matricule, clé comprise."""
    oid: Annotated[InsOid, Field(json_schema_extra=COMPLETED)] = "1.2.250.1.213.1.4.8"
    """OID du domaine : .8 INS-NIR, .9 INS-NIA, .10 INS-NIR de test, .11 de démonstration."""

    def broken(self) -> Iterator[Broken]:
        for finding in check_matricule(self.value):
            # Official test identities exist with a wrong key (hl7v2-interface §2.3 point 5).
            if finding.rule == "INS-FORME" or self.oid in (OID_NIR, OID_NIA):
                yield Broken("value", finding.text, finding.expected, finding.found)

    @property
    def matricule(self) -> MatriculeIns:
        return MatriculeIns(self.value, self.oid)
