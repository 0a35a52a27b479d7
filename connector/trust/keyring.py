"""What one legal entity signs and connects with, loaded from its settings and checked by name (dmp-interface b.8)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.base.credentials import secret
from connector.base.errors import SettingsError
from connector.base.finding import Finding
from connector.trust.config import KeysConfig
from connector.trust.errors import KeyMaterialError
from connector.trust.keys import KeyPair, check_auth_certificate, check_sign_certificate, load_pem, load_pkcs12
from connector.trust.tls import client_context_of


@dataclass(frozen=True, slots=True)
class Keyring:
    """SIGN and AUTH_CLI pairs of one structure, and the TLS of its connections to the DMP."""

    sign: KeyPair
    auth: KeyPair
    tls: ssl.SSLContext


def load_keyring(config: KeysConfig, now: datetime, *, section: str = "keys") -> Keyring:
    """Both pairs, loaded once and checked. Raises SettingsError with every problem, by name under `section`."""
    password = _password(config.password_env, section)
    sign = _load(f"{section}.sign", config.sign_pkcs12, config.sign_certificate, config.sign_key, password)
    auth = _load(f"{section}.auth", config.auth_pkcs12, config.auth_certificate, config.auth_key, password)
    _refuse(f"{section}.sign", check_sign_certificate(sign, config.structure, now))
    _refuse(f"{section}.auth", check_auth_certificate(auth, config.structure, now))
    try:
        # the pair already loaded and checked, whatever file it came from
        tls = client_context_of(auth, config.ca_file)
    except KeyMaterialError as error:
        raise _unusable(f"{section}.ca_file", error) from error
    return Keyring(sign, auth, tls)


def _password(variable: str, section: str) -> str | None:
    password = secret(variable) if variable else None
    if variable and password is None:
        raise SettingsError(
            f"no environment variable {variable}, no credential of that name",
            name=f"{section}.password_env",
            found=variable,
            allowed='a variable that is set, a credential, or ""',
        )
    return password


def _load(name: str, p12: Path | None, certificate: Path | None, key: Path | None, password: str | None) -> KeyPair:
    try:
        if p12 is not None:
            return load_pkcs12(p12, password)
        if certificate is not None and key is not None:
            return load_pem(certificate, key, password)
    except KeyMaterialError as error:
        raise _unusable(name, error) from error
    allowed = f"{name}_pkcs12, or {name}_certificate and {name}_key"
    raise SettingsError(f"{name}: no key pair", name=name, found="nothing", allowed=allowed)


def _unusable(name: str, error: KeyMaterialError) -> SettingsError:
    found = f"{error.context.get('field', '')} ({error.context.get('found', '')})"
    allowed = str(error.context.get("expected", ""))
    return SettingsError(f"{name}: {error.message}", name=name, found=found, allowed=allowed)


def _refuse(name: str, findings: Sequence[Finding]) -> None:
    blocking = [f for f in findings if f.blocking]
    if blocking:
        text = " ; ".join(f"{f.text} ({f.field} : {f.found}, attendu : {f.expected})" for f in blocking)
        first = blocking[0]
        raise SettingsError(f"{name}: {text}", name=name, found=first.found, allowed=first.expected)
