"""Values exchanged inside the simulator: what a service receives, what it answers, how it refuses.

The HTTP, SOAP and VIHF layers (http, wire, assertion) turn received bytes into one `SoapRequest`; a service turns it
into one `SoapReply`, or raises `SimFault` (SOAP fault) or `RegistryRefusal` (RegistryErrorList in the answer's own
shape). Nothing here is shared with the client: the simulator is a judge, not a mirror (design rule 10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from lxml import etree

if TYPE_CHECKING:
    from connector.base.clock import Clock, UuidFactory
    from connector.simulator.config import SimConfig
    from connector.simulator.world import World

# wsa:Action of each transaction served (dmp-interface a.2).
ACTIONS: Mapping[str, str] = {
    "urn:hl7-org:v3:PRPA_IN201307UV02": "TD0.2",
    "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization": "TD0.3",
    "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b": "ITI-41",
    "urn:ihe:iti:2007:RegistryStoredQuery": "ITI-18",
    "urn:ihe:iti:2007:RetrieveDocumentSet": "ITI-43",
    "urn:ihe:iti:2010:UpdateDocumentSet": "ITI-57",
    "urn:hl7-org:v3:PRPA_IN201309UV02": "ITI-45",
}


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded value as received; `system_name` and `display` are "" when absent."""

    code: str
    system: str
    system_name: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class PartFile:
    """One received MIME part, already on disk, byte for byte. `sha1` is lowercase hex, `size` bytes.

    The file lives as long as the request: a service that keeps the document copies or moves it.
    """

    path: Path
    size: int
    content_type: str
    sha1: str = ""


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """A VIHF whose signature holds; every value was read from the signed element only (stack.md §2).

    `attributes` has every string attribute, name as received; `mode` is DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE;
    `structure` is Identifiant_Structure; `resource_ins`/`resource_oid` are "" without resource-id.
    `warnings` are accepted oddities (SHA-1), for the log.
    """

    attributes: Mapping[str, tuple[str, ...]]
    name_id: str
    mode: str
    structure: str
    resource_ins: str
    resource_oid: str
    purpose: str
    roles: tuple[Coded, ...]
    certificate: x509.Certificate
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One request past addressing and VIHF checks. `parts` is keyed by Content-ID without angle brackets.

    `path` is the URL path, `body` the first child of soap:Body, `raw_root` the root part as received.
    `assertion` is None on paths outside the DMP (pixv3), and where the setting lets an IHE-only client in.
    """

    path: str
    action: str
    message_id: str
    header: etree._Element
    body: etree._Element
    parts: Mapping[str, PartFile]
    client_certificate: x509.Certificate | None
    assertion: VerifiedAssertion | None
    raw_root: bytes

    @property
    def transaction(self) -> str:
        """Transaction id of the action, "" when unknown."""
        return ACTIONS.get(self.action, "")


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """One document going out in a multipart answer; `cid` without angle brackets, href-encoded by wire.py."""

    cid: str
    path: Path
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class SoapReply:
    """`outcome` is what the log says ("ok", or the code of a refusal carried in a normal answer)."""

    body: etree._Element
    action: str
    parts: Sequence[ReplyPart] = ()
    outcome: str = "ok"


class SimFault(Exception):
    """A SOAP 1.2 fault: `code` is 'Sender', 'Receiver' or 'MustUnderstand', `subcode` a bare name or "".

    `rule` names the check that refused, for the simulator's log and the tests; it never travels.
    """

    def __init__(self, code: str, subcode: str, text: str, http_status: int = 500, rule: str = "") -> None:
        super().__init__(f"{code}/{subcode}: {text}")
        self.code = code
        self.subcode = subcode
        self.text = text
        self.http_status = http_status
        self.rule = rule


@dataclass(frozen=True, slots=True)
class RegistryErrorItem:
    """One RegistryError of an answer (ihe-rules D.1). `severity` is 'Error' or 'Warning'."""

    code: str
    context: str
    severity: str = "Error"
    location: str = ""


class RegistryRefusal(Exception):
    """A failure told as a RegistryErrorList; server.py gives it the shape of the transaction's answer."""

    def __init__(self, errors: Sequence[RegistryErrorItem]) -> None:
        super().__init__(", ".join(error.code for error in errors))
        self.errors = tuple(errors)


Service = Callable[[SoapRequest], SoapReply]


@dataclass(frozen=True, slots=True)
class SimContext:
    """What the services are built from: Registry(context), Repository(context, registry), IdentityServer(context).

    Each has `handle(request) -> SoapReply`; the identity server adds start, stop, feed_port, query_port.
    `folder` is the simulator's store (each service takes its own sub-folder), `clock` returns aware UTC.
    """

    config: SimConfig
    folder: Path
    world: World
    clock: Clock
    new_uuid: UuidFactory
    notes: Callable[[str, str], None] = field(default=lambda _event, _text: None)
    """`notes(event, text)` adds one line without identity to the simulator's log."""
