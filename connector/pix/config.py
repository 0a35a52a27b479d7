"""What the hospital says about its identity server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connector.base.errors import SettingsError
from connector.base.oid import is_oid
from connector.ins.model import INS_OIDS, OID_NIR
from connector.pix.model import Domain

Protocol = Literal["v2", "v3", "off"]


@dataclass(frozen=True, slots=True)
class PixConfig:
    """Settings of the PIX consumer. Raises SettingsError when one that the protocol needs is missing or wrong.

    protocol          'v2' (ITI-9 over MLLP), 'v3' (ITI-45 over SOAP), 'off' (no identity server)
    host, port        v2: MLLP address
    url               v3: address of the service
    timeout           seconds, for a whole v2 exchange, per socket operation in v3
    connections       v2: connections kept open, so questions asked at once; 1 for a server that takes one only
    ins_domain        OID under which the identity server keeps the INS
    extra_domains     other domains to ask for besides the INS
    sending_*, receiving_*   v2: MSH-3 to MSH-6, components joined by `^`
    processing_id     MSH-11, and processingCode in v3: P, T or D
    sender_oid, receiver_oid  v3: device ids
    local_oids        v3: authority namespace → OID, for domains whose universal id is not an OID
    """

    protocol: Protocol = "off"
    host: str = ""
    port: int = 0
    url: str = ""
    timeout: float = 10.0
    connections: int = 4
    ins_domain: str = OID_NIR
    extra_domains: tuple[Domain, ...] = ()
    sending_application: str = "CONNECTOR"
    sending_facility: str = ""
    receiving_application: str = "PIX"
    receiving_facility: str = ""
    processing_id: str = "P"
    sender_oid: str = ""
    receiver_oid: str = ""
    local_oids: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _require("pix.protocol", self.protocol, self.protocol in ("v2", "v3", "off"), "v2, v3 or off")
        _require("pix.ins_domain", self.ins_domain, self.ins_domain in INS_OIDS, ", ".join(sorted(INS_OIDS)))
        _require("pix.timeout", str(self.timeout), self.timeout > 0, "seconds above 0")
        _require("pix.processing_id", self.processing_id, self.processing_id in ("P", "T", "D"), "P, T or D")
        _require("pix.connections", str(self.connections), 0 < self.connections <= 64, "1 to 64")
        if self.protocol == "v2":
            _require("pix.host", self.host, bool(self.host), "a host name")
            _require("pix.port", str(self.port), 0 < self.port < 65536, "1 to 65535")
        if self.protocol == "v3":
            _require("pix.url", self.url, self.url.startswith(("https://", "http://")), "an http(s) address")
            _require("pix.sender_oid", self.sender_oid, is_oid(self.sender_oid), "an OID")
            _require("pix.receiver_oid", self.receiver_oid, is_oid(self.receiver_oid), "an OID")
            for namespace, oid in self.local_oids.items():
                _require(f"pix.local_oids.{namespace}", oid, is_oid(oid), "an OID")

    def wanted(self) -> tuple[Domain, ...]:
        """The domains a query asks for: the INS first."""
        return (Domain("", self.ins_domain, "ISO"), *self.extra_domains)

    def oid_of(self, domain: Domain) -> str:
        """OID that stands for `domain` in v3: its own, else the one of `local_oids`. Raises SettingsError."""
        if is_oid(domain.oid):
            return domain.oid
        oid = self.local_oids.get(domain.namespace) or self.local_oids.get(domain.oid, "")
        _require(f"pix.local_oids.{domain.namespace or domain.oid}", oid, bool(oid), "an OID for this authority")
        return oid

    def namespace_of(self, oid: str) -> str:
        """Namespace that `local_oids` gives an OID, "" when it gives none."""
        return next((namespace for namespace, known in self.local_oids.items() if known == oid), "")


def _require(name: str, found: str, right: bool, allowed: str) -> None:
    if not right:
        raise SettingsError(f"setting {name} is wrong or missing", name=name, found=found, allowed=allowed)
