"""Who speaks to the DMP: the VIHF caller of a structure certificate (dmp-interface b.3, b.5, b.6, b.10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.flows.config import CallerConfig
from connector.hl7.model import Sender
from connector.trust.national import ps_idnat
from connector.trust.roles import AUTOMATE, Role
from connector.trust.vihf import Caller


def structure_caller(
    config: CallerConfig,
    structure: str,
    *,
    authn_instant: datetime,
    sender: Sender | None = None,
    roles: Sequence[Role] = (AUTOMATE,),
    secret: bool = False,
) -> Caller:
    """INDIRECTE caller: the Send-by person of the message when there is one, else the software itself.

    `structure` is the installation's own; PRT-8.10 of Send by is the message's word (dmp.structure_policy decides).
    """
    person = sender.person if sender else None
    declared = sender.organization.id if sender and sender.organization else ""
    named = person is not None and bool(person.id) and config.name_id == "message"
    subject = f"{person.family} {person.given}".strip() if person is not None else ""
    return Caller(
        # the software's own id never follows a message: it must stay the same for ever (EX_0.1-1025)
        name_id=ps_idnat(person.id) if named and person is not None else f"{structure}/{config.internal_id}",
        subject_id=subject or f"{config.software_name} {config.software_model}",
        structure_id=declared or structure,
        sector=config.sector,
        roles=tuple(roles),
        mode="INDIRECTE",
        authn_context=config.authn_context,
        authn_instant=authn_instant,
        secret=secret,
    )
