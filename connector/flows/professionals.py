"""The role of the person who asks: from the site's table, else from the document that person signed (b.3).

A directory is what the volet would have (hl7v2-interface §6); without one, nothing is guessed: whoever cannot be told
speaks as AUTOMATE, and why is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from connector.cda.model import CdaHeader, CdaPerson, Coded
from connector.flows.config import CallerConfig
from connector.hl7.model import Sender
from connector.trust.errors import VihfError
from connector.trust.national import ps_idnat
from connector.trust.roles import (
    AUTOMATE,
    CARE_ROLE,
    FIRST_SYSTEMS,
    OTHER_PROFESSION,
    PROFESSION,
    SECOND_ROLE,
    TRAINING,
    Role,
    check_roles,
    named_roles,
    role,
)

COMPOUND_SYSTEM: Final = "1.2.250.1.213.1.1.4.5"
"""Code system of `G15_10/SM26`: profession, then savoir-faire (doctors) or section of the Ordre (pharmacists)."""

_COMPOUND = re.compile(r"(G15|G16)_([^/]+)(?:/(.+))?")
_PROFESSIONS: Final[Mapping[str, str]] = {"G15": PROFESSION, "G16": TRAINING}


@dataclass(frozen=True, slots=True)
class Roles:
    """What the VIHF will say. `unknown`, French, tells why a professional's role could not be told; "" otherwise."""

    values: tuple[Role, ...]
    unknown: str = ""


def roles_of(config: CallerConfig, sender: Sender | None, header: CdaHeader) -> Roles:
    """The roles of the person of Send by, AUTOMATE when `caller.role` says so or nothing better is known."""
    if config.role == "automate":
        return Roles((AUTOMATE,))
    person = ps_idnat(sender.person.id) if sender is not None and sender.person is not None else ""
    if not person:
        return _automate("l'émetteur de la demande n'est pas une personne identifiée")
    codes = next((codes for known, codes in config.professionals.items() if ps_idnat(known) == person), None)
    if codes is not None:
        return _checked(lambda: named_roles(codes))
    written = _written(person, header)
    if written is None:
        return _automate("l'émetteur n'est ni dans la table des professionnels ni parmi les signataires du document")
    return _checked(lambda: read_role(written))


def read_role(code: Coded) -> tuple[Role, ...]:
    """One or two roles of the code of an author in a CDA (JDV_J01). Raises VihfError when they are no role of the VIHF.

    Only the second value the VIHF wants is kept: a nurse's or a dentist's speciality has no place there.
    """
    compound = _COMPOUND.fullmatch(code.code) if code.system == COMPOUND_SYSTEM else None
    if compound is not None:
        kind, profession, second = compound.groups()
        first = role(profession, _PROFESSIONS[kind])
        wanted = SECOND_ROLE.get((first.code, first.system), frozenset())
        values: tuple[Role, ...] = (first, *(role(second, system) for system in wanted if second))
    elif code.system == CARE_ROLE:
        values = (role("99", OTHER_PROFESSION), role(code.code, CARE_ROLE))
    elif code.system in FIRST_SYSTEMS:
        values = (role(code.code, code.system),)
    else:
        raise VihfError("no role of the VIHF", field="author/code", found=code.code, expected="a code of JDV_J01")
    check_roles(values)
    return values


def _written(person: str, header: CdaHeader) -> Coded | None:
    """The code the document gives this person, as author or as legal authenticator."""
    signers: list[CdaPerson] = [*header.authors]
    if header.legal_authenticator is not None:
        signers.append(header.legal_authenticator)
    for signer in signers:
        if signer.code is not None and signer.id is not None and ps_idnat(signer.id.extension) == person:
            return signer.code
    return None


def _checked(read: Callable[[], tuple[Role, ...]]) -> Roles:
    try:
        return Roles(read())
    except VihfError as error:
        missing = str(error.context.get("field", "")) == "subject:role[2]"
        return _automate(
            "il manque la seconde valeur du rôle" if missing else "le code du rôle n'est pas de ceux du DMP"
        )


def _automate(why: str) -> Roles:
    return Roles((AUTOMATE,), why)
