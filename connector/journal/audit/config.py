"""The [audit] section of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from connector.base.errors import SettingsError

SHORTEST: Final = 183
"""Days: a hospital keeps its own traces of shared health data six months at least (dmp-interface g)."""


@dataclass(frozen=True, slots=True)
class AtnaConfig:
    """Where the lines also go, as DICOM audit messages (IHE ITI-20: RFC 5424 over TLS, RFC 5425).

    host, port       the audit record repository; host "" switches it off
    ca_file          PEM authorities trusted for it; None takes the system's
    certificate, key our own certificate, PEM, for a repository that asks for one
    password_env     environment variable with the password of `key`, "" none
    source_id        AuditSourceID: what the repository knows this connector by
    site_id          AuditEnterpriseSiteID, "" none
    patient          'hash' names the patient by the keyed hash of the line, 'ins' by the INS where it is still known
    timeout          seconds for one connection or one write
    retry_longest    seconds between two attempts to reach a repository that is down, at most
    """

    host: str = ""
    port: int = 6514
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password_env: str = ""
    source_id: str = "dmp-connector"
    site_id: str = ""
    patient: Literal["hash", "ins"] = "hash"
    timeout: float = 10.0
    retry_longest: float = 60.0

    def __post_init__(self) -> None:
        _require("audit.atna.port", self.port, 0 < self.port < 65536, "1 to 65535")
        _require("audit.atna.timeout", self.timeout, self.timeout > 0, "seconds above 0")
        _require("audit.atna.retry_longest", self.retry_longest, self.retry_longest > 0, "seconds above 0")
        _require("audit.atna.source_id", self.source_id, bool(self.source_id.strip()), "a text")
        both = (self.certificate is None) == (self.key is None)
        _require("audit.atna.certificate", self.certificate or self.key, both, "a certificate and its key, or neither")


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """How the audit trail is kept.

    key_file    the key of the chain and of the INS hashes, created at first start (mode 0600), refused when others may
                read it; None is beside the SQLite file, PostgreSQL needs one that every machine has
    keep_days   lines older than this are removed, oldest first
    """

    key_file: Path | None = None
    keep_days: int = 3653
    atna: AtnaConfig = field(default_factory=AtnaConfig)

    def __post_init__(self) -> None:
        _require("audit.keep_days", self.keep_days, self.keep_days >= SHORTEST, f"{SHORTEST} days at least")


def _require(name: str, found: object, right: bool, allowed: str) -> None:
    if not right:
        raise SettingsError(f"setting {name} is wrong", name=name, found=str(found), allowed=allowed)
