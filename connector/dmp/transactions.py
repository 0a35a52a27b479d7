"""The DMP's transactions as rows (dmp-interface a.2); TD2.1 and TD3.x are the IHE rows under another id."""

from __future__ import annotations

from dataclasses import replace

from connector.xds.transactions import ITI_18, ITI_41, ITI_43, ITI_57, Transaction

TD0_2 = Transaction(
    "TD0.2",
    "urn:hl7-org:v3:PRPA_IN201307UV02",
    "urn:hl7-org:v3:PRPA_IN201308UV02",
    "patients",
    "patients.wsdl",
    "PRPA_IN201307UV02",
    "query",
)
TD0_3 = Transaction(
    "TD0.3",
    "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization",
    "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorizationResponse",
    "habilitations",
    "habilitations.wsdl",
    "setAuthorization",
    "application",
)
TD2_1 = replace(ITI_41, id="TD2.1")
TD3_1 = replace(ITI_18, id="TD3.1")
TD3_1B = replace(ITI_18, id="TD3.1b")
TD3_2 = replace(ITI_43, id="TD3.2")
TD3_3A = replace(ITI_57, id="TD3.3a", response_action="urn:ihe:iti:2010:UpdateDocumentSet-Response")
TD3_3B = replace(TD3_3A, id="TD3.3b")
TD3_3C = replace(TD3_3A, id="TD3.3c")
TD3_3D = replace(TD3_3A, id="TD3.3d")

TRANSACTIONS: tuple[Transaction, ...] = (
    TD0_2,
    TD0_3,
    TD2_1,
    TD3_1,
    TD3_1B,
    TD3_2,
    TD3_3A,
    TD3_3B,
    TD3_3C,
    TD3_3D,
)
