"""From settings to parts: keys checked by name, clients, flows; nothing here starts a thread or a socket."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final

from connector.base.calls import OnCall, both, nobody
from connector.base.clock import Clock, UuidFactory
from connector.base.errors import SettingsError
from connector.base.logs import logger
from connector.codes import use_folder
from connector.dmp.client import DmpClient
from connector.flows.admission import AdmissionFlow
from connector.flows.config import ZamDestination
from connector.flows.consultation import ConsultationFlow, ConsultationSettings
from connector.flows.destinations import DMP, DMP_READ
from connector.flows.document_gate import open_gate
from connector.flows.feeders import feeders_of
from connector.flows.gate import Gate
from connector.flows.intake import Intake
from connector.flows.letters import DeskSettings, LetterDesk
from connector.flows.letters.desk import Hand
from connector.flows.letters.mandatory import load_rules
from connector.flows.notices import NOTICE, NoticeFlow
from connector.flows.publication import PublicationFlow, PublicationSettings
from connector.flows.refusals import Refusals
from connector.flows.routing import Router
from connector.flows.routing_codes import ADMISSION, CONSULTATION, PUBLICATION, ZAM
from connector.flows.sessions import TokenSession
from connector.flows.upgrade import take_up_not_served
from connector.flows.zam import ZamFlow
from connector.hl7.mllp_client import MllpClient
from connector.journal import Handler, Journal
from connector.journal.audit import Recorder, key_file_of
from connector.journal.audit.atna.repository import tls_context
from connector.journal.audit.key import load_key
from connector.journal.engine.destinations import Destinations
from connector.kit.config import GateConfig
from connector.kit.gate import CdaGate, check_start
from connector.patients.schema import SCHEMA as PATIENTS_SCHEMA
from connector.pix.client import PixClient, open_client
from connector.settings import Settings
from connector.soap.session import tls_session
from connector.trust.clockwatch import ClockWatch
from connector.trust.keyring import Keyring, load_keyring
from connector.trust.keys import KeyPair


@dataclass(frozen=True, slots=True)
class Foundation:
    """What lasts as long as the process, whatever the settings become."""

    journal: Journal
    clockwatch: ClockWatch
    destinations: Destinations


@dataclass(slots=True)
class Work:
    """What works deliveries off under one state of the settings; replaced as a whole when they are read again."""

    router: Router
    handlers: Mapping[str, Handler]
    certificates: Mapping[str, KeyPair]
    connections: ExitStack

    def close(self) -> None:
        """Closes the connections kept alive."""
        self.connections.close()


@dataclass(frozen=True, slots=True)
class Installation:
    """The keys of the entity of [keys], and of each other one by its name: loaded and checked."""

    main: Keyring
    entities: Mapping[str, Keyring]

    def keyring(self, name: str) -> Keyring:
        """That of an entity, "" for the main one."""
        return self.entities[name] if name else self.main

    def certificates(self) -> dict[str, KeyPair]:
        """Every pair by the name operators read: "SIGN" and "AUTH_CLI", then "SIGN <entity>"…"""
        named = {"": self.main} | {f" {name}": keyring for name, keyring in self.entities.items()}
        return {
            f"{kind}{name}": pair
            for name, keyring in named.items()
            for kind, pair in (("SIGN", keyring.sign), ("AUTH_CLI", keyring.auth))
        }


def lay_foundation(settings: Settings, clock: Clock) -> Foundation:
    """Opens the journal. Raises JournalError."""
    journal = Journal.open(settings.journal, clock, schemas=(PATIENTS_SCHEMA,))
    destinations = Destinations(settings.engine.destinations, settings.engine.workers)
    return Foundation(journal, ClockWatch(settings.clock.limit_seconds), destinations)


def open_intake(
    settings: Settings, foundation: Foundation, *, clock: Clock, uuid_factory: UuidFactory, executor: Executor
) -> Intake:
    """What judges and stores messages; it needs no key and calls nobody."""
    return Intake(foundation.journal, settings.intake, clock=clock, uuid_factory=uuid_factory, executor=executor)


def open_desk(
    settings: Settings, journal: Journal, hand: Hand, *, clock: Clock, executor: Executor | None = None
) -> LetterDesk:
    """Where letters are handed in; `hand` takes their messages, as a listener would. It needs no key."""
    told = DeskSettings(
        settings.letters, settings.keys.structure, settings.dmp.environment, settings.intake.max_document_bytes
    )
    return LetterDesk(journal, hand, told, clock=clock, executor=executor)


def open_work(
    settings: Settings,
    installation: Installation,
    foundation: Foundation,
    *,
    clock: Clock,
    uuid_factory: UuidFactory,
    on_call: OnCall = nobody,
    gate: Callable[[GateConfig], CdaGate] = open_gate,
) -> Work:
    """Clients and flows over `foundation`; nothing is called yet. `on_call` hears of each call, after the audit.

    gate  opens what judges documents; `Work.close` closes it
    """
    journal = foundation.journal
    today = _today(clock)
    connections = ExitStack()
    try:
        recorder = both(Recorder(journal, journal.audit_key, structure=settings.keys.structure), on_call)
        kept_alive = sum(foundation.destinations.workers(name) for name in (DMP, DMP_READ))

        def client(name: str, _structure: str) -> DmpClient:
            keyring = installation.keyring(name)
            return DmpClient(
                settings.dmp,
                session=connections.enter_context(tls_session(keyring.tls, pool=kept_alive)),
                signer=keyring.sign,
                vihf=settings.vihf,
                clock=clock,
                uuid_factory=uuid_factory,
                clockwatch=foundation.clockwatch,
                on_call=recorder,
            )

        feeders = feeders_of(settings.keys, settings.entities, settings.caller, settings.dmp, client)
        dmp = feeders.main.dmp
        pix = _pix(settings, installation.main.tls, clock, uuid_factory, recorder)
        if pix is not None:
            connections.callback(pix.close)
        gates = Gate(
            journal,
            pix,
            settings.publication,
            settings.identity,
            wanted=settings.pix.wanted(),
            destinations=foundation.destinations,
        )
        cda = connections.enter_context(gate(settings.gate))
        handlers: dict[str, Handler] = {
            ADMISSION: AdmissionFlow(journal, pix, identity=settings.identity, wanted=settings.pix.wanted()),
            CONSULTATION: _consultation(settings, journal, dmp, clock, recorder),
            PUBLICATION: PublicationFlow(
                journal,
                feeders,
                gates,
                Refusals(journal, cda, settings.dmp, today=today),
                PublicationSettings(settings.publication, settings.intake),
                clock=clock,
                uuid_factory=uuid_factory,
                today=today,
            ),
            ZAM: ZamFlow(settings.zam, _zam_exchange(settings), clock=clock, on_call=recorder),
            NOTICE: NoticeFlow(),
        }
    except BaseException:
        connections.close()
        raise
    take_up_not_served(journal)
    router = Router(settings.intake, today=today, shadow=settings.publication.mode == "shadow")
    return Work(router, handlers, installation.certificates(), connections)


def check_entrance(settings: Settings) -> None:
    """What a process that only listens needs: the journal's folder, the listener's own PEM files, no key.

    The site's code lists are read here, and in use from now on.
    Raises SettingsError.
    """
    _check_store(settings)
    use_folder(settings.codes.folder)
    _check_files({f"listener.{name}": getattr(settings.listener, name) for name in _LISTENER_FILES})
    _check_letters(settings)


def check_installation(settings: Settings, clock: Clock) -> Installation:
    """Raises SettingsError naming the file or certificate that is wrong."""
    _check_paths(settings)
    _check_audit(settings)
    check_start(settings.gate, environment=settings.dmp.environment, feeding=settings.publication.mode != "off")
    now = clock()
    return Installation(
        load_keyring(settings.keys, now),
        {
            entity.name: load_keyring(entity.keys(settings.keys), now, section=f"entities.{entity.name}")
            for entity in settings.entities
        },
    )


def _check_letters(settings: Settings) -> None:
    letters = settings.letters
    _check_files({f"letters.{name}": getattr(letters, name) for name in (*_LISTENER_FILES, "mandatory")})
    load_rules(letters.mandatory)
    if letters.folder is not None and not letters.folder.is_dir():
        raise SettingsError(
            "letters.folder: no such folder", name="letters.folder", found=str(letters.folder), allowed="a folder"
        )


_LISTENER_FILES: Final = ("tls_cert", "tls_key", "tls_client_ca")


def _check_paths(settings: Settings) -> None:
    """Files that must be there before anything starts; what the connector writes only needs its folder."""
    check_entrance(settings)
    files = {f"keys.{item.name}": getattr(settings.keys, item.name) for item in fields(settings.keys)}
    for entity in settings.entities:
        files |= {f"entities.{entity.name}.{item.name}": getattr(entity, item.name) for item in fields(entity)}
    files |= {f"audit.atna.{name}": getattr(settings.audit.atna, name) for name in ("ca_file", "certificate", "key")}
    _check_files(files | {"psc.ca_file": settings.psc.ca_file})


def _check_audit(settings: Settings) -> None:
    """The key of the trail where it has begun, and what ITI-20 needs."""
    key = key_file_of(settings.journal)
    if key.exists():
        load_key(key)
    if settings.audit.atna.host:
        tls_context(settings.audit.atna)


def _check_store(settings: Settings) -> None:
    store = settings.journal.url.path
    if store is not None and not store.parent.is_dir():
        raise SettingsError(
            "journal.store: no such folder",
            name="journal.store",
            found=str(store.parent),
            allowed="a path in an existing folder",
        )


def _check_files(files: Mapping[str, object]) -> None:
    for name, file in files.items():
        if isinstance(file, Path) and not file.is_file():
            raise SettingsError(f"{name}: no such file", name=name, found=str(file), allowed="an existing file")


def _pix(
    settings: Settings, context: ssl.SSLContext, clock: Clock, uuid_factory: UuidFactory, on_call: OnCall
) -> PixClient | None:
    # an identity server inside the hospital speaks plain MLLP; its SOAP service takes the structure's certificate
    tls = context if settings.pix.protocol == "v3" else None
    return open_client(settings.pix, tls=tls, clock=clock, uuid_factory=uuid_factory, on_call=on_call)


def _consultation(
    settings: Settings, journal: Journal, dmp: DmpClient, clock: Clock, on_call: OnCall
) -> ConsultationFlow:
    structure = settings.keys.structure
    return ConsultationFlow(
        journal,
        dmp,
        ConsultationSettings(
            settings.consultation,
            settings.caller,
            structure,
            settings.psc.structure or structure,
            records=settings.dmp.profile == "dmp",
        ),
        sessions=TokenSession(settings.psc, clock=clock, tell=logger("psc").warning, on_call=on_call),
        clock=clock,
    )


def _zam_exchange(settings: Settings) -> Callable[[ZamDestination, bytes], bytes]:
    """One connection per ZAM: rare messages, and a sender's listener may close idle ones."""

    def exchange(destination: ZamDestination, message: bytes) -> bytes:
        client = MllpClient(destination.host, destination.port, timeout=settings.zam.timeout)
        try:
            return client.exchange(message)
        finally:
            client.close()

    return exchange


def _today(clock: Clock) -> Callable[[], date]:
    return lambda: clock().date()
