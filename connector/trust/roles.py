"""Roles of the VIHF and their second value (dmp-interface b.3, JDV_J65)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.codes import load
from connector.trust.errors import VihfError

PROFESSION = "1.2.250.1.71.1.2.7"
TRAINING = "1.2.250.1.71.1.2.8"
SKILL = "1.2.250.1.71.4.2.5"
PHARMACIST_SECTION = "1.2.250.1.71.4.2.6"
OTHER_PROFESSION = "1.2.250.1.213.1.6.1.140"
CARE_ROLE = "1.2.250.1.213.1.6.1.107"
ACTIVITY_KIND = "1.2.250.1.213.1.6.1.19"
PRODUCER = "1.2.250.1.213.1.1.4.6"

USER_OF_TITLE = "1.2.250.1.213.1.6.1.109"
SOCIAL_PROFESSION = "1.2.250.1.213.1.6.1.4"

FIRST_SYSTEMS = (PROFESSION, TRAINING, USER_OF_TITLE, SOCIAL_PROFESSION, OTHER_PROFESSION, PRODUCER)
"""Code systems of a first role."""

SYSTEM_NAMES = {
    PROFESSION: "G15",
    TRAINING: "G16",
    SKILL: "R01",
    PHARMACIST_SECTION: "G05",
    OTHER_PROFESSION: "R291",
    CARE_ROLE: "R85",
    ACTIVITY_KIND: "R22",
    PRODUCER: "A00",
    USER_OF_TITLE: "R95",
    SOCIAL_PROFESSION: "R94",
}

SECOND_ROLE: dict[tuple[str, str], frozenset[str]] = {
    ("10", PROFESSION): frozenset({SKILL}),
    ("21", PROFESSION): frozenset({PHARMACIST_SECTION}),
    ("99", OTHER_PROFESSION): frozenset({CARE_ROLE, ACTIVITY_KIND}),
}
"""First role -> code systems allowed for its mandatory second one; every other first role stands alone."""


@dataclass(frozen=True, slots=True)
class Role:
    """One role: code, code system OID, name of the code system, label."""

    code: str
    system: str
    system_name: str = ""
    display: str = ""


def role(code: str, system: str) -> Role:
    """The role of JDV_J65 with its labels. Raises VihfError when the set does not have it."""
    concept = load("J65").get(code, system)
    if concept is None:
        raise VihfError(
            "role unknown to the DMP", field="subject:role", found=f"{code}^{system}", expected="a code of JDV_J65"
        )
    return Role(code, system, SYSTEM_NAMES.get(system, ""), concept.display)


def complete(item: Role) -> Role:
    """`item` with the labels it lacks. Raises VihfError when JDV_J65 does not have it."""
    known = role(item.code, item.system)
    return Role(item.code, item.system, item.system_name or known.system_name, item.display or known.display)


AUTOMATE = role("AUTOMATE", PRODUCER)
"""The role of an engine that knows no better (b.3)."""


def check_roles(roles: Sequence[Role]) -> None:
    """Raises VihfError unless `roles` is one known role, with a second one exactly where b.3 wants it."""
    if len(roles) not in (1, 2):
        raise VihfError(
            "the VIHF takes one or two roles", field="subject:role", found=str(len(roles)), expected="1 or 2 values"
        )
    for item in roles:
        role(item.code, item.system)
    first = roles[0]
    if first.system not in FIRST_SYSTEMS:
        raise VihfError(
            "this role completes another one",
            field="subject:role[1]",
            found=f"{first.code}^{first.system}",
            expected="a profession or a producer",
        )
    wanted = SECOND_ROLE.get((first.code, first.system), frozenset())
    found = roles[1].system if len(roles) == 2 else "none"
    if wanted and found not in wanted:
        raise VihfError(
            f"role {first.code} needs a second value",
            field="subject:role[2]",
            found=found,
            expected=f"a code of {' or '.join(sorted(wanted))}",
        )
    if not wanted and len(roles) == 2:
        raise VihfError(
            f"role {first.code} takes no second value", field="subject:role[2]", found=found, expected="none"
        )


def named_roles(codes: Sequence[str]) -> tuple[Role, ...]:
    """The roles of codes as a person writes them: "10", then "SM26"; `code^system` where a code has two systems.

    Raises VihfError like `check_roles`.
    """
    first = [_named(code, FIRST_SYSTEMS) for code in codes[:1]]
    seconds = SECOND_ROLE.get((first[0].code, first[0].system), frozenset()) if first else frozenset()
    # where no second value is wanted, check_roles says so of the one given
    roles = (*first, *(_named(code, sorted(seconds) or SYSTEM_NAMES) for code in codes[1:]))
    check_roles(roles)
    return roles


def _named(written: str, systems: Iterable[str]) -> Role:
    code, _, system = written.partition("^")
    known = load("J65")
    found = next((s for s in ([system] if system else systems) if known.get(code, s) is not None), system)
    return role(code, found)
