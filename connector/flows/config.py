"""What the flows can be told (each value is a setting, with its default here)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from connector.base.errors import SettingsError
from connector.trust.config import EntityConfig, NameId
from connector.trust.errors import VihfError
from connector.trust.national import BareFiness
from connector.trust.roles import named_roles


@dataclass(frozen=True, slots=True)
class IntakeConfig:
    """`a08_as_a31`: senders ("MSH-3|MSH-4") whose A08 is applied like an A31 (not PAM-FR, recorded otherwise)."""

    environment: Literal["production", "test"] = "test"
    a08_as_a31: tuple[str, ...] = ()
    max_document_bytes: int = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """`no_cross_reference`: what to do when the identity server does not know the patient or is down."""

    no_cross_reference: Literal["hold", "trust-message"] = "hold"


@dataclass(frozen=True, slots=True)
class ConsultationConfig:
    """`trigger` must be 'on-admission' for any consultation; `type_codes` empty retrieves nothing but lists all."""

    trigger: Literal["off", "on-admission"] = "off"
    years: int = 2
    type_codes: tuple[str, ...] = ()
    output_folder: Path = Path("received")


@dataclass(frozen=True, slots=True)
class PublicationConfig:
    """What may leave, and when a lost answer is settled.

    mode              'send'; 'shadow': everything is done but the sending, no answer is given to the senders, and
                      `connector report feeding` says what would have gone; 'off': documents wait
    consent_unknown   ZFA-9 NA or absent
    unknown_grace     seconds the DMP may still be working after a cut: more than the timeout of TD2.1 (200 s)
    """

    mode: Literal["send", "shadow", "off"] = "send"
    consent_unknown: Literal["hold", "feed"] = "hold"
    unknown_grace: float = 300.0


@dataclass(frozen=True, slots=True)
class ZamDestination:
    """Where the ZAM of one sender ("MSH-3|MSH-4" of its requests, or "*") goes."""

    sender: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ZamConfig:
    destinations: tuple[ZamDestination, ...] = ()
    timeout: float = 30.0

    def destination(self, sender: str) -> ZamDestination | None:
        """The sender's own destination, else the one for "*"."""
        exact = next((d for d in self.destinations if d.sender == sender), None)
        return exact or next((d for d in self.destinations if d.sender == "*"), None)


@dataclass(frozen=True, slots=True)
class CallerConfig:
    """Who speaks to the DMP in INDIRECTE mode when the message does not say better (dmp-interface b.3, b.6).

    name_id         'message': PRT-5.1 of Send by when present; 'structure': always <structure>/<internal_id>
    role            'automate': the software itself; 'professional': the person of Send by
    professionals   PS_IdNat -> codes of JDV_J65, profession then its second value; before what the CDA says
    unknown_role    role 'professional' and none can be told: 'automate', or 'hold' for a person to mend it
    entity_from     where the legal entity is read when several are configured: PRT-8.10 of Send by, or the
                    legalAuthenticator's organisation in the CDA
    unknown_entity  that organisation is none of ours: 'hold', or 'default' for the one of [keys]
    bare_finess     nine characters without prefix, in comparisons only: 'prefix' reads a FINESS, 'as-is' nothing

    Raises SettingsError when a professional's codes are no role of the VIHF.
    """

    sector: str = "SA01"
    name_id: NameId = "message"
    internal_id: str = "connector"
    software_name: str = "dmp-connector"
    software_model: str = "PFI"
    authn_context: str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
    role: Literal["automate", "professional"] = "automate"
    professionals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown_role: Literal["automate", "hold"] = "automate"
    entity_from: Literal["sender", "legal-authenticator"] = "sender"
    unknown_entity: Literal["hold", "default"] = "hold"
    bare_finess: BareFiness = "prefix"

    def of_entity(self, entity: EntityConfig) -> CallerConfig:
        """These settings with what `entity` says otherwise."""
        return replace(
            self,
            sector=entity.sector or self.sector,
            name_id=entity.name_id or self.name_id,
            internal_id=entity.internal_id or self.internal_id,
        )

    def __post_init__(self) -> None:
        for professional, codes in self.professionals.items():
            try:
                named_roles(codes)
            except VihfError as error:
                raise SettingsError(
                    f"caller.professionals: {error.message}",
                    name=f"caller.professionals.{professional}",
                    found=", ".join(codes),
                    allowed=str(error.context.get("expected", "")),
                ) from error
