"""Rules on codes: each is in the list the DMP uses, by code and by system (dmp-interface c.5, ihe-rules D-42).

What the DMP's list lacks but the CI-SIS one has leaves with a warning: the two are revised on different days.
A finding names the list, its version and its date: the list may be what is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector import codes
from connector.base.finding import Finding
from connector.cda.model import Coded
from connector.codes import Concept
from connector.dmp.draft import Draft, error, warning

N_SYSTEM = "2.16.840.1.113883.5.25"


def known_type(draft: Draft) -> Iterator[Finding]:
    text = "Ce type de document ne figure pas dans la liste des types du DMP."
    yield from _listed("DMP-TYPE", "ClinicalDocument/code", draft.header.code, ("J66", "J07"), text)


def deducible_class(draft: Draft) -> Iterator[Finding]:
    code = draft.header.code.code
    found = codes.class_code(code)
    if found is None:
        tables = " ou ".join(codes.load_association(name).described for name in ("X16", "X04"))
        yield error(
            "DMP-CLASS",
            "ClinicalDocument/code",
            code,
            f"un type ayant une classe dans {tables}",
            "Aucune classe de document n'est associée à ce type : demander laquelle, puis charger l'association.",
            "dmp-gaps §7",
        )
    elif draft.config.profile == "dmp":
        text = "La classe associée à ce type de document ne figure pas dans la liste du DMP."
        yield from _listed("DMP-CLASS", "ClinicalDocument/code", _coded(found), ("J57", "J06"), text)


def deducible_format(draft: Draft) -> Iterator[Finding]:
    header = draft.header
    roots = [template.root for template in header.templates]
    found = codes.format_code(roots, header.body_media_type)
    if found is None:
        tables = " ou ".join(codes.load_association(name).described for name in ("A11", "A12"))
        yield error(
            "DMP-FORMAT",
            "ClinicalDocument/templateId",
            ", ".join([*roots, header.body_media_type]).strip(", ") or "aucun",
            f"un modèle de {tables}",
            "Aucun format d'échange n'est associé au modèle de ce document.",
            "dmp-interface c.3",
        )
    elif draft.config.profile == "dmp":
        text = "Le format d'échange associé à ce modèle ne figure pas dans la liste du DMP."
        yield from _listed("DMP-FORMAT", "ClinicalDocument/templateId", _coded(found), ("J60", "J10"), text)


def facility(draft: Draft) -> Iterator[Finding]:
    field = "componentOf/encompassingEncounter/location/healthCareFacility/code"
    yield from _required(draft, "DMP-FACILITY", field, draft.header.facility, ("J61", "J02"), "secteur d'activité")


def practice_setting(draft: Draft) -> Iterator[Finding]:
    field = "documentationOf[1]/serviceEvent/performer/…/standardIndustryClassCode"
    events = draft.header.service_events
    setting = events[0].setting if events else None
    yield from _required(draft, "DMP-SETTING", field, setting, ("J62", "J04"), "cadre d'exercice de l'acte principal")


def specialties(draft: Draft) -> Iterator[Finding]:
    for number, author in enumerate(draft.header.authors, 1):
        if author.code is not None:
            field = f"author[{number}]/assignedAuthor/code"
            text = "La profession ou spécialité de l'auteur ne figure pas dans la liste du DMP."
            yield from _listed("DMP-SPECIALTY", field, author.code, ("J56", "J01"), text)


def roles(draft: Draft) -> Iterator[Finding]:
    known = codes.load("J47")
    for number, author in enumerate(draft.header.authors, 1):
        function = author.function
        # A warning only: what the DMP receives is the label, a free text (c.4).
        if function is not None and known.get(function.code, function.system) is None:
            yield warning(
                "DMP-ROLE",
                f"author[{number}]/functionCode",
                _shown(function),
                f"un code de {known.described}",
                "Le rôle de l'auteur ne figure pas dans la liste des rôles fonctionnels.",
                "dmp-interface c.4",
            )


def shareable(draft: Draft) -> Iterator[Finding]:
    found = draft.header.confidentiality
    field = "ClinicalDocument/confidentialityCode"
    if found.code in ("R", "V"):
        yield error(
            "DMP-CONFIDENTIALITY",
            field,
            found.code,
            "N",
            "Un document de confidentialité restreinte (R) ou très restreinte (V) ne se partage pas dans le DMP, "
            "même si le message le demande (DESTDMP = Y).",
            "dmp-interface c.5",
        )
    elif (found.code, found.system) != ("N", N_SYSTEM):
        yield error(
            "DMP-CONFIDENTIALITY",
            field,
            _shown(found),
            f"N ({N_SYSTEM})",
            "Le premier code de confidentialité d'un document du DMP est N ; les restrictions viennent du message.",
            "dmp-interface c.3",
        )


def _required(
    draft: Draft, rule: str, field: str, found: Coded | None, lists: tuple[str, str], name: str
) -> Iterator[Finding]:
    if found is None:
        expected = f"un code de {codes.load(lists[0]).described}"
        yield error(rule, field, "absent", expected, f"Le {name} manque.", "dmp-interface c.3")
    elif draft.config.profile == "dmp":
        yield from _listed(rule, field, found, lists, f"Le {name} ne figure pas dans la liste du DMP.")


def _listed(rule: str, field: str, found: Coded, lists: tuple[str, str], text: str) -> Iterator[Finding]:
    """`lists` are the DMP's set and the CI-SIS one: nothing, a warning or an error."""
    ours, cisis = (codes.load(name) for name in lists)
    if ours.get(found.code, found.system) is not None:
        return
    expected = f"un code de {ours.described}"
    if cisis.get(found.code, found.system) is not None:
        noted = f"{text} Il figure dans {cisis.described} : le DMP peut le refuser."
        yield warning(rule, field, _shown(found), expected, noted, "dmp-interface c.5")
        return
    same_code = ours.get(found.code)
    if same_code is not None:
        text = "Ce code est celui d'un autre système de codage."
        expected = f"le système {same_code.system}, selon {ours.described}"
    yield error(rule, field, _shown(found), expected, text, "dmp-interface c.5, ihe-rules D-42")


def _shown(code: Coded) -> str:
    return f"{code.code} ({code.system or 'sans système'})"


def _coded(concept: Concept) -> Coded:
    return Coded(concept.code, concept.system, concept.display)
