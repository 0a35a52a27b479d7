"""What letters can be told (section [letters]; each value is a setting, with its default here)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from connector.base.errors import SettingsError
from connector.base.oid import is_oid

Role = Literal["send", "read"]
"""'send' hands letters in and reads what became of them, 'read' only reads."""

_PARTY = re.compile(r"[^|\r\n^~\\&]{1,180}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")


@dataclass(frozen=True, slots=True)
class LetterClient:
    """Who may call POST /letters.

    name         how logs and the journal know the caller
    role         'send' or 'read'
    secret_env   environment variable (or systemd credential) that holds its token; never the token itself
    certificate  CN of its client certificate, where `tls_client_ca` is set; "" for a token

    Raises SettingsError unless exactly one of the two is given.
    """

    name: str
    role: Role = "send"
    secret_env: str = ""
    certificate: str = ""

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            allowed = "32 letters, digits, points or hyphens at most"
            raise SettingsError(
                "wrong setting letters.clients.name", name="letters.clients.name", found=self.name, allowed=allowed
            )
        if bool(self.secret_env) == bool(self.certificate):
            raise SettingsError(
                f"letters.clients: how is {self.name} known?",
                name=f"letters.clients.{self.name}",
                found="both" if self.secret_env else "neither",
                allowed="either secret_env or certificate",
            )


@dataclass(frozen=True, slots=True)
class LettersConfig:
    """Letters the connector puts into messages of its own.

    application, facility  MSH-3 and MSH-4 of these messages: how the journal knows who sent them
    structure        PRT-8.10 of Send by; "" takes the legal authenticator's structure, else [keys]
    sender           'structure': the software speaks for it ([caller]); 'authenticator': the legal authenticator asks
    oids             domain of the hospital's numbers as its ADT write it = OID under which a CDA writes them
    defaults         plain data filled where a letter is silent (letter.inputs.complete): custodian, stay.facility_type…
    due_types        documents that end the wait of a stay after its discharge
    due_classes      PV1-2 of the stays that wait for one
    mandatory        the site's list of documents that must be deposited; None is the built-in one alone
    folder           watched folder; None watches none
    folder_seconds   seconds between two looks; a file must not have changed between two of them
    orphan_seconds   seconds a file waits for its header before it is refused
    host, port       where POST /letters listens; port 0 is off
    tls_cert, tls_key, tls_client_ca  PEM files; with `tls_client_ca` a certificate that is shown is verified, and one
                     must be shown where no client has a token
    clients          who may call
    max_bytes        of one request or file
    rate, burst      requests per second and client, and at once after a silence

    Raises SettingsError on a value nothing can be done with.
    """

    application: str = "CONNECTOR"
    facility: str = "LETTERS"
    structure: str = ""
    sender: Literal["structure", "authenticator"] = "structure"
    oids: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    due_types: tuple[str, ...] = ("11490-0",)
    due_classes: tuple[str, ...] = ("I",)
    mandatory: Path | None = None
    folder: Path | None = None
    folder_seconds: float = 2.0
    orphan_seconds: float = 600.0
    host: str = "127.0.0.1"
    port: int = 0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    clients: tuple[LetterClient, ...] = ()
    max_bytes: int = 20 * 1024 * 1024
    rate: float = 20.0
    burst: int = 40

    def __post_init__(self) -> None:
        for name in ("application", "facility"):
            if _PARTY.fullmatch(getattr(self, name)) is None:
                raise _wrong(name, getattr(self, name), "a text without |, ^, ~, \\ or &")
        for domain, oid in self.oids.items():
            if not is_oid(oid):
                raise _wrong(f"oids.{domain}", oid, "an OID")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise _wrong("tls_cert", "one file", "tls_cert and tls_key together, or neither")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise _wrong("tls_client_ca", "no tls_cert", "tls_cert and tls_key as well")
        if len({client.name for client in self.clients}) < len(self.clients):
            raise _wrong("clients", "one name twice", "a name of its own for each")
        if any(client.certificate for client in self.clients) and self.tls_client_ca is None:
            raise _wrong("clients.certificate", "no tls_client_ca", "tls_client_ca, which signed the certificates")
        if self.port and self.tls_cert is None and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise _wrong("tls_cert", "nothing", f"a certificate: {self.host} is not this machine alone")
        if self.port and not self.clients:
            raise _wrong("clients", "nobody", "at least one client where port is set")
        for name in ("folder_seconds", "rate", "burst", "max_bytes"):
            if getattr(self, name) <= 0:
                raise _wrong(name, str(getattr(self, name)), "a number above 0")

    @property
    def party(self) -> str:
        """`MSH-3|MSH-4`, as the journal writes a sender."""
        return f"{self.application}|{self.facility}"

    def oid_of(self, domain: str) -> str:
        """The OID of a domain as ADT write it; "" when none is known."""
        return domain if domain.count(".") >= 3 and is_oid(domain) else self.oids.get(domain, "")


def _wrong(name: str, found: str, allowed: str) -> SettingsError:
    return SettingsError(f"wrong setting letters.{name}", name=f"letters.{name}", found=found, allowed=allowed)
