"""A letter completed from what is known: the stay's patient, its dates, the settings of the hospital.

What the file says stays; what it leaves out is filled; what contradicts the stay is a fault, so that a letter never
goes into another patient's record.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connector.ins.model import MatriculeIns, Traits
from connector.letter.errors import Fault, LetterError, fault
from connector.letter.inputs.clock import from_the_future
from connector.letter.plain import letter_of


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """What is known of a letter outside its file; everything may be absent.

    ins, traits     the patient of the stay (traits as HL7 gives them: dates YYYYMMDD, sex F, M, O or U)
    ipp, visit      (OID of the establishment, number)
    admission, discharge  aware times of the stay, in the zone they are to be read in
    unit            label of the unit
    defaults        plain data of the settings, filled where the file is silent: custodian, stay.facility_type,
                    stay.practice_setting, legal_authenticator…
    id, set_id      identifiers made for this letter (OID); set_id is that of the replaced document, if there is one
    time            aware time of the record, for effective_time; it is now, and nothing of a letter is much later
    """

    ins: MatriculeIns | None = None
    traits: Traits = field(default_factory=Traits)
    ipp: tuple[str, str] | None = None
    visit: tuple[str, str] | None = None
    admission: datetime | None = None
    discharge: datetime | None = None
    unit: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    set_id: str = ""
    time: datetime | None = None


def complete(data: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Plain data with what was missing. Raises LetterError with every contradiction, or every date that is ahead of
    `facts.time` (`found` never shows a value).

    The stay's word goes before the settings'. A default person, structure or list is taken whole or not at all.
    """
    patient = _group(data.get("patient"))
    stay = _group(data.get("stay"))
    faults: list[Fault] = []
    if isinstance(patient, dict):
        faults += _against_patient(patient, facts)
    if isinstance(stay, dict):
        faults += _against_stay(stay, facts)
    if faults:
        raise LetterError(faults)
    completed = dict(data)
    # Something that is no group stays as it is: the model says so, with its path.
    if isinstance(patient, dict):
        completed["patient"] = _filled(_with_short_ins(patient), _patient_known(facts))
    if isinstance(stay, dict):
        completed["stay"] = _filled(stay, _stay_known(facts, str(data.get("kind"))))
    known = {"id": facts.id, "set_id": facts.set_id, "effective_time": _iso(facts.time)}
    whole = _filled(completed, {name: value for name, value in known.items() if value})
    whole = _filled(_with_setting_of_act(whole), facts.defaults)
    early = tuple(from_the_future(whole, facts.time)) if facts.time is not None else ()
    if early:
        raise LetterError((*early, *_others(whole, {item.path for item in early})))
    return whole


def _others(data: Mapping[str, Any], told: set[str]) -> Iterator[Fault]:
    """What the model would refuse beside what is told already: a letter's faults are told at once."""
    try:
        letter_of(data)
    except LetterError as refused:
        yield from (item for item in refused.faults if item.path not in told)


def _with_setting_of_act(data: dict[str, Any]) -> dict[str, Any]:
    """The practice setting that an act of its own says is that of the letter, which has but one: before a default."""
    setting = _in(_in(_in(data.get("act"), "performer"), "organization"), "practice_setting")
    if setting is None or not isinstance(data.get("stay"), Mapping):
        return data
    return _filled(data, {"stay": {"practice_setting": setting}})


def _group(value: object) -> object:
    return {} if value is None else value


_BY_FIELD: Final = frozenset({"patient", "stay", "ins", "ipp", "visit_number", "birth_place"})
"""Groups filled field by field. Any other is taken whole: half of one person and half of another is nobody."""


