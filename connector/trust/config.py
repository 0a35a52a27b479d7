"""Where the structure's keys are and how far the clock may drift: settings of the trust room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connector.base.errors import SettingsError

# It becomes the label of a metric and part of an alert's name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")

NameId = Literal["message", "structure"]
"""Whose NameID: PRT-5.1 of Send by when present, or always <structure>/<internal id> (dmp-interface b.6)."""


@dataclass(frozen=True, slots=True)
class KeysConfig:
    """The SIGN and AUTH_CLI pairs, each as PEM (certificate and key) or PKCS#12.

    structure       Struct_IdNat both certificates must carry in their OU ("1" + FINESS)
    ca_file         authorities trusted for the servers
    password_env    name of the environment variable holding the password of the keys; never the password itself
    aliases         other structures that mean this one in messages and documents, where `entities` are configured
    """

    structure: str
    ca_file: Path
    sign_certificate: Path | None = None
    sign_key: Path | None = None
    sign_pkcs12: Path | None = None
    auth_certificate: Path | None = None
    auth_key: Path | None = None
    auth_pkcs12: Path | None = None
    password_env: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntityConfig:
    """A legal entity served beside the one of [keys]; its key pairs as there.

    name            how operators know it: names its certificates in alerts and metrics
    structure       Struct_IdNat both certificates must carry in their OU
    aliases         other structures that mean this one: PRT-8.10 as senders write it, geographic FINESS
    ca_file         None: that of [keys]
    sector, internal_id   "": those of [caller]
    name_id         None: that of [caller]

    Raises SettingsError on a name that cannot be a label.
    """

    name: str
    structure: str
    aliases: tuple[str, ...] = ()
    ca_file: Path | None = None
    sign_certificate: Path | None = None
    sign_key: Path | None = None
    sign_pkcs12: Path | None = None
    auth_certificate: Path | None = None
    auth_key: Path | None = None
    auth_pkcs12: Path | None = None
    password_env: str = ""
    sector: str = ""
    name_id: NameId | None = None
    internal_id: str = ""

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            allowed = "32 letters, digits, points or hyphens at most"
            raise SettingsError("wrong setting entities.name", name="entities.name", found=self.name, allowed=allowed)

    def keys(self, main: KeysConfig) -> KeysConfig:
        """Where its keys are; authorities of `main` unless it has its own."""
        return KeysConfig(
            structure=self.structure,
            ca_file=self.ca_file or main.ca_file,
            sign_certificate=self.sign_certificate,
            sign_key=self.sign_key,
            sign_pkcs12=self.sign_pkcs12,
            auth_certificate=self.auth_certificate,
            auth_key=self.auth_key,
            auth_pkcs12=self.auth_pkcs12,
            password_env=self.password_env,
            aliases=self.aliases,
        )


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """Signing is refused beyond `limit_seconds` of drift against the server's Date header, and NTP where set."""

    limit_seconds: float = 120.0
    ntp_server: str = ""
    ntp_every_seconds: float = 3600.0
