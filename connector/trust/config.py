"""Where the structure's keys are and how far the clock may drift: settings of the trust room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeysConfig:
    """The SIGN and AUTH_CLI pairs, each as PEM (certificate and key) or PKCS#12.

    structure       Struct_IdNat both certificates must carry in their OU ("1" + FINESS)
    ca_file         authorities trusted for the servers
    password_env    name of the environment variable holding the password of the keys; never the password itself
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


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """Signing is refused beyond `limit_seconds` of drift against the server's Date header, and NTP where set."""

    limit_seconds: float = 120.0
    ntp_server: str = ""
    ntp_every_seconds: float = 3600.0
