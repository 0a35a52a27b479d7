"""What a document must satisfy before it is offered to the DMP: one small rule each, read as a list (design rule 2).

A rule receives a Draft and yields findings; texts are for hospital staff. Two lists: what IHE wants, what France adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connector import codes
from connector.base.errors import CodecError
from connector.base.finding import Finding, Severity
from connector.base.hl7time import parse_ts
from connector.base.oid import is_oid
from connector.cda.model import CdaHeader
from connector.dmp.config import DmpConfig
from connector.dmp.facts import DocumentFacts
from connector.ins.model import MatriculeIns


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A document about to be described: its header, the facts around it, whose it is, and the settings."""

    header: CdaHeader
    facts: DocumentFacts
    ins: MatriculeIns
    config: DmpConfig


Rule = Callable[[Draft], Iterator[Finding]]


def check(draft: Draft) -> tuple[Finding, ...]:
    """Every finding of the profile's rules, in the order of the list."""
    rules = FRENCH_RULES if draft.config.profile == "dmp" else IHE_RULES
    return tuple(finding for rule in rules for finding in rule(draft))


def plain_unique_id(draft: Draft) -> Iterator[Finding]:
    identifier = draft.header.id
    if identifier.extension:
        found = f"{identifier.root}^{identifier.extension}"
        yield _error(
            "DMP-UNIQUEID",
            "ClinicalDocument/id",
            found,
            "un OID complet dans root, sans extension",
            "Le DMP n'accepte pas un identifiant de document en deux parties (root et extension).",
            "dmp-interface a.7 EX_2.1-1130",
        )
    elif not is_oid(identifier.root):
        yield _error(
            "DMP-UNIQUEID",
            "ClinicalDocument/id/@root",
            identifier.root,
            "un OID",
            "L'identifiant du document n'est pas un OID.",
            "dmp-interface a.7 EX_2.1-1130",
        )


def same_patient(draft: Draft) -> Iterator[Finding]:
    inside = draft.header.ins()
    if inside is not None and inside.value != draft.ins.value:
        # A finding is shown and kept: it never holds a matricule.
        yield _error(
            "DMP-PATIENT",
            "recordTarget/patientRole/id",
            "un autre matricule",
            "le matricule du message",
            "Le matricule INS du document n'est pas celui du message.",
            "ihe-rules D-32",
        )


def known_type(draft: Draft) -> Iterator[Finding]:
    code = draft.header.code
    if codes.load("J66").get(code.code, code.system):
        return
    severity: Severity = "warning" if codes.load("J07").get(code.code) else "error"
    yield Finding(
        "DMP-TYPE",
        severity,
        "ClinicalDocument/code",
        code.code,
        "un code de JDV_J66-TypeCode-DMP",
        "Ce type de document ne figure pas dans la liste des types du DMP.",
        reference="dmp-interface a.7 type check",
    )


def deducible_class(draft: Draft) -> Iterator[Finding]:
    code = draft.header.code.code
    if codes.class_code(code) is None:
        yield _error(
            "DMP-CLASS",
            "ClinicalDocument/code",
            code,
            "un type ayant une classe dans ASS_X16 ou ASS_X04",
            "Aucune classe de document n'est associée à ce type.",
            "dmp-gaps §7",
        )


def deducible_format(draft: Draft) -> Iterator[Finding]:
    header = draft.header
    roots = [template.root for template in header.templates]
    if codes.format_code(roots, header.body_media_type) is None:
        yield _error(
            "DMP-FORMAT",
            "ClinicalDocument/templateId",
            ", ".join(roots) or "aucun",
            "un modèle de ASS_A11 ou ASS_A12",
            "Aucun format d'échange n'est associé au modèle de ce document.",
            "dmp-interface c.3",
        )


def an_author(draft: Draft) -> Iterator[Finding]:
    if not draft.header.authors:
        yield _error(
            "DMP-AUTHOR", "author", "absent", "au moins un auteur", "Le document n'a pas d'auteur.", "dmp-interface c.3"
        )


def named_authors(draft: Draft) -> Iterator[Finding]:
    for number, author in enumerate(draft.header.authors, 1):
        for part, value in (("family", author.family), ("given", author.given)):
            if not value.strip():
                yield _error(
                    "RG_2230",
                    f"author[{number}]/assignedAuthor/assignedPerson/name/{part}",
                    "vide",
                    "un nom et un prénom",
                    "Le nom ou le prénom d'un auteur est vide : le DMP rejette le flux.",
                    "dmp-interface a.7 RG_2230",
                )


def legal_authenticator(draft: Draft) -> Iterator[Finding]:
    person = draft.header.legal_authenticator
    if person is None or person.id is None or not person.id.extension:
        yield _error(
            "DMP-LEGAL",
            "legalAuthenticator/assignedEntity/id",
            "absent",
            "un responsable identifié",
            "Le responsable du document n'est pas identifié.",
            "dmp-interface c.3",
        )


def shareable(draft: Draft) -> Iterator[Finding]:
    code = draft.header.confidentiality.code
    if code != "N":
        yield _error(
            "DMP-CONFIDENTIALITY",
            "ClinicalDocument/confidentialityCode",
            code or "absent",
            "N",
            "Un document de confidentialité restreinte ne se partage pas dans le DMP.",
            "dmp-interface c.5",
        )