def _filled(data: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with what only `known` has."""
    whole = dict(data)
    for name, value in known.items():
        present = whole.get(name)
        if present is None or present == "":
            whole[name] = value
        elif name in _BY_FIELD and isinstance(present, Mapping) and isinstance(value, Mapping):
            whole[name] = _filled(present, value)
    return whole


def _with_short_ins(patient: dict[str, Any]) -> dict[str, Any]:
    """An INS given as text becomes a group, so that its OID can be filled from the stay."""
    ins = patient.get("ins")
    return {**patient, "ins": {"value": ins}} if isinstance(ins, str) and ins.strip() else patient


_SEXES: Final = {"F": "F", "M": "M", "U": "UN", "O": "UN", "UN": "UN"}


def _patient_known(facts: Facts) -> dict[str, Any]:
    traits = facts.traits
    known: dict[str, Any] = {
        "birth_family": traits.birth_name,
        "birth_given_names": traits.given_names or traits.first_given,
        "first_birth_given": traits.first_given,
        "used_family": traits.used_name,
        "used_given": traits.used_given,
        "sex": _SEXES.get(traits.sex, ""),
        "birth_date": _dashed(traits.birth_date),
    }
    if traits.birth_place:
        known["birth_place"] = {"insee": traits.birth_place}
    if facts.ins is not None:
        known["ins"] = {"value": facts.ins.value, "oid": facts.ins.oid}
    if facts.ipp is not None:
        known["ipp"] = {"root": facts.ipp[0], "extension": facts.ipp[1]}
    return {name: value for name, value in known.items() if value}


def _stay_known(facts: Facts, kind: str) -> dict[str, Any]:
    known: dict[str, Any] = {"admission": _iso(facts.admission), "unit": facts.unit}
    if kind != "admission":
        known["discharge"] = _iso(facts.discharge)
    if facts.visit is not None:
        known["visit_number"] = {"root": facts.visit[0], "extension": facts.visit[1]}
    return {name: value for name, value in known.items() if value}


def _against_patient(patient: Mapping[str, Any], facts: Facts) -> Iterator[Fault]:
    ins, traits = patient.get("ins"), facts.traits
    if facts.ins is not None:
        told = ins if isinstance(ins, str) else _in(ins, "value")
        if _differ(told, facts.ins.value, _compact):
            yield _other("patient.ins.value", "le matricule INS n'est pas celui du patient du séjour")
        if _differ(_in(ins, "oid"), facts.ins.oid, _compact):
            yield _other("patient.ins.oid", "l'OID de l'INS n'est pas celui du patient du séjour")
    if facts.ipp is not None and _differ_identifier(patient.get("ipp"), facts.ipp):
        yield _other("patient.ipp", "l'IPP n'est pas celui du patient du séjour")
    pairs: tuple[tuple[str, object, str, Callable[[str], str], str], ...] = (
        ("birth_family", patient.get("birth_family"), traits.birth_name, _letters, "le nom de naissance"),
        ("first_birth_given", patient.get("first_birth_given"), traits.first_given, _letters, "le premier prénom"),
        ("sex", patient.get("sex"), _SEXES.get(traits.sex, ""), _compact, "le sexe"),
        ("birth_date", patient.get("birth_date"), traits.birth_date, _digits, "la date de naissance"),
        ("birth_place", _place(patient.get("birth_place")), traits.birth_place, _compact, "le lieu de naissance"),
    )
    for name, told, known, form, label in pairs:
        if _differ(told, known, form):
            yield _other(f"patient.{name}", f"{label} n'est pas celui du patient du séjour")
    if _lists_differ(patient.get("birth_given_names"), traits.given_names):
        yield _other("patient.birth_given_names", "la liste des prénoms n'est pas celle du patient du séjour")


def _against_stay(stay: Mapping[str, Any], facts: Facts) -> Iterator[Fault]:
    if facts.visit is not None and _differ_identifier(stay.get("visit_number"), facts.visit):
        yield _other("stay.visit_number", "le numéro de venue n'est pas celui du séjour")
    for name, moment, label in (
        ("admission", facts.admission, "la date d'entrée"),
        ("discharge", facts.discharge, "la date de sortie"),
    ):
        if moment is not None and _another_day(stay.get(name), moment):
            yield _other(f"stay.{name}", f"{label} n'est pas celle du séjour")


def _other(path: str, text: str) -> Fault:
    return fault(path, text, "la valeur connue de l'établissement, ou rien", "autre valeur")


def _in(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _place(value: object) -> object:
    return value if isinstance(value, str) else _in(value, "insee")


def _lists_differ(told: object, known: str) -> bool:
    """True when neither list of given names begins the other: many records keep only the first name."""
    if isinstance(told, list | tuple) and all(isinstance(item, str) for item in told):
        told = " ".join(told)
    if not isinstance(told, str):
        return False
    ours, theirs = _letters(told), _letters(known)
    return not (ours.startswith(theirs) or theirs.startswith(ours))


def _differ(told: object, known: str, form: Callable[[str], str]) -> bool:
    """True when both say something, and not the same. What is no text is left to the model."""
    return isinstance(told, str) and bool(told.strip()) and bool(known) and form(told) != form(known)


def _differ_identifier(told: object, known: tuple[str, str]) -> bool:
    """True for another number under the same root or under none; another root is another domain, no contradiction."""
    if isinstance(told, str):
        root, _, number = told.strip().partition("^")
    else:
        root, number = str(_in(told, "root") or ""), str(_in(told, "extension") or "")
    return root.strip() in ("", known[0]) and bool(number) and number.strip() != known[1]


def _another_day(told: object, known: datetime) -> bool:
    if not isinstance(told, str):
        return False
    try:
        moment = datetime.fromisoformat(told.strip())
    except ValueError:
        return False
    # A day alone is the hospital's day; a time is compared on its own clock.
    here = known.astimezone(moment.tzinfo) if moment.tzinfo else known
    return moment.date() != here.date()


def _compact(value: str) -> str:
    return "".join(value.split()).upper()


def _digits(value: str) -> str:
    return "".join(character for character in value if character.isdigit())


def _letters(value: str) -> str:
    """Letters only: accents, case, hyphens and blanks are no contradiction between two records."""
    flat = unicodedata.normalize("NFD", value.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae"))
    return "".join(character for character in flat.upper() if character.isalpha())


def _dashed(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if len(value) == 8 and value.isdigit() else ""


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")
