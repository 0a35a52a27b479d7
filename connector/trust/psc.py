"""A professional's session, from Pro Santé Connect's userinfo (dmp-interface b.9), and the Caller it gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.base.hl7time import iso_utc
from connector.codes import load
from connector.trust.errors import SessionError
from connector.trust.roles import (
    ACTIVITY_KIND,
    CARE_ROLE,
    FIRST_SYSTEMS,
    PHARMACIST_SECTION,
    SECOND_ROLE,
    SKILL,
    TRAINING,
    Role,
    role,
)
from connector.trust.vihf import Caller

AUTHN_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"
AUTHN_CONTEXT_DECL = "APP_BROWSER_AUTH"
STUDENT = "E"
"""codeCategorieProfessionnelle of someone in training."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One place of work: every national id the structure goes by, its name, its sector, and the codes of the roles.

    `second_codes` gives, per code system, the code that completes the profession: savoir-faire, section, role.
    """

    structure_ids: tuple[str, ...]
    structure_name: str
    sector: str
    profession: str
    category: str
    second_codes: tuple[tuple[str, str], ...]

    def roles(self) -> tuple[Role, ...]:
        """One or two roles of JDV_J65. Raises VihfError when the profession is not in it."""
        first = _first_role(self.profession, self.category)
        wanted = SECOND_ROLE.get((first.code, first.system), frozenset())
        second = next(((code, system) for system, code in self.second_codes if code and system in wanted), None)
        return (first,) if second is None else (first, role(*second))


@dataclass(frozen=True, slots=True, repr=False)
class ProfessionalSession:
    """A logged-on professional. Times are aware; the session is over at `expires_at`.

    `structure` is the one whose activity is taken when a call names none; "" leaves it to the only activity.
    """

    name_id: str
    family: str
    given: str
    activities: tuple[Activity, ...]
    authenticated_at: datetime
    expires_at: datetime
    structure: str = ""

    def activity(self, structure_id: str = "") -> Activity:
        """The activity in `structure_id`, or the only one when "". Raises SessionError when there is none."""
        found = [a for a in self.activities if not structure_id or structure_id in a.structure_ids]
        if len(found) == 1 or (found and structure_id):
            return found[0]
        raise SessionError(
            "aucune activité de ce professionnel ne correspond à la structure",
            field="SubjectRefPro.exercices[].activities[].ancienIdentifiantDeLaStructure",
            found=", ".join(identifier for a in self.activities for identifier in a.structure_ids) or "none",
            expected=structure_id or "one activity only, or the structure named",
        )

    def caller(
        self,
        *,
        now: datetime | None = None,
        structure_id: str = "",
        purpose: str = "normal",
        secret: bool = False,
        authn_context: str = AUTHN_CONTEXT,
        authn_context_decl: str = AUTHN_CONTEXT_DECL,
    ) -> Caller:
        """Who calls, in AIR mode. Raises SessionError when the session is over at `now` or has no such activity.

        Without `now` the session's end is the caller's affair.
        """
        if now is not None and now >= self.expires_at:
            raise SessionError(
                "la session Pro Santé Connect est terminée : le professionnel doit se reconnecter",
                field="session",
                found=f"over at {iso_utc(self.expires_at)}",
                expected=f"valid at {iso_utc(now)}",
            )
        wanted = structure_id or self.structure
        activity = self.activity(wanted)
        return Caller(
            name_id=self.name_id,
            subject_id=f"{self.given} {self.family}".strip(),
            structure_id=wanted or activity.structure_ids[0],
            sector=activity.sector,
            roles=activity.roles(),
            mode="INDIRECTE_RENFORCEE",
            authn_context=authn_context,
            authn_context_decl=authn_context_decl,
            purpose=purpose,
            authn_instant=self.authenticated_at,
            secret=secret,
        )


def session_from_userinfo(
    userinfo: Mapping[str, Any], *, authenticated_at: datetime, expires_at: datetime, structure: str = ""
) -> ProfessionalSession:
    """The session of a userinfo answer. Raises SessionError (`field`, `found`, `expected`) when a part is missing."""
    name_id = _text(userinfo, "SubjectNameID")
    if not name_id:
        raise _missing("SubjectNameID", "the national identifier")
    practices = list(_records(_reference(userinfo), "exercices"))
    activities = tuple(a for practice in practices for a in _activities(practice))
    if not activities:
        raise _missing("SubjectRefPro.exercices[].activities[]", "one activity in a known structure")
    named = next((p for p in practices if _text(p, "nomDexercice")), {})
    return ProfessionalSession(
        name_id=name_id,
        family=_text(named, "nomDexercice") or _text(userinfo, "family_name"),
        given=_text(named, "prenomDexercice") or _text(userinfo, "given_name"),
        activities=activities,
        authenticated_at=authenticated_at,
        expires_at=expires_at,
        structure=structure,
    )


def _reference(userinfo: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = userinfo.get("SubjectRefPro")
    if isinstance(reference, str):
        # Some relays of Pro Santé Connect pass the object as JSON text.
        try:
            reference = json.loads(reference)
        except (ValueError, RecursionError) as error:
            raise _missing("SubjectRefPro", "a JSON object") from error
    if not isinstance(reference, Mapping):
        raise _missing("SubjectRefPro", "the professional's directory record")
    return reference


def _activities(practice: Mapping[str, Any]) -> Iterator[Activity]:
    for item in _records(practice, "activities"):
        finess = [_text(item, name) for name in ("numeroFinessSite", "numeroFinessetablissementJuridique")]
        candidates = [_text(item, "ancienIdentifiantDeLaStructure"), *(f"1{number}" for number in finess if number)]
        identifiers = tuple(dict.fromkeys(identifier for identifier in candidates if identifier))
        if identifiers:
            yield Activity(
                structure_ids=identifiers,
                structure_name=_text(item, "raisonSocialeSite"),
                sector=_text(item, "codeSecteurDactivite"),
                profession=_text(practice, "codeProfession"),
                category=_text(practice, "codeCategorieProfessionnelle"),
                second_codes=(
                    (SKILL, _text(practice, "codeSavoirFaire")),
                    (PHARMACIST_SECTION, _text(item, "codeSectionPharmacien")),
                    (CARE_ROLE, _text(item, "codeRole")),
                    (ACTIVITY_KIND, _text(item, "codeGenreActivite")),
                ),
            )


def _first_role(profession: str, category: str) -> Role:
    """The profession in the code system of JDV_J65 that has it; G16 is for those in training, and only for them."""
    roles = load("J65")
    systems = [system for system in FIRST_SYSTEMS if (system == TRAINING) == (category == STUDENT)]
    system = next((s for s in systems if roles.get(profession, s) is not None), systems[0])
    return role(profession, system)


def _records(parent: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    items = parent.get(name)
    return (item for item in items if isinstance(item, Mapping)) if isinstance(items, list) else iter(())


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _missing(field: str, expected: str) -> SessionError:
    return SessionError(f"userinfo incomplet : {field}", field=field, found="missing", expected=expected)
