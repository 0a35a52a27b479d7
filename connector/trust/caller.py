"""Who calls the DMP, and the rules a caller must meet before an assertion is made (dmp-interface b.2 to b.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from connector.base.hl7time import iso_utc
from connector.codes import load
from connector.trust.errors import VihfError
from connector.trust.roles import Role, check_roles

SECTOR_OID = "1.2.250.1.71.4.2.4"
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far after our own clock a log-on may be dated: another machine wrote it."""

Mode = Literal["INDIRECTE", "INDIRECTE_RENFORCEE"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the source system knows them (b.2, b.6, b.7).

    name_id         PS_IdNat, `<Struct_IdNat>/<internal id>`, or PSC's SubjectNameID
    subject_id      the user's name, or the software's name and model
    structure_id    Struct_IdNat; which one (certificate OU, sending site) is the caller's policy
    sector          code of JDV_J61 ("SA01"), with or without its `^OID`
    roles           one or two values, see roles.py
    authn_context   AuthnContextClassRef, true to the local log-on
    authn_context_decl  AuthnContextDecl, in AIR only
    authn_instant   when the user logged on (aware); None for an automaton: the instant of the call
    secret          connexion secrète (b.5)
    """

    name_id: str
    subject_id: str
    structure_id: str
    sector: str
    roles: tuple[Role, ...]
    mode: Mode = "INDIRECTE"
    authn_context: str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
    authn_context_decl: str = ""
    purpose: str = "normal"
    authn_instant: datetime | None = None
    secret: bool = False

    @property
    def sector_code(self) -> str:
        return self.sector.removesuffix(f"^{SECTOR_OID}")

    def __repr__(self) -> str:
        return f"Caller(structure_id={self.structure_id!r}, mode={self.mode!r}, purpose={self.purpose!r})"


def check_caller(caller: Caller, now: datetime) -> None:
    """Raises VihfError when the rules of b.2 to b.7 forbid this caller."""
    for field, value in (
        ("Subject/NameID", caller.name_id),
        ("subject-id", caller.subject_id),
        ("Identifiant_Structure", caller.structure_id),
        ("AuthnContextClassRef", caller.authn_context),
    ):
        want(bool(value.strip()), field, "empty", "a value")
    want(
        caller.mode in ("INDIRECTE", "INDIRECTE_RENFORCEE"),
        "Authentification_Mode",
        caller.mode,
        "INDIRECTE[_RENFORCEE]",
    )
    want(caller.sector_code in load("J61"), "Secteur_Activite", caller.sector, "a code of JDV_J61")
    want(caller.purpose in load("J38"), "purposeofuse", caller.purpose, "normal, bris_de_glace or centre_15")
    strong = caller.mode == "INDIRECTE_RENFORCEE"
    if not strong:
        want(caller.purpose != "bris_de_glace", "purposeofuse", caller.purpose, "normal or centre_15 in INDIRECTE")
    want(
        bool(caller.authn_context_decl) == strong,
        "AuthnContextDecl",
        caller.authn_context_decl or "none",
        "a value in INDIRECTE_RENFORCEE, none in INDIRECTE",
    )
    check_roles(caller.roles)
    if caller.authn_instant is not None and caller.authn_instant > now + CLOCK_TOLERANCE:
        want(False, "AuthnInstant", iso_utc(caller.authn_instant), f"not after {iso_utc(now)}")


def want(condition: bool, field: str, found: str, expected: str) -> None:
    """Raises VihfError unless `condition`."""
    # `found` may be an identity: it stays in the context, never in the message.
    if not condition:
        raise VihfError(f"the VIHF is refused: {field}", field=field, found=found, expected=expected)
