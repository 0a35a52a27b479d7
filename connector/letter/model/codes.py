"""Codes: {code, system, display}, or the bare code where its list or its system is known.

What a list offers is checked against connector.codes in use (the site's newer list counts); the code system of other
fields is fixed (cda-lettre-de-liaison §2.1) and the code's shape checked, not its existence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from connector.base.oid import is_oid
from connector.codes import ValueSet, load
from connector.codes.medicines import ATC, CIP, CIS, UCD
from connector.letter.model.base import Broken, Short, refusal, refusals
from connector.letter.model.text import Line

_SHOWN: Final = re.compile(r"[0-9A-Za-z._/+-]{1,40}")
_UNDOTTED: Final = re.compile(r"[A-Z][0-9]{2}[0-9][0-9+-]*")
_OFFERED: Final = 40


def shown(code: str) -> str:
    """The code as a finding may quote it: short and of a code's characters, else its length only."""
    return code if _SHOWN.fullmatch(code) else f"{len(code)} caractères"


def _token(value: str) -> str:
    if not value or any(character.isspace() for character in value):
        raise refusal("un code ne contient pas d'espace", "un code", "espace ou vide")
    return value


def _oid(value: str) -> str:
    if not is_oid(value):
        raise refusal("l'identifiant n'est pas un OID", "un OID, par exemple 2.16.840.1.113883.6.1", shown(value))
    return value


Token = Annotated[Line, AfterValidator(_token)]
"""A code: text without any blank."""

Oid = Annotated[str, AfterValidator(_oid)]
"""A dotted OID of 64 characters at most."""


class Code(Short):
    """Un code, son système et son libellé ; le code seul suffit quand le champ connaît son système."""

    SHORT = "code"

    code: Token
    """Le code."""
    system: Oid | None = None
    """OID du système de codage ; inutile quand le champ n'en accepte qu'un ou que sa liste le dit."""
    display: Line | None = None
    """Libellé ; celui de la liste est repris quand il est absent."""


class _Checked:
    """What a field knows of its code: completes it, judges it, and tells the schema what is offered."""

    def judge(self, value: Code) -> Code:
        raise NotImplementedError

    def offered(self) -> dict[str, Any]:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.judge, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **self.offered()}


def _dotted(code: str) -> str:
    """CIM-10 as its reference writes it: hospitals leave the dot out (`A009` → `A00.9`)."""
    return f"{code[:3]}.{code[3:]}" if _UNDOTTED.fullmatch(code) else code


class Listed(_Checked):
    """The code must be in the list `name` of connector.codes; its system and label are taken from there if absent.

    A code that the list leaves out is taken when it says its label and that it is of the system `beyond`.
    """

    def __init__(self, name: str, beyond: str = "") -> None:
        self.name = name
        self.beyond = beyond

    def judge(self, value: Code) -> Code:
        known = load(self.name)
        concept = known.get(value.code, value.system)
        if concept is not None:
            return value.model_copy(
                update={"system": concept.system, "display": value.display or concept.display or None}
            )
        if known.note and value.system:
            # A partial list refuses nothing (connector.codes.valueset).
            return value
        if self.beyond and value.system == self.beyond and value.display:
            return value
        if value.code in known:
            told = " ou ".join(sorted({item.system for item in known if item.code == value.code}))
            raise refusal("le système du code n'est pas celui de la liste", told, shown(value.system or ""), "system")
        raise refusal(f"le code n'est pas dans la liste {known.described}", _choices(known), shown(value.code), "code")

    def offered(self) -> dict[str, Any]:
        known = load(self.name)
        told: dict[str, Any] = {"x-value-set": known.id}
        if len(known) <= _OFFERED:
            told["examples"] = [concept.code for concept in known]
            told["x-labels"] = {concept.code: concept.display for concept in known}
        return told


def _choices(known: ValueSet) -> str:
    if len(known) > _OFFERED:
        return f"un code de {known.described}"
    return ", ".join(f"{concept.code} ({concept.display})" for concept in known)


