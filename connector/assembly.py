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
from connector.base.credentials import secret
from connector.base.errors import SettingsError
from connector.base.finding import Finding
from connector.base.logs import logger
from connector.codes import use_folder
from connector.dmp.client import DmpClient
from connector.flows.admission import AdmissionFlow
from connector.flows.config import ZamDestination
from connector.flows.consultation import ConsultationFlow, ConsultationSettings
from connector.flows.destinations import DMP, DMP_READ
from connector.flows.gate import Gate
from connector.flows.intake import Intake
from connector.flows.notices import NOTICE, NoticeFlow
from connector.flows.publication import PublicationFlow, PublicationSettings
from connector.flows.routing import ADMISSION, CONSULTATION, PUBLICATION, ZAM, Router
from connector.flows.sessions import TokenSession
from connector.flows.zam import ZamFlow
from connector.hl7.mllp_client import MllpClient
from connector.journal import Handler, Journal
from connector.journal.audit import Recorder, key_file_of
from connector.journal.audit.atna.repository import tls_context
from connector.journal.audit.key import load_key
from connector.journal.engine.destinations import Destinations
from connector.patients.schema import SCHEMA as PATIENTS_SCHEMA
from connector.pix.client import PixClient, open_client
from connector.settings import Settings
from connector.soap.session import tls_session
from connector.trust.clockwatch import ClockWatch
from connector.trust.config import KeysConfig
from connector.trust.errors import KeyMaterialError
from connector.trust.keys import KeyPair, check_auth_certificate, check_sign_certificate, load_pem, load_pkcs12
from connector.trust.tls import client_context_of


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


Installation = tuple[KeyPair, KeyPair, ssl.SSLContext]
"""SIGN, AUTH_CLI, TLS of the DMP: loaded and checked."""


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


def open_work(
    settings: Settings,
    installation: Installation,
    foundation: Foundation,
    *,
    clock: Clock,
    uuid_factory: UuidFactory,
    on_call: OnCall = nobody,
) -> Work:
    """Clients and flows over `foundation`; nothing is called yet. `on_call` hears of each call, after the audit."""
    sign, auth, context = installation
    journal = foundation.journal
    today = _today(clock)
    connections = ExitStack()
    try:
        recorder = both(Recorder(journal, journal.audit_key, structure=settings.keys.structure), on_call)
        kept_alive = sum(foundation.destinations.workers(name) for name in (DMP, DMP_READ))
        dmp = DmpClient(
            settings.dmp,
            session=connections.enter_context(tls_session(context, pool=kept_alive)),
            signer=sign,
            vihf=settings.vihf,
            clock=clock,
            uuid_factory=uuid_factory,
            clockwatch=foundation.clockwatch,
            on_call=recorder,
        )
        pix = _pix(settings, context, clock, uuid_factory, recorder)
        if pix is not None:
            connections.callback(pix.close)
        gate = Gate(
            journal,
            pix,
            settings.publication,
            settings.identity,
            wanted=settings.pix.wanted(),
            destinations=foundation.destinations,
        )
        handlers: dict[str, Handler] = {
            ADMISSION: AdmissionFlow(journal, pix, identity=settings.identity, wanted=settings.pix.wanted()),
            CONSULTATION: _consultation(settings, journal, dmp, clock, recorder),
            PUBLICATION: PublicationFlow(
                journal,
                dmp,
                gate,
                PublicationSettings(
                    settings.publication, settings.identity, settings.intake, settings.caller, settings.keys.structure
                ),
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
    return Work(Router(settings.intake, today=today), handlers, {"SIGN": sign, "AUTH_CLI": auth}, connections)


def check_entrance(settings: Settings) -> None:
    """What a process that only listens needs: the journal's folder, the listener's own PEM files, no key.

    The site's code lists are read here, and in use from now on.
    Raises SettingsError.
    """
    _check_store(settings)
    use_folder(settings.codes.folder)
    _check_files({f"listener.{name}": getattr(settings.listener, name) for name in _LISTENER_FILES})


def check_installation(settings: Settings, clock: Clock) -> Installation:
    """(SIGN, AUTH_CLI, TLS of the DMP). Raises SettingsError naming the file or certificate that is wrong."""
    _check_paths(settings)
    _check_audit(settings)
    sign, auth = load_keys(settings.keys, clock)
    return sign, auth, _tls(settings.keys, auth)


_LISTENER_FILES: Final = ("tls_cert", "tls_key", "tls_client_ca")


def _check_paths(settings: Settings) -> None:
    """Files that must be there before anything starts; what the connector writes only needs its folder."""
    check_entrance(settings)
    files = {f"keys.{item.name}": getattr(settings.keys, item.name) for item in fields(settings.keys)}
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


def load_keys(config: KeysConfig, clock: Clock) -> tuple[KeyPair, KeyPair]:
    """(SIGN, AUTH_CLI), loaded once and checked. Raises SettingsError with every problem, by name."""
    password = _password(config.password_env)
    sign = _load("keys.sign", config.sign_pkcs12, config.sign_certificate, config.sign_key, password)
    auth = _load("keys.auth", config.auth_pkcs12, config.auth_certificate, config.auth_key, password)
    now = clock()
    _refuse("keys.sign", check_sign_certificate(sign, config.structure, now))
    _refuse("keys.auth", check_auth_certificate(auth, config.structure, now))
    return sign, auth


def _password(variable: str) -> str | None:
    password = secret(variable) if variable else None
    if variable and password is None:
        raise SettingsError(
            f"no environment variable {variable}, no credential of that name",
            name="keys.password_env",
            found=variable,
            allowed='a variable that is set, a credential, or ""',
        )
    return password


def _load(name: str, p12: Path | None, certificate: Path | None, key: Path | None, password: str | None) -> KeyPair:
    if p12 is None and (certificate is None or key is None):
        raise SettingsError(
            f"{name}: no key pair",
            name=name,
            found="nothing",
            allowed=f"{name}_pkcs12, or {name}_certificate and {name}_key",
        )
    try:
        if p12 is not None:
            return load_pkcs12(p12, password)
        assert certificate is not None
        assert key is not None
        return load_pem(certificate, key, password)
    except KeyMaterialError as error:
        raise _unusable(name, error) from error


def _unusable(name: str, error: KeyMaterialError) -> SettingsError:
    found = f"{error.context.get('field', '')} ({error.context.get('found', '')})"
    allowed = str(error.context.get("expected", ""))
    return SettingsError(f"{name}: {error.message}", name=name, found=found, allowed=allowed)


def _refuse(name: str, findings: list[Finding]) -> None:
    blocking = [f for f in findings if f.blocking]
    if blocking:
        text = " ; ".join(f"{f.text} ({f.field} : {f.found}, attendu : {f.expected})" for f in blocking)
        first = blocking[0]
        raise SettingsError(f"{name}: {text}", name=name, found=first.found, allowed=first.expected)


def _tls(config: KeysConfig, auth: KeyPair) -> ssl.SSLContext:
    try:
        # the pair already loaded and checked, whatever file it came from
        return client_context_of(auth, config.ca_file)
    except KeyMaterialError as error:
        raise _unusable("keys.ca_file", error) from error


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
        ConsultationSettings(settings.consultation, settings.caller, structure, settings.psc.structure or structure),
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
