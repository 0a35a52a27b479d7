"""Who speaks to the DMP: the VIHF caller of a structure certificate (dmp-interface b.3, b.6, b.10)."""

from __future__ import annotations

from datetime import datetime

from connector.flows.config import CallerConfig
from connector.hl7.model import Sender
from connector.trust.roles import AUTOMATE
from connector.trust.vihf import Caller


def structure_caller(
    config: CallerConfig, structure: str, *, authn_instant: datetime, sender: Sender | None = None
) -> Caller:
    """INDIRECTE caller: the Send-by person of the message when there is one, else the software itself.

    `structure` is the installation's own; PRT-8.10 of Send by is the message's word (dmp.structure_policy decides).
    """
    person = sender.person if sender else None
    declared = sender.organization.id if sender and sender.organization else ""
    identifier = declared or structure
    own_id = f"{identifier}/{config.internal_id}"
    name_id = person.id if person is not None and person.id and config.name_id == "message" else own_id
    subject = f"{person.family} {person.given}".strip() if person is not None else ""
    return Caller(
        name_id=name_id,
        subject_id=subject or f"{config.software_name} {config.software_model}",
        structure_id=identifier,
        sector=config.sector,
        roles=(AUTOMATE,),
        mode="INDIRECTE",
        authn_context=config.authn_context,
        authn_instant=authn_instant,
    )