class InSystem(_Checked):
    """The code belongs to one code system and has the shape of its codes; whether it exists is not known here.

    others   other systems the field may name
    labels   list of connector.codes that gives the label of the codes it has
    written  how a code is rewritten before it is judged
    """

    def __init__(
        self,
        label: str,
        system: str,
        form: str,
        expected: str,
        *,
        others: tuple[str, ...] = (),
        labels: str = "",
        written: Callable[[str], str] = str,
    ) -> None:
        self.label = label
        self.system = system
        self.form = re.compile(form)
        self.expected = expected
        self.others = others
        self.labels = labels
        self.written = written

    def judge(self, value: Code) -> Code:
        code, system = self.written(value.code), value.system or self.system
        broken = []
        if value.system is not None and value.system not in (self.system, *self.others):
            broken.append(Broken("system", f"le système du code n'est pas {self.label}", self.system, value.system))
        if self.form.fullmatch(code) is None:
            broken.append(Broken("code", f"le code n'a pas la forme {self.label}", self.expected, shown(value.code)))
        if broken:
            raise refusals(*broken)
        display = value.display or self._label(code, system)
        return value.model_copy(update={"code": code, "system": system, "display": display})

    def _label(self, code: str, system: str) -> str | None:
        """The label of the list, which may be shorter than the system: a code it lacks says its own."""
        if not self.labels:
            return None
        known = load(self.labels)
        concept = known.get(code, system)
        if concept is None:
            expected = f"un code de {known.described}, ou le code avec son libellé (display)"
            raise refusal("le code n'est pas dans la liste et n'a pas de libellé", expected, shown(code), "code")
        return concept.display or None

    def offered(self) -> dict[str, Any]:
        return {"x-code-system": self.system, "x-code-system-name": self.label}


SNOMED: Final = "2.16.840.1.113883.6.96"

TypeCode = Annotated[Code, Listed("J07")]
FacilityType = Annotated[Code, Listed("J02")]
PracticeSetting = Annotated[Code, Listed("J04")]
Specialty = Annotated[Code, Listed("J01")]
FunctionCode = Annotated[Code, Listed("J47")]
ParticipationType = Annotated[Code, Listed("J144")]
EncounterParticipationType = Annotated[Code, Listed("J140")]
EncounterType = Annotated[Code, Listed("J142")]
Relation = Annotated[Code, Listed("J11")]
ModeOfEntry = Annotated[Code, Listed("ModaliteEntree")]
ModeOfExit = Annotated[Code, Listed("ModaliteSortie")]
DocumentStatus = Annotated[Code, Listed("StatutDoc")]
AllergyType = Annotated[Code, Listed("AllergyType")]
AllergyStatus = Annotated[Code, Listed("AllergyStatus")]
Severity = Annotated[Code, Listed("Severity")]
AbsentMedication = Annotated[Code, Listed("AbsentMedication")]
AbsentAllergy = Annotated[Code, Listed("AbsentAllergy")]
ProblemType = Annotated[Code, Listed("ProblemType")]
Priority = Annotated[Code, Listed("ActPriority")]
EncounterPriority = Annotated[Code, Listed("ActPriority", beyond="2.16.840.1.113883.5.7")]
"""The official letter makes an appointment with a code (CS, to be called back) that the list does not have."""

Cis = Annotated[Code, InSystem("CIS", CIS, r"[0-9]{8}", "8 chiffres")]
Cip = Annotated[Code, InSystem("CIP", CIP, r"[0-9]{7}|[0-9]{13}", "7 ou 13 chiffres")]
Ucd = Annotated[Code, InSystem("UCD", UCD, r"[0-9]{7}|[0-9]{13}", "7 ou 13 chiffres")]
Atc = Annotated[
    Code,
    InSystem("ATC", ATC, r"[A-V](?:[0-9]{2}(?:[A-Z](?:[A-Z](?:[0-9]{2})?)?)?)?", "par exemple N05AH02"),
]
Route = Annotated[
    Code,
    InSystem(
        "EDQM (voie d'administration)",
        "0.4.0.127.0.16.1.1.2.1",
        r"[0-9]{8}|[A-Z][A-Z0-9_]{1,30}",
        "8 chiffres, par exemple 20053000 (voie orale)",
        others=("2.16.840.1.113883.5.112",),
        labels="Route",
    ),
]
Ccam = Annotated[
    Code,
    InSystem(
        "CCAM",
        "1.2.250.1.215.300.1",
        r"[A-Z]{4}[0-9]{3,5}",
        "4 lettres et 3 chiffres",
        others=("1.2.250.1.213.2.5",),
    ),
]
Icd10 = Annotated[
    Code,
    InSystem("CIM-10", "2.16.840.1.113883.6.3", r"[A-Z][0-9]{2}[.0-9+-]{0,6}", "par exemple N10", written=_dotted),
]
Emdn = Annotated[Code, InSystem("EMDN", "1.2.250.1.213.2.68", r"[A-Z][0-9]{2,14}", "par exemple J010104")]
Cladimed = Annotated[Code, InSystem("CLADIMED", "1.2.250.1.213.2.65", r"[A-Z][0-9A-Z]{1,9}", "par exemple C50FA05")]
Lpp = Annotated[Code, InSystem("LPP", "1.2.250.1.215.200.2.1", r"[0-9]{7}", "7 chiffres")]
