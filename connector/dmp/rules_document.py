"""Rules on the document itself: its identifier, its patient, its dates, its title (dmp-interface a.7, c.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from connector import codes
from connector.base.errors import CodecError
from connector.base.finding import Finding
from connector.base.hl7time import parse_ts
from connector.base.oid import is_oid
from connector.dmp.draft import Draft, error, warning

TITLE_LENGTH: Final = 128
"""Characters of a title in XDS (ihe-rules D-25)."""

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def plain_unique_id(draft: Draft) -> Iterator[Finding]:
    identifier = draft.header.id
    if identifier.extension:
        yield error(
            "DMP-UNIQUEID",
            "ClinicalDocument/id",
            f"{identifier.root}^{identifier.extension}",
            "un OID complet dans root, sans extension",
            "Le DMP n'accepte pas un identifiant de document en deux parties (root et extension).",
            "dmp-interface a.7 EX_2.1-1130",
        )
    elif not is_oid(identifier.root):
        yield error(
            "DMP-UNIQUEID",
            "ClinicalDocument/id/@root",
            identifier.root,
            "un OID d'au plus 64 caractères",
            "L'identifiant du document n'est pas un OID.",
            "dmp-interface a.7 EX_2.1-1130",
        )


def same_patient(draft: Draft) -> Iterator[Finding]:
    inside = draft.header.ins()
    if inside is not None and inside.value != draft.ins.value:
        # A finding is shown and kept: it never holds a matricule.
        yield error(
            "DMP-PATIENT",
            "recordTarget/patientRole/id",
            "un autre matricule",
            "le matricule du message",
            "Le matricule INS du document n'est pas celui du message.",
            "ihe-rules D-32",
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
            yield error(
                "DMP-DATE",
                field,
                value or "absente",
                "une date HL7",
                "Une date du document manque ou ne se lit pas.",
                "dmp-interface c.3",
            )
    if len(moments) == 3 and moments[1] > moments[2]:
        yield error(
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
            yield error(
                "DMP-HEADER",
                f"ClinicalDocument/{field}",
                "vide",
                "une valeur",
                "Le titre ou la langue du document manque.",
                "dmp-interface c.3",
            )
    if draft.header.language.strip() and _LANGUAGE.fullmatch(draft.header.language) is None:
        yield error(
            "D-15",
            "ClinicalDocument/languageCode",
            draft.header.language,
            "une langue comme fr-FR",
            "Le code de langue du document n'a pas la forme attendue.",
            "ihe-rules D-15",
        )
    if len(draft.header.title) > TITLE_LENGTH:
        yield warning(
            "D-25",
            "ClinicalDocument/title",
            f"{len(draft.header.title)} caractères",
            f"au plus {TITLE_LENGTH}",
            "Le titre est trop long pour le registre : il y est abrégé, le document garde le sien.",
            "ihe-rules D-25",
        )


def content_type(draft: Draft) -> Iterator[Finding]:
    found = draft.facts.patient_class
    if codes.content_type(found) is not None:
        return
    finding = warning if draft.config.default_content_type else error
    yield finding(
        "DMP-CONTENT-TYPE",
        "PV1-2",
        found or "absent",
        "E, I, N, O ou R",
        "La classe de patient (PV1-2) ne donne pas le type de contenu du lot.",
        "hl7v2-interface §6",
    )
