"""Which legal entity feeds, under which structure, and as whom (dmp-interface b.6, b.10; EX_2.1-1140).

One connector may serve several legal entities: each has its certificates, its sector, its own NameID, its connections.
The one of [keys] is the main one; with no other, every document is its own, whatever the message says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from connector.base.errors import ConnectorError
from connector.base.finding import Finding
from connector.cda.model import CdaHeader
from connector.dmp.config import DmpConfig
from connector.dmp.structures import check_structures
from connector.dmp.visibility import is_secret
from connector.flows.callers import structure_caller
from connector.flows.config import CallerConfig
from connector.flows.professionals import roles_of
from connector.hl7.model import DocumentRequest
from connector.trust.config import EntityConfig, KeysConfig
from connector.trust.national import comparable
from connector.trust.vihf import Caller

Client_co = TypeVar("Client_co", covariant=True)


class UnknownFeeder(ConnectorError):
    """Nobody may feed this document under the present settings; the message is French, a person mends them."""


class UnknownEntity(UnknownFeeder):
    """The organisation belongs to no entity that is configured; `context` has `field`, `found`, `expected`."""


class UnknownRole(UnknownFeeder):
    """The professional's role cannot be told and `caller.unknown_role` is 'hold'; `context` has `field`."""


@dataclass(frozen=True, slots=True)
class Feeder(Generic[Client_co]):
    """One legal entity.

    name        "" for the main one
    structure   Struct_IdNat, which its certificates carry
    dmp         the client that signs and connects with its certificates
    config      [caller], with what the entity says otherwise
    target      what the DMP wants: which structure is announced, when a connection is secret
    aliases     other structures that mean this entity
    """

    name: str
    structure: str
    dmp: Client_co
    config: CallerConfig
    target: DmpConfig
    aliases: tuple[str, ...] = ()

    def caller(self, request: DocumentRequest, header: CdaHeader, authn_instant: datetime) -> Caller:
        """Who speaks for this document; `authn_instant` is aware. Raises UnknownRole."""
        roles = roles_of(self.config, request.sender, header)
        if roles.unknown and self.config.unknown_role == "hold":
            raise UnknownRole(f"rôle du professionnel inconnu : {roles.unknown}", field="subject:role")
        return structure_caller(
            self.config,
            self.structure,
            authn_instant=authn_instant,
            sender=request.sender,
            roles=roles.values,
            secret=is_secret(request.flags, self.target),
        )

    def remark(self, request: DocumentRequest, header: CdaHeader) -> str:
        """For the timeline, French: why a professional speaks as AUTOMATE; "" when there is nothing to say."""
        unknown = roles_of(self.config, request.sender, header).unknown
        return f"Envoyé comme automate : {unknown}" if unknown else ""

    def check(self, caller: Caller, header: CdaHeader) -> tuple[Finding, ...]:
        """Certificate, VIHF and authors compared (`dmp.structures.check_structures`); () where no assertion is sent."""
        if not self.target.asserts:
            return ()
        policy, rule = self.target.structure_policy, self.config.bare_finess
        return check_structures(self.structure, caller.structure_id, header, policy, bare_finess=rule)

    def means(self, structure: str) -> bool:
        """Whether `structure`, as a message or a document writes it, is this entity."""
        rule = self.config.bare_finess
        return comparable(structure, rule) in {comparable(own, rule) for own in (self.structure, *self.aliases)}


class Feeders(Generic[Client_co]):
    """The main entity and the others, of which `choose` takes one per document."""

    def __init__(self, main: Feeder[Client_co], others: Sequence[Feeder[Client_co]] = ()) -> None:
        self.main = main
        self._others = tuple(others)

    def choose(self, request: DocumentRequest, header: CdaHeader) -> Feeder[Client_co]:
        """The entity of the sender or of the legal authenticator (`caller.entity_from`). Raises UnknownEntity."""
        if not self._others:
            return self.main
        config = self.main.config
        field, stated = _stated(config, request, header)
        for feeder in (self.main, *self._others):
            if stated and feeder.means(stated):
                return feeder
        if config.unknown_entity == "default":
            return self.main
        raise UnknownEntity(
            f"aucune entité juridique configurée pour la structure {stated or 'absente'} ({field})",
            field=field,
            found=stated or "absent",
            expected=", ".join(feeder.structure for feeder in (self.main, *self._others)),
        )


def feeders_of(
    keys: KeysConfig,
    entities: Sequence[EntityConfig],
    caller: CallerConfig,
    dmp: DmpConfig,
    client: Callable[[str, str], Client_co],
) -> Feeders[Client_co]:
    """The legal entities of the settings; `client(name, structure)` is the way to the DMP of each, "" the main one."""
    main = Feeder("", keys.structure, client("", keys.structure), caller, dmp, keys.aliases)
    others = [
        Feeder(
            entity.name,
            entity.structure,
            client(entity.name, entity.structure),
            caller.of_entity(entity),
            dmp,
            entity.aliases,
        )
        for entity in entities
    ]
    return Feeders(main, others)


def _stated(config: CallerConfig, request: DocumentRequest, header: CdaHeader) -> tuple[str, str]:
    """(where it is read, the organisation said there or "")."""
    if config.entity_from == "sender":
        organization = request.sender.organization if request.sender else None
        return "PRT-8.10", organization.id if organization else ""
    signer = header.legal_authenticator
    found = signer.organization.id if signer and signer.organization else None
    return "legalAuthenticator/assignedEntity/representedOrganization/id", found.extension if found else ""