def masks_together(draft: Draft) -> Iterator[Finding]:
    flags = draft.facts.flags
    if flags.masque_ps and flags.invisible_patient and not draft.config.masked_and_invisible_allowed:
        yield _error(
            "DMP-MASKS",
            "OBX MASQUE_PS, INVISIBLE_PATIENT",
            "Y, Y",
            "une seule des deux restrictions",
            "Un document ne peut pas être à la fois masqué aux professionnels et invisible au patient.",
            "dmp-interface a.7 EX_2.1-1050",
        )


def facility(draft: Draft) -> Iterator[Finding]:
    code = draft.header.facility
    if code is None:
        yield _error(
            "DMP-FACILITY",
            "componentOf/encompassingEncounter/location/healthCareFacility/code",
            "absent",
            "un code de JDV_J61",
            "Le secteur d'activité de l'établissement manque.",
            "dmp-interface c.3",
        )


def practice_setting(draft: Draft) -> Iterator[Finding]:
    events = draft.header.service_events
    if not events or events[0].setting is None:
        yield _error(
            "DMP-SETTING",
            "documentationOf[1]/serviceEvent/performer/…/standardIndustryClassCode",
            "absent",
            "un code de JDV_J04",
            "Le cadre d'exercice de l'acte principal manque.",
            "dmp-interface c.3",
        )


def dates(draft: Draft) -> Iterator[Finding]:
    event = draft.header.service_events[0] if draft.header.service_events else None
    wanted = [("ClinicalDocument/effectiveTime", draft.header.effective_time)]
    wanted.append(("documentationOf[1]/serviceEvent/effectiveTime/low", event.low if event else ""))
    if event is not None and event.high:
        wanted.append(("documentationOf[1]/serviceEvent/effectiveTime/high", event.high))
    moments = []
    for field, value in wanted:
        try:
            moments.append(parse_ts(value))
        except CodecError:
            yield _error(
                "DMP-DATE",
                field,
                value or "absente",
                "une date HL7",
                "Une date du document manque ou ne se lit pas.",
                "dmp-interface c.3",
            )
    if len(moments) == 3 and moments[1] > moments[2]:
        yield _error(
            "D-12",
            wanted[2][0],
            wanted[2][1],
            f"au plus tôt {wanted[1][1]}",
            "L'acte documenté finit avant de commencer.",
            "ihe-rules D-12",
        )


def title_and_language(draft: Draft) -> Iterator[Finding]:
    for field, value in (("title", draft.header.title), ("languageCode", draft.header.language)):
        if not value.strip():
            yield _error(
                "DMP-HEADER",
                f"ClinicalDocument/{field}",
                "vide",
                "une valeur",
                "Le titre ou la langue du document manque.",
                "dmp-interface c.3",
            )


def known_sender(draft: Draft) -> Iterator[Finding]:
    sender = draft.facts.sender
    if sender is None or (sender.person is None and sender.organization is None):
        yield _error(
            "DMP-SENDER",
            "PRT (PRT-4 = SB)",
            "absent",
            "un émetteur de la demande",
            "L'émetteur de la demande manque : il est l'auteur du lot de soumission.",
            "hl7v2-interface §3.5",
        )
        return
    if sender.person is not None and not (sender.person.family.strip() and sender.person.given.strip()):
        yield _error(
            "RG_2230",
            "PRT-5 (PRT-4 = SB)",
            "nom ou prénom vide",
            "un nom et un prénom",
            "Le nom ou le prénom de l'émetteur est vide : le DMP rejette le flux.",
            "dmp-interface a.7 RG_2230",
        )


def content_type(draft: Draft) -> Iterator[Finding]:
    found = draft.facts.patient_class
    if codes.content_type(found) is not None:
        return
    severity: Severity = "warning" if draft.config.default_content_type else "error"
    yield Finding(
        "DMP-CONTENT-TYPE",
        severity,
        "PV1-2",
        found or "absent",
        "E, I, N, O ou R",
        "La classe de patient (PV1-2) ne donne pas le type de contenu du lot.",
        reference="hl7v2-interface §6",
    )


def listed_codes(draft: Draft) -> Iterator[Finding]:
    events = draft.header.service_events
    for name, value_set, code in (
        ("healthCareFacility/code", "J61", draft.header.facility),
        ("standardIndustryClassCode", "J62", events[0].setting if events else None),
    ):
        if code is not None and codes.load(value_set).get(code.code, code.system) is None:
            yield Finding(
                "DMP-CODES",
                "warning",
                name,
                code.code,
                f"un code de JDV_{value_set}",
                "Ce code ne figure pas dans la liste du DMP.",
                reference="dmp-interface c.5",
            )


IHE_RULES: tuple[Rule, ...] = (
    same_patient,
    deducible_class,
    deducible_format,
    an_author,
    facility,
    practice_setting,
    dates,
    title_and_language,
    content_type,
)

FRENCH_RULES: tuple[Rule, ...] = (
    plain_unique_id,
    same_patient,
    known_type,
    deducible_class,
    deducible_format,
    an_author,
    named_authors,
    legal_authenticator,
    shareable,
    masks_together,
    facility,
    practice_setting,
    dates,
    title_and_language,
    known_sender,
    content_type,
    listed_codes,
)


def _error(rule: str, field: str, found: str, expected: str, text: str, reference: str) -> Finding:
    return Finding(rule, "error", field, found, expected, text, code=rule, reference=reference)
