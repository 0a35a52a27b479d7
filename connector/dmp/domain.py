"""An XDS.b affinity domain as a setting: where its actors are and what it wants of us (ihe-rules D.8).

The DMP is the domain named "dmp", and keeps its own section.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from connector.base.credentials import secret
from connector.base.errors import CodecError, SettingsError
from connector.base.oid import is_oid
from connector.dmp.config import DEFAULT_SIZE_CAP, DmpConfig
from connector.ins.model import Environment
from connector.rules.affinity import read_codes
from connector.rules.case import AffinityCodes
from connector.xds.iti18 import Profile
from connector.xds.transactions import TRANSACTIONS

DMP: Final = "dmp"
"""Name of the domain that the [dmp] section describes."""

TIMEOUTS: Final = {"ITI-18": 60.0, "ITI-41": 200.0, "ITI-43": 90.0, "ITI-57": 30.0}
"""Seconds of silence tolerated, per transaction."""


@dataclass(frozen=True, slots=True)
class DomainConfig:
    """Raises SettingsError (name `domains.…`, found, allowed) on a value outside its choices.

    source_id       OID of the sending system (SubmissionSet.sourceId)
    registry        address of the registry (ITI-18, ITI-57)
    repository      address of the repository (ITI-41, ITI-43)
    urls            address per transaction ("ITI-57"), where one has its own
    profile         'ihe' or 'dmp': the forms of CX, XCN, XON… and of the SOAP headers
    repository_id   repositoryUniqueId asked when neither the registry nor the caller names one
    patient_domain  OID under which the domain knows patients: completes an identifier given without authority
    environment     which INS identify patients of documents sent there
    codes           file of the domain's code lists (CodeType/Code): other codes are refused (D-42); None: any code
    assertion, signature, send_hash   as in [dmp]; None: by profile
    insecure        allows http:// addresses: nothing is encrypted, nobody is authenticated
    ca_file         authorities trusted for its servers; None: the system's
    certificate, key, password_env    PEM pair shown to its servers, and the name of its key's password
    timeouts        seconds of silence tolerated, per transaction
    size_cap        bytes of one document sent
    receive_cap     bytes of one document received
    """

    source_id: str
    registry: str = ""
    repository: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = "ihe"
    repository_id: str = ""
    patient_domain: str = ""
    environment: Environment = "test"
    codes: Path | None = None
    assertion: bool | None = None
    signature: bool | None = None
    send_hash: bool | None = None
    insecure: bool = False
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password_env: str = ""
    timeouts: Mapping[str, float] = field(default_factory=lambda: dict(TIMEOUTS))
    size_cap: int = DEFAULT_SIZE_CAP
    receive_cap: int = 50_000_000

    def __post_init__(self) -> None:
        known = {row.iti for row in TRANSACTIONS}
        for name in ("urls", "timeouts"):
            for transaction in getattr(self, name):
                if transaction not in known:
                    raise _wrong(name, transaction, " | ".join(sorted(known)))
        for name, url in {"registry": self.registry, "repository": self.repository, **self.urls}.items():
            self._check_url(name, url)
        for name in ("source_id", "repository_id", "patient_domain"):
            value = getattr(self, name)
            if (value or name == "source_id") and not is_oid(value):
                raise _wrong(name, value, "an OID")
        if (self.certificate is None) != (self.key is None):
            raise _wrong("certificate", "one file of the pair", "certificate and key, or neither")

    def _check_url(self, name: str, url: str) -> None:
        if not url:
            return
        scheme = urlsplit(url).scheme
        if scheme == "http" and not self.insecure:
            raise _wrong(name, "http", "https, or http with insecure = true")
        if scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise _wrong(name, scheme or "no scheme", "an https:// address")

    def client_config(self) -> DmpConfig:
        """The same as the client takes it."""
        return DmpConfig(
            base_url="",
            lps_oid=self.source_id,
            lps_name="connector",
            source_id=self.source_id,
            environment=self.environment,
            repository_id=self.repository_id,
            paths={},
            urls=self.addresses(),
            timeouts={**TIMEOUTS, **self.timeouts},
            size_cap=self.size_cap,
            receive_cap=self.receive_cap,
            profile=self.profile,
            assertion=self.assertion,
            signature=self.signature,
            patient_domain=self.patient_domain,
            send_hash=self.send_hash,
        )

    def addresses(self) -> dict[str, str]:
        """Address per service and per transaction, those given."""
        given = {"registry": self.registry, "repository": self.repository, **self.urls}
        return {name: url for name, url in given.items() if url}

    def code_lists(self) -> AffinityCodes | None:
        """The lists of `codes`. Raises SettingsError when it is no such file."""
        if self.codes is None:
            return None
        try:
            return read_codes(self.codes.read_bytes())
        except (OSError, CodecError) as error:
            raise _wrong("codes", type(error).__name__, "a readable file of CodeType and Code elements") from error

    def tls(self) -> ssl.SSLContext:
        """TLS 1.2 or later, the server always authenticated. Raises SettingsError when a file cannot be used."""
        password = secret(self.password_env) if self.password_env else None
        if self.password_env and password is None:
            raise _wrong("password_env", self.password_env, "a variable that is set, or a credential")
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None:
                # An empty password, rather than none, keeps OpenSSL from asking one at the terminal.
                context.load_cert_chain(self.certificate, self.key, password or "")
        except (OSError, ValueError) as error:
            raise _wrong(
                "ca_file, certificate, key", type(error).__name__, "PEM authorities, a PEM pair and its password"
            ) from error
        return context


def _wrong(name: str, found: str, allowed: str) -> SettingsError:
    return SettingsError(f"domains: {name} is wrong", name=f"domains.{name}", found=found, allowed=allowed)
