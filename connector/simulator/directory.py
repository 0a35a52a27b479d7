"""What the simulated national side knows: patients, structures, professionals, authorisations.

Default content: official test identities only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

DmpStatus = Literal["ACTIVE", "CLOSED", "ABSENT"]
INS_TEST = "1.2.250.1.213.1.4.10"


@dataclass(frozen=True, slots=True)
class DomainId:
    """An identifier in a hospital's domain, as CX writes it: value^^^namespace&universal_id&universal_id_type^type."""

    value: str
    namespace: str
    universal_id: str
    universal_id_type: str = "ISO"
    type: str = "PI"


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """One person. Dates are `YYYYMMDD`, `closed_on` `YYYYMMDDHHMMSS` UTC or "".

    `blocked` holds the ids (NameID or structure) the patient has blocked; `doctors` the NameIDs of the médecin
    traitant; the two opposition flags stop the access modes bris_de_glace and centre_15 (dmp-interface b.4);
    `masked_in_emergency` opens masked documents to those two modes (d.2 note 7).
    """

    ins: str
    oid: str
    birth_name: str
    used_name: str
    given: str
    birth_date: str
    sex: str
    birth_place: str = ""
    identifiers: tuple[DomainId, ...] = ()
    dmp: DmpStatus = "ACTIVE"
    closed_on: str = ""
    closing_reason: str = ""
    blocked: tuple[str, ...] = ()
    doctors: tuple[str, ...] = ()
    attached_to_ens: bool = True
    opposed_bris_de_glace: bool = False
    opposed_centre_15: bool = False
    masked_in_emergency: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure by its Struct_IdNat (`1` + FINESS); inactive ones are refused (a.11)."""

    id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Professional:
    """A professional by PS_IdNat and the structures the directory links to that person."""

    id: str
    family: str
    given: str
    structures: tuple[str, ...]
    profession: str = "10"
    speciality: str = "SM26"


@dataclass(frozen=True, slots=True)
class Authorization:
    """Consultation authorisation of `holder` (NameID, or structure) on the record of `ins`."""

    ins: str
    holder: str
    granted_at: datetime


def default_patients() -> tuple[Patient, ...]:
    chu = ("CHU-X", "000897406", "N")
    return (
        Patient(
            "279035121518989",
            INS_TEST,
            "PAT-TROIS",
            "PAT-TROIS",
            "DOMINIQUE",
            "19790328",
            "F",
            "63220",
            identifiers=(DomainId("000003", *chu),),
        ),
        Patient("277076322082910", INS_TEST, "NESSI", "DECOURCY", "RUTH", "19770714", "F", "63220"),
    )


def default_structures() -> tuple[Structure, ...]:
    return (Structure("1120456789", "Organisation-Y"), Structure("1120459876", "labo"))


def default_professionals() -> tuple[Professional, ...]:
    main, laboratory = "1120456789", "1120459876"
    return (
        Professional("801234564895", "THOMAS", "Eric", (main,)),
        Professional("801234567897", "Réault", "Pierre", (main, laboratory)),
        Professional("801234567866", "DIAZ", "Thierry", (laboratory,)),
        Professional("10000023084", "AGNES", "Isabelle", (main,)),
    )


def patient_from_json(data: dict[str, Any]) -> Patient:
    """Patient of `dataclasses.asdict` gone through JSON. Raises TypeError on unknown fields."""
    fields = dict(data)
    fields["identifiers"] = tuple(DomainId(**item) for item in fields.get("identifiers", ()))
    for name in ("blocked", "doctors"):
        fields[name] = tuple(fields.get(name, ()))
    return Patient(**fields)
