"""The settings file: TOML, one section per room, composed of the frozen values each room declares.

A bad setting is refused at start with its name, what was found and what is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from connector.api.app import ApiConfig
from connector.base.errors import SettingsError
from connector.codes import CodesConfig
from connector.dmp.config import DmpConfig
from connector.dmp.domain import DMP, DomainConfig
from connector.flows.config import (
    CallerConfig,
    ConsultationConfig,
    IdentityConfig,
    IntakeConfig,
    PublicationConfig,
    ZamConfig,
)
from connector.flows.letters.config import LettersConfig
from connector.flows.sessions import PscConfig
from connector.hl7.mllp import MllpConfig
from connector.ins.model import ALLOWED_OIDS
from connector.journal import EngineConfig, JournalConfig, JournalError
from connector.journal.audit import AuditConfig, key_file_of
from connector.journal.retention.config import RetentionConfig
from connector.kit.config import GateConfig
from connector.pix.config import PixConfig
from connector.trust.config import ClockConfig, EntityConfig, KeysConfig
from connector.trust.national import comparable
from connector.trust.vihf import VihfConfig
from connector.watch.config import AlertsConfig

_NOT_WRITTEN: Final[Mapping[type, set[str]]] = {JournalConfig: {"folder"}, GateConfig: {"environment"}}
"""What a section knows without being told in the file."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`format`: 'console' for people, 'json' for machines; identities are redacted in both."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "json"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything one connector process is told."""

    journal: JournalConfig
    keys: KeysConfig
    dmp: DmpConfig
    vihf: VihfConfig
    entities: tuple[EntityConfig, ...] = ()
    domains: Mapping[str, DomainConfig] = field(default_factory=dict)
    listener: MllpConfig = field(default_factory=MllpConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    intake: IntakeConfig = field(default_factory=IntakeConfig)
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    pix: PixConfig = field(default_factory=PixConfig)
    caller: CallerConfig = field(default_factory=CallerConfig)
    consultation: ConsultationConfig = field(default_factory=ConsultationConfig)
    psc: PscConfig = field(default_factory=PscConfig)
    publication: PublicationConfig = field(default_factory=PublicationConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    zam: ZamConfig = field(default_factory=ZamConfig)
    letters: LettersConfig = field(default_factory=LettersConfig)
    clock: ClockConfig = field(default_factory=ClockConfig)
    codes: CodesConfig = field(default_factory=CodesConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    api: ApiConfig = field(default_factory=ApiConfig)
    log: LogConfig = field(default_factory=LogConfig)


def load_settings(path: Path) -> Settings:
    """Reads `path`; relative paths inside count from its folder. Raises SettingsError (name, found, allowed)."""
    return parse_settings(_read(path), path.resolve().parent)


def load_domains(path: Path) -> Mapping[str, DomainConfig]:
    """The `[domains.NAME]` sections of `path` alone: a file of nothing else is enough to speak to a domain.

    Raises SettingsError like `load_settings`.
    """
    return _domains(_read(path).get("domains", {}), path.resolve().parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = error.strerror or "" if isinstance(error, OSError) else str(error)
        raise SettingsError("settings file unreadable", name=str(path), found=found, allowed="a TOML file") from error


def _domains(raw: Mapping[str, Any], folder: Path) -> Mapping[str, DomainConfig]:
    """Each domain under its name; its faults are named with it."""
    found: dict[str, DomainConfig] = {}
    for name, table in raw.items():
        if name == DMP:
            raise SettingsError(
                "the domain dmp has its own section", name="domains.dmp", found="a section", allowed="[dmp]"
            )
        prepared = _value(table, DomainConfig, folder, f"domains.{name}.")
        try:
            found[name] = TypeAdapter(DomainConfig).validate_python(prepared)
        except ValidationError as error:
            raise _wrong(error, f"domains.{name}.") from error
        except SettingsError as error:
            error.context["name"] = str(error.context["name"]).replace("domains.", f"domains.{name}.", 1)
            raise
    return found


def parse_settings(raw: Mapping[str, Any], folder: Path) -> Settings:
    """Settings of an already parsed table. Hyphens and underscores are the same in names."""
    table = _prepare({name: value for name, value in raw.items() if name != "domains"}, Settings, folder, "")
    try:
        settings = TypeAdapter(Settings).validate_python(table)
    except ValidationError as error:
        raise _wrong(error) from error
    journal = _placed(settings.journal, folder, settings.audit)
    domains = _domains(raw.get("domains", {}), folder)
    gate = replace(settings.gate.placed(folder), environment=settings.dmp.environment)
    settings = replace(settings, journal=journal, gate=gate, domains=domains)
    _agree(settings)
    return settings


def _placed(journal: JournalConfig, folder: Path, audit: AuditConfig) -> JournalConfig:
    """The store, a relative file of which counts from `folder`, with the key file of its audit trail."""
    placed = replace(journal, folder=folder, audit_key=audit.key_file)
    try:
        _ = placed.url
    except JournalError as error:
        found, allowed = error.context["found"], error.context["expected"]
        raise SettingsError(
            "wrong setting journal.store", name="journal.store", found=found, allowed=allowed
        ) from error
    key_file_of(placed)
    return placed


def _wrong(error: ValidationError, prefix: str = "") -> SettingsError:
    """The first fault of the table, by the name written in the file."""
    first = error.errors()[0]
    name = prefix + ".".join(str(part) for part in first["loc"])
    if "missing" in first["type"]:
        what = "setting" if "." in name else "section"
        return SettingsError(f"missing {what} {name}", name=name, found="nothing", allowed=f"this {what} is required")
    if first["type"] == "dataclass_type":
        return SettingsError(f"wrong setting {name}", name=name, found=str(first["input"]), allowed="a section (table)")
    allowed = str(first.get("ctx", {}).get("expected", first["msg"]))
    return SettingsError(f"wrong setting {name}", name=name, found=str(first["input"]), allowed=allowed)


def _agree(settings: Settings) -> None:
    """Sections that must say the same: a test identity never reaches a production DMP (hl7v2-interface §2.3 rule 3)."""
    environment = settings.dmp.environment
    if settings.intake.environment != environment:
        raise SettingsError(
            "intake.environment and dmp.environment differ",
            name="intake.environment",
            found=settings.intake.environment,
            allowed=f"{environment}, as dmp.environment",
        )
    allowed = ALLOWED_OIDS[environment]
    if settings.pix.protocol != "off" and settings.pix.ins_domain not in allowed:
        raise SettingsError(
            f"pix.ins_domain is no INS domain of the environment {environment}",
            name="pix.ins_domain",
            found=settings.pix.ins_domain,
            allowed=", ".join(sorted(allowed)),
        )
    _agree_on_entities(settings)


def _agree_on_entities(settings: Settings) -> None:
    """No name and no structure may mean two legal entities."""
    rule, names = settings.caller.bare_finess, [""]
    known = {comparable(one, rule) for one in (settings.keys.structure, *settings.keys.aliases)}
    for entity in settings.entities:
        own = {comparable(one, rule) for one in (entity.structure, *entity.aliases)}
        for name, found, taken in (("name", {entity.name}, set(names)), ("structure", own, known)):
            if found & taken:
                raise SettingsError(
                    f"two legal entities of one {name}",
                    name=f"entities.{entity.name}.{name}",
                    found=", ".join(sorted(found & taken)),
                    allowed=f"a {name} of its own, aliases included",
                )
        names.append(entity.name)
        known |= own


def _prepare(raw: Mapping[str, Any], kind: type, folder: Path, prefix: str) -> dict[str, Any]:
    """Checks names against the dataclass `kind`, resolves paths, goes down into nested values."""
    hints = get_type_hints(kind)
    known = {item.name for item in fields(kind)} - _NOT_WRITTEN.get(kind, set())
    table: dict[str, Any] = {}
    for written, value in raw.items():
        name = written.replace("-", "_")
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise SettingsError(
                f"unknown setting {prefix}{written}", name=prefix + written, found=written, allowed=allowed
            )
        table[name] = _value(value, hints[name], folder, f"{prefix}{written}.")
    return table


def _value(value: Any, hint: Any, folder: Path, prefix: str) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if Path in kinds and str not in kinds and isinstance(value, str):
        return folder / value
    nested = next((k for k in kinds if isinstance(k, type) and is_dataclass(k)), None)
    if nested is not None and isinstance(value, Mapping):
        return _prepare(value, nested, folder, prefix)
    if get_origin(hint) is Mapping and isinstance(value, dict):
        item = get_args(hint)[1]
        return {key: _value(one, item, folder, f"{prefix}{key}.") for key, one in value.items()}
    if get_origin(hint) is tuple and isinstance(value, list):
        item = get_args(hint)[0]
        return tuple(_value(one, item, folder, prefix) for one in value)
    return value
