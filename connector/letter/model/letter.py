"""The letter: discharge (LDL-SES), admission (LDL-EES), or an unstructured document (level 1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator, model_validator

from connector.letter.model.base import COMPLETED, Broken, Plain, Short, refusal
from connector.letter.model.body import Body
from connector.letter.model.clinical import Allergy, Device, PlanOfCare, Problem, Procedure
from connector.letter.model.codes import SNOMED, Code, DocumentStatus, TypeCode
from connector.letter.model.events import EntryMode, ExitMode, FlagEvent, TextEvent
from connector.letter.model.identifiers import Identifier
from connector.letter.model.languages import is_language
from connector.letter.model.patient import Patient
from connector.letter.model.people import (
    AnyAuthor,
    Informant,
    Organization,
    Participation,
    Professional,
    Signatory,
    UnidentifiedProfessional,
)
from connector.letter.model.stay import ACT_CODE, DocumentedAct, Stay
from connector.letter.model.text import Line, Prose, Version
from connector.letter.model.times import Moment, is_before
from connector.letter.model.treatment import NoAllergy, NoTreatment, Treatment

LOINC = "2.16.840.1.113883.6.1"

DISCHARGE = "11490-0"
"""Type of a discharge letter, whatever its body."""


def _language(value: str) -> str:
    if not is_language(value):
        raise refusal("la langue n'est pas lisible", "une langue et un pays, par exemple fr-FR", "autre chose")
    return value


class Replaced(Short):
    """Le document que celui-ci remplace."""

    SHORT = "id"

    id: Identifier
    """Identifiant du document remplacé."""
    version: Version | None = None
    """Sa version."""


class LetterHeader(Plain):
    """What every document has, whatever its body."""

    KIND_TITLE: ClassVar[str] = ""

    id: Annotated[Identifier, Field(json_schema_extra=COMPLETED)]
    """Identifiant du document : un OID."""
    set_id: Annotated[Identifier, Field(json_schema_extra=COMPLETED)]
    """Identifiant commun à toutes les versions du document."""
    version: Version = 1
    """Numéro de version, à partir de 1."""
    replaces: Replaced | None = None
    """Document remplacé, quand celui-ci en est une nouvelle version."""
    title: Annotated[Line, Field(json_schema_extra=COMPLETED)]
    """Titre ; celui du modèle si absent."""
    effective_time: Annotated[Moment, Field(json_schema_extra=COMPLETED)]
    """Date et heure du document, avec fuseau ; celles de l'enregistrement si absentes."""
    language: Annotated[Line, AfterValidator(_language)] = "fr-FR"
    """Langue."""
    confidentiality: Literal["L", "M", "N", "R", "U", "V"] = "N"
    """Confidentialité : N normal (par défaut), R restreint, V très restreint…"""
    patient: Annotated[Patient, Field(json_schema_extra=COMPLETED)]
    """Le patient ; repris du séjour connu quand il manque."""
    stay: Annotated[Stay, Field(json_schema_extra=COMPLETED)]
    """Le séjour ; repris du séjour connu quand il manque."""
    act: DocumentedAct | None = None
    """Acte documenté, quand ce n'est pas l'hospitalisation elle-même."""
    authors: Annotated[tuple[AnyAuthor, ...], Field(min_length=1, json_schema_extra=COMPLETED)]
    """Auteurs, le principal d'abord."""
    legal_authenticator: Annotated[Signatory, Field(json_schema_extra=COMPLETED)]
    """Responsable légal du document ; rien n'est envoyé sans lui."""
    authenticators: tuple[Signatory, ...] = ()
    """Autres signataires."""
    custodian: Annotated[Organization, Field(json_schema_extra=COMPLETED)]
    """Structure qui conserve le document."""
    primary_physician: UnidentifiedProfessional | None = None
    """Médecin traitant ; aussi destinataire s'il figure dans recipients."""
    recipients: tuple[Professional, ...] = ()
    """Destinataires ; le médecin traitant est mis en premier."""
    participants: tuple[Participation, ...] = ()
    """Autres professionnels liés au document : adresseur, correspondants…"""
    informants: tuple[Informant, ...] = ()
    """Proches : personne à prévenir, personne de confiance…"""
    orders: tuple[Identifier, ...] = ()
    """Identifiants des demandes auxquelles le document répond."""

    @model_validator(mode="before")
    @classmethod
    def _what_goes_without_saying(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        filled = dict(value)
        if cls.KIND_TITLE and filled.get("title") is None:
            filled["title"] = cls.KIND_TITLE
        moment = _told_moment(filled.get("effective_time"))
        for name in ("authors", "authenticators"):
            if isinstance(filled.get(name), list | tuple):
                filled[name] = [_at(item, moment) for item in filled[name]]
        if "legal_authenticator" in filled:
            filled["legal_authenticator"] = _at(filled["legal_authenticator"], moment)
        for event, item in filled.items():
            if isinstance(item, dict) and isinstance(item.get("author"), dict):
                filled[event] = {**item, "author": _at(item["author"], moment)}
        return filled

    @property
    def type_code(self) -> Code:
        """Code of the document (J07)."""
        raise NotImplementedError

    @field_validator("recipients", mode="after")
    @classmethod
    def _unique(cls, value: tuple[Professional, ...]) -> tuple[Professional, ...]:
        if len({person.id for person in value}) < len(value):
            raise refusal("un destinataire figure deux fois", "un destinataire par numéro", "doublon")
        return value

    def ordered_recipients(self) -> tuple[Professional, ...]:
        """Recipients, médecin traitant first, then as given (cda-lettre-de-liaison §1.5)."""
        first = self.primary_physician.id if self.primary_physician else ""
        return tuple(sorted(self.recipients, key=lambda person: not first or person.id != first))

    def main_act(self) -> DocumentedAct:
        """The documented act, complete: the stay itself, done by the legal authenticator, unless `act` says otherwise.

        Its performer's organization always has a practice setting (§1.7).
        """
        act = self.act or DocumentedAct(
            code=Code(code="IMP", system=ACT_CODE, display="Hospitalisation (établissement, y compris HAD)"),
            start=self.stay.admission,
            end=self.stay.discharge,
            performer=_as_professional(self.legal_authenticator),
        )
        performer = act.performer
        organization = performer.organization or Organization(name=self.custodian.name, finess=self.custodian.finess)
        if self.act is None and self.stay.unit:
            organization = Organization(name=self.stay.unit, telecoms=organization.telecoms)
        if self.act is None or organization.practice_setting is None:
            organization = organization.model_copy(update={"practice_setting": self.stay.practice_setting})
        return act.model_copy(update={"performer": performer.model_copy(update={"organization": organization})})

    def broken(self) -> Iterator[Broken]:
        yield from self._broken_custodian()
        yield from self._broken_dates()
        yield from self._broken_setting()
        if self.replaces is not None:
            yield from self._broken_replacement(self.replaces)

    def _broken_custodian(self) -> Iterator[Broken]:
        custodian = self.custodian
        if custodian.finess is None:
            yield Broken("custodian.finess", "la structure de conservation n'a pas de FINESS", "9 caractères", "absent")
        # The schema has room for one of each, and for no setting.
        if custodian.practice_setting is not None:
            text = "le document n'a pas de place pour le cadre d'exercice de la structure de conservation"
            yield Broken("custodian.practice_setting", text, "à retirer ; stay.practice_setting le dit", "présent")
        for name, text in (("addresses", "une seule adresse"), ("telecoms", "une seule coordonnée")):
            if len(given := getattr(custodian, name)) > 1:
                told = f"le document n'a de place que pour {text} de la structure de conservation"
                yield Broken(f"custodian.{name}", told, "1 au plus", str(len(given)))

    def _broken_dates(self) -> Iterator[Broken]:
        """Born before the end of the stay and the letter; a discharge letter is not written before the stay.

        An admission is an administrative act: a child is born after that of its file, and who is dead on arrival, or
        dies in the emergency room before midnight, is registered later.
        """
        born, stay = self.patient.birth_date, self.stay
        if stay.discharge is not None and is_before(stay.discharge, born):
            wanted = "une date égale ou antérieure à stay.discharge"
            yield Broken("patient.birth_date", "la naissance suit la sortie", wanted, "après la sortie")
        elif is_before(self.effective_time, born):
            wanted = "une date égale ou antérieure à effective_time"
            yield Broken("patient.birth_date", "la naissance suit la lettre", wanted, "après la lettre")
        if self.type_code.code == DISCHARGE and is_before(self.effective_time, stay.admission):
            wanted = "une date égale ou postérieure à stay.admission"
            yield Broken("effective_time", "la lettre de sortie précède l'entrée", wanted, "avant l'entrée")

    def _broken_setting(self) -> Iterator[Broken]:
        structure = self.act.performer.organization if self.act else None
        setting = structure.practice_setting if structure else None
        if setting is not None and setting.code != self.stay.practice_setting.code:
            yield Broken(
                "act.performer.organization.practice_setting",
                "le document ne dit qu'un cadre d'exercice, et celui du séjour est autre",
                f"{self.stay.practice_setting.code} ; ou retirer stay.practice_setting, celui de l'acte sera dit",
                setting.code,
            )

    def _broken_replacement(self, former: Replaced) -> Iterator[Broken]:
        if former.id == self.id:
            yield Broken("replaces.id", "le document se remplace lui-même", "l'identifiant d'un autre document", "id")
        if self.version < 2:
            yield Broken("version", "un remplacement est au moins la version 2", "2 ou plus", str(self.version))
        if former.version is not None and former.version >= self.version:
            yield Broken(
                "replaces.version",
                "la version remplacée n'est pas antérieure",
                f"moins de {self.version}",
                str(former.version),
            )


class DischargeLetter(LetterHeader):
    """Lettre de liaison à la sortie d'un établissement de soins (LDL-SES_2022.01)."""

    KIND_TITLE = "Lettre de liaison à la sortie de l'établissement de santé"

    kind: Literal["discharge"]
    """discharge : lettre de sortie."""
    status: DocumentStatus = Field(default_factory=lambda: Code(code="398166005", system=SNOMED, display="réalisé"))
    """Statut : 385651009 en cours, 398166005 réalisé (par défaut), 9571008 approuvé, 29179001 clôturé."""
    reason: Prose
    """Motif de l'hospitalisation."""
    mode_of_entry: EntryMode
    """Modalité d'entrée."""
    mode_of_exit: ExitMode
    """Modalité de sortie."""
    medical_synthesis: TextEvent
    """Synthèse médicale du séjour."""
    adverse_event: TextEvent | None = None
    """Événements indésirables pendant l'hospitalisation."""
    micro_organism_search: FlagEvent
    """Recherche de micro-organismes multi-résistants ou émergents effectuée : oui ou non."""
    micro_organisms_found: TextEvent | None = None
    """Micro-organismes multi-résistants identifiés."""
    transfusion: FlagEvent
    """Transfusion de produits sanguins : oui ou non."""
    transfusion_accident: TextEvent | None = None
    """Accidents transfusionnels."""
    blood_derivatives: FlagEvent
    """Administration de dérivés du sang : oui ou non."""
    blood_derivatives_event: TextEvent | None = None
    """Événement indésirable après administration de dérivés du sang."""
    treatments_stopped: tuple[Treatment, ...] = ()
    """Traitements arrêtés pendant le séjour."""
    treatments_at_discharge: tuple[Treatment, ...] = ()
    """Traitements à la sortie ; à défaut, no_treatment_at_discharge."""
    no_treatment_at_discharge: NoTreatment | None = None
    """À dire quand il n'y a aucun traitement à la sortie : no-known-medications ou no-medication-info."""
    examinations: Prose | None = None
    """Résultats d'examens, et ceux qui sont attendus."""
    plan_of_care: PlanOfCare | None = None
    """Suites à donner."""
    devices: tuple[Device, ...] = ()
    """Dispositifs médicaux."""
    allergies: tuple[Allergy, ...] = ()
    """Allergies identifiées pendant le séjour."""
    no_allergy: NoAllergy | None = None
    """À dire quand aucune allergie n'est connue : no-known-allergies…"""

    @property
    def type_code(self) -> Code:
        return Code(code=DISCHARGE, system=LOINC, display="Lettre de liaison à la sortie d'un établissement de soins")

    def broken(self) -> Iterator[Broken]:
        yield from super().broken()
        if self.stay.discharge is None:
            yield Broken("stay.discharge", "la date de sortie manque", "une date, ou une date et heure", "absent")
        yield from _one_of(self.treatments_at_discharge, self.no_treatment_at_discharge, "treatments_at_discharge")
        yield from _at_most_one(self.allergies, self.no_allergy, "no_allergy")


class AdmissionLetter(LetterHeader):
    """Lettre de liaison à l'entrée en établissement de soins (LDL-EES_2022.01)."""

    KIND_TITLE = "Lettre de liaison à l'entrée en établissement de santé"

    kind: Literal["admission"]
    """admission : lettre d'entrée."""
    reason: Prose
    """Motif d'hospitalisation."""
    treatments_at_admission: tuple[Treatment, ...] = ()
    """Traitements à l'admission ; à défaut, no_treatment_at_admission."""
    no_treatment_at_admission: NoTreatment | None = None
    """À dire quand il n'y a aucun traitement à l'admission."""
    allergies: tuple[Allergy, ...] = ()
    """Allergies et hypersensibilités connues ; à défaut, no_allergy."""
    no_allergy: NoAllergy | None = None
    """À dire quand aucune allergie n'est connue : no-known-allergies, no-allergy-info…"""
    medical_history: tuple[Problem, ...] = ()
    """Antécédents médicaux."""
    surgical_history: tuple[Procedure, ...] = ()
    """Antécédents chirurgicaux."""
    comment: Prose
    """Autres informations."""

    @property
    def type_code(self) -> Code:
        return Code(
            code="18761-7",
            system=LOINC,
            display="Note de transfert (dont lettre de liaison à l'entrée en établissement de soins)",
        )

    def broken(self) -> Iterator[Broken]:
        yield from super().broken()
        yield from _one_of(self.treatments_at_admission, self.no_treatment_at_admission, "treatments_at_admission")
        yield from _one_of(self.allergies, self.no_allergy, "allergies")
        if self.act is not None and (self.act.code is None or self.act.code.code != "IMP"):
            yield Broken("act.code", "l'acte d'une lettre d'entrée est l'hospitalisation", "IMP", "autre code")


class UnstructuredLetter(LetterHeader):
    """Document de niveau 1 : un fichier et son en-tête."""

    kind: Literal["unstructured"]
    """unstructured : un fichier et son en-tête."""
    type: TypeCode
    """Type de document (liste J07), par exemple 11490-0 lettre de liaison à la sortie."""
    body: Annotated[Body, Field(json_schema_extra=COMPLETED)]
    """Le fichier."""

    @property
    def type_code(self) -> Code:
        return self.type


Letter = DischargeLetter | AdmissionLetter | UnstructuredLetter
"""A letter of one of the three kinds."""

LETTER: TypeAdapter[Letter] = TypeAdapter(Annotated[Letter, Field(discriminator="kind")])
"""The validator of the three kinds; use `letter.read`, whose refusals are in French."""


_MOMENT: TypeAdapter[str] = TypeAdapter(Moment)


def _told_moment(value: Any) -> str:
    """The time of the document for those who have none of their own."""
    try:
        return _MOMENT.validate_python(value)
    except ValidationError:
        # The document's own time is refused under its own path: once is enough.
        return "1970-01-01T00:00:00Z"


def _at(person: Any, moment: Any) -> Any:
    return {"time": moment, **person} if isinstance(person, dict) and person.get("time") is None else person


def _as_professional(person: Signatory) -> Professional:
    return Professional(**{name: getattr(person, name) for name in Professional.model_fields})


def _one_of(items: tuple[object, ...], absence: object | None, field: str) -> Iterator[Broken]:
    if not items and absence is None:
        yield Broken(field, "rien n'est dit", f"au moins un élément, ou no_{_singular(field)}", "vide")
    yield from _at_most_one(items, absence, f"no_{_singular(field)}")


def _at_most_one(items: tuple[object, ...], absence: object | None, field: str) -> Iterator[Broken]:
    if items and absence is not None:
        yield Broken(field, "une liste est donnée avec l'annonce de son absence", "l'une ou l'autre", "les deux")


def _singular(field: str) -> str:
    return field.replace("treatments_", "treatment_").replace("allergies", "allergy")
