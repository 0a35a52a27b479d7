"""The decision rule "INS qualifiée": may this identity be used towards the DMP? (hl7v2-interface §2.3)

Reasons and warnings are short, stable French sentences opened by a code (`INS-STATUT: …`). They never hold a
matricule, a name or a date: they go to the timeline and to the work list as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.ins.matricule import check_matricule
from connector.ins.model import ALLOWED_OIDS, INS_OIDS, Environment, MatriculeIns, Qualification, Traits

QUALIFYING = frozenset({"VALI", "QUAL"})
"""PID-32 codes one of which must be present."""

BLOCKING = frozenset(
    {"PROV", "VIDE", "RECUP", "DOUB", "DESA", "DOUA", "COLV", "CACH", "ANOM", "USUR", "FILI"}
    # The three codes FR Core added to table 0445 after the French extension was written: same nature, same effect.
    | {"INVA", "FICT", "DOUT"}
)
"""PID-32 codes none of which may be present."""

WARNING = frozenset({"DPOT", "COLP", "HOMD", "HOMA", "IDVER", "RECD", "IDRA"})
"""PID-32 codes that call for attention but do not block."""

_TRAIT_NAMES = {
    "birth_name": "nom de naissance",
    "first_given": "premier prénom de naissance",
    "birth_date": "date de naissance",
    "sex": "sexe",
    "birth_place": "code INSEE du lieu de naissance",
}
_SEXES = frozenset({"F", "M", "U"})
_DATE = re.compile(r"[0-9]{8}")
_INSEE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")
_SHORT_CODE = re.compile(r"[A-Z]{1,8}")


def qualify(
    identifiers: Sequence[tuple[str, str, str]],
    reliability: Sequence[str],
    traits: Traits,
    environment: Environment,
    today: date,
) -> Qualification:
    """Apply the five points of the rule.

    identifiers  the INS repetitions of PID-3 as (value, OID, expiry `YYYYMMDD…` or "")
    reliability  the PID-32 repetitions
    environment  a setting: it decides which OIDs are accepted (point 3), never MSH-11
    today        compared with the expiry dates

    `ins` is the one current matricule of an accepted domain and a sound shape, even when another point
    fails: the reader may show it, only `qualified` allows its use. Never raises.
    """
    verdict = _Verdict()
    _judge_reliability(reliability, verdict)
    ins = _current_ins(identifiers, environment, today, verdict)
    _judge_traits(traits, verdict)
    return Qualification(not verdict.reasons, ins, tuple(verdict.reasons), tuple(verdict.warnings))


@dataclass(slots=True)
class _Verdict:
    reasons: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def _judge_reliability(reliability: Iterable[str], verdict: _Verdict) -> None:
    """Point 1: VALI or QUAL, and nothing that contradicts it."""
    codes = list(dict.fromkeys(filter(None, (_clean(code).upper() for code in reliability))))
    if not codes:
        verdict.reasons.append("INS-STATUT: PID-32 est vide")
        return
    for code in codes:
        if code in BLOCKING:
            verdict.reasons.append(f"INS-STATUT: PID-32 = {code}")
        elif code in WARNING:
            verdict.warnings.append(f"INS-STATUT: PID-32 = {code}, à vérifier")
        elif code not in QUALIFYING:
            shown = code if _SHORT_CODE.fullmatch(code) else "illisible"
            verdict.warnings.append(f"INS-STATUT: code PID-32 inconnu ({shown})")
    if not QUALIFYING.intersection(codes) and not BLOCKING.intersection(codes):
        verdict.reasons.append("INS-STATUT: PID-32 ne contient ni VALI ni QUAL")


def _current_ins(
    identifiers: Iterable[tuple[str, str, str]], environment: Environment, today: date, verdict: _Verdict
) -> MatriculeIns | None:
    """Points 2, 3 and 5: exactly one current INS, of an accepted domain, with a sound key."""
    known: list[tuple[MatriculeIns, str]] = []
    for raw_value, raw_oid, expiry in identifiers:
        value, oid = _clean(raw_value), _clean(raw_oid)
        if not value:
            continue
        if oid in INS_OIDS:
            known.append((MatriculeIns(value, oid), _clean(expiry)))
        else:
            verdict.warnings.append(
                "INS-DOMAINE: une répétition INS de PID-3 n'a pas un OID de l'INS, elle est ignorée"
            )
    current = list(dict.fromkeys(ins for ins, expiry in known if not _expired(expiry, today, verdict)))
    if not current:
        expired = "INS-EXPIRE: le matricule INS de PID-3 est expiré (CX-8)"
        verdict.reasons.append(expired if known else "INS-ABSENT: PID-3 ne contient aucun matricule INS")
        return None
    if len(current) > 1:
        verdict.reasons.append("INS-MULTIPLE: PID-3 contient plusieurs matricules INS en cours")
        return None
    ins = current[0]
    if ins.oid not in ALLOWED_OIDS[environment]:
        verdict.reasons.append("INS-DOMAINE: matricule INS de test ou de démonstration en environnement de production")
        return None
    for finding in check_matricule(ins.value):
        if finding.rule == "INS-FORME":
            verdict.reasons.append(f"{finding.rule}: {finding.text}")
            return None
        # Point 5: official test identities exist with a wrong key.
        target = verdict.warnings if environment == "test" else verdict.reasons
        target.append(f"{finding.rule}: {finding.text}")
    return ins


def _expired(expiry: str, today: date, verdict: _Verdict) -> bool:
    """CX-8 is the last day of validity; an unreadable date does not expire anything, but is reported."""
    if not expiry:
        return False
    try:
        return date.fromisoformat(f"{expiry[:4]}-{expiry[4:6]}-{expiry[6:8]}") < today
    except ValueError:
        verdict.warnings.append("INS-EXPIRE: date d'expiration illisible (CX-8), ignorée")
        return False


def _judge_traits(traits: Traits, verdict: _Verdict) -> None:
    """Point 4: the five strict traits exist and have the shape the national service uses."""
    for name, label in _TRAIT_NAMES.items():
        if not _clean(getattr(traits, name)):
            verdict.reasons.append(f"INS-TRAITS: {label} absent")
    birth_date, sex, place = _clean(traits.birth_date), _clean(traits.sex), _clean(traits.birth_place)
    if birth_date and _DATE.fullmatch(birth_date) is None:
        verdict.reasons.append("INS-TRAITS: date de naissance incomplète, 8 chiffres attendus")
    if sex and sex not in _SEXES:
        verdict.reasons.append("INS-TRAITS: sexe hors des valeurs de l'INS (F, M, U)")
    if place and _INSEE.fullmatch(place) is None:
        verdict.warnings.append("INS-TRAITS: code INSEE du lieu de naissance de forme inattendue")


def _clean(value: str) -> str:
    """Trimmed; the HL7 deletion mark `""` counts as nothing."""
    stripped = value.strip()
    return "" if stripped == '""' else stripped
