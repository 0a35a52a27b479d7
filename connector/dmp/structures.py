"""The three places a structure appears, compared before sending (dmp-interface a.7 EX_2.1-1140, b.6).

The certificate's OU, the Identifiant_Structure of the VIHF and the authorInstitution of each author. Which of the first
two the server goes by is not written anywhere readable: `dmp.structure_policy` decides what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from connector.base.finding import Finding, Severity
from connector.cda.model import CdaHeader
from connector.trust.national import BareFiness, comparable

StructurePolicy = Literal["certificate", "message"]

AUTHOR_RULE = "EX_2.1-1140"
CERTIFICATE_RULE = "DMP-STRUCTURE"


def check_structures(
    certificate_structure: str,
    caller_structure: str,
    header: CdaHeader,
    policy: StructurePolicy,
    *,
    bare_finess: BareFiness = "prefix",
) -> tuple[Finding, ...]:
    """What the three places disagree on.

    An error: no author belongs to the structure that will be sent (`caller_structure` with policy 'message', else the
    OU). Warnings: the OU and the message's structure differ, or two are the same but for the prefix of a FINESS.
    """
    presented = certificate_structure if policy == "certificate" else caller_structure
    return (
        *_author(presented, header, bare_finess),
        *_certificate(certificate_structure, caller_structure, policy, bare_finess),
    )


def _author(presented: str, header: CdaHeader, bare_finess: BareFiness) -> Iterator[Finding]:
    written = [a.organization.id.extension for a in header.authors if a.organization and a.organization.id]
    if presented in written:
        return
    same = comparable(presented, bare_finess) in {comparable(one, bare_finess) for one in written}
    severity: Severity = "warning" if same else "error"
    text = (
        "La structure de l'auteur est celle qui envoie, écrite autrement (préfixe du FINESS) : le DMP peut refuser."
        if same
        else "Aucun auteur du document n'appartient à la structure qui l'envoie : seul un auteur peut déposer."
    )
    yield Finding(
        AUTHOR_RULE,
        severity,
        "author/assignedAuthor/representedOrganization/id",
        ", ".join(dict.fromkeys(written)) or "absent",
        presented,
        text,
        code="901",
        reference="dmp-interface a.7 EX_2.1-1140",
    )


def _certificate(certificate: str, stated: str, policy: StructurePolicy, bare_finess: BareFiness) -> Iterator[Finding]:
    if stated == certificate:
        return
    if policy == "message":
        text = "La structure annoncée au DMP n'est pas celle du certificat qui signe : le DMP peut refuser."
    elif comparable(stated, bare_finess) != comparable(certificate, bare_finess):
        text = "L'émetteur se dit d'une autre structure que le certificat : c'est celle du certificat qui est annoncée."
    else:
        # the OU is sent, and the sender means the same structure
        return
    yield Finding(
        CERTIFICATE_RULE,
        "warning",
        "PRT-8.10 (PRT-4 = SB)",
        stated or "absent",
        certificate,
        text,
        reference="dmp-interface b.6",
    )
