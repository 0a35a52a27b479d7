"""From `--domain NAME --settings FILE` to a client: no journal, no daemon, keys only where the domain wants them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connector.base.errors import SettingsError
from connector.base.oid import is_oid

if TYPE_CHECKING:
    from connector.dmp.config import DmpConfig
    from connector.dmp.domain_client import DomainClient


@dataclass(frozen=True, slots=True)
class Patient:
    """`id` in the domain `oid`; `cx` is the text as given, completed."""

    id: str
    oid: str
    cx: str


def patient_of(text: str, config: DmpConfig) -> Patient:
    """The patient of `id^^^&oid&ISO`, or of a bare `id` where the domain has its patient domain.

    The French profile adds the type NH (dmp-interface c.2), the IHE profile drops any (ihe-rules D.8).
    Raises SettingsError.
    """
    value, *rest = text.split("^")
    authority = rest[2] if len(rest) > 2 else f"&{config.patient_domain}&ISO"
    parts = authority.split("&")
    if not value or len(parts) != 3 or not is_oid(parts[1]) or parts[2] != "ISO":
        raise SettingsError("not a patient", name="--patient", found="another form", allowed="id^^^&oid&ISO")
    pure = f"{value}^^^&{parts[1]}&ISO"
    if config.profile == "ihe":
        return Patient(value, parts[1], pure)
    return Patient(value, parts[1], f"{pure}^{rest[3] if len(rest) > 3 and rest[3] else 'NH'}")


@contextmanager
def open_domain(
    name: str, settings_file: Path, patient_text: str = "", capture: Path | None = None
) -> Iterator[tuple[DomainClient, Patient | None]]:
    """A client of the domain `name` and the patient as this domain writes it; connections are closed at the end.

    Raises SettingsError: no such domain, keys or files that cannot be used.
    """
    from connector.base.clock import utc_now
    from connector.cli.xds_capture import Capture
    from connector.dmp.domain import DMP
    from connector.dmp.domain_client import DomainClient
    from connector.flows.callers import structure_caller
    from connector.ins.model import MatriculeIns
    from connector.settings import load_domains, load_settings
    from connector.soap.session import tls_session
    from connector.trust.keyring import load_keyring

    domain = None
    if name == DMP:
        settings = load_settings(settings_file)
        config = settings.dmp
    else:
        domains = load_domains(settings_file)
        if name not in domains:
            allowed = ", ".join([*domains, DMP])
            raise SettingsError("unknown domain", name="--domain", found=name, allowed=allowed)
        domain = domains[name]
        config = domain.client_config()
    patient = patient_of(patient_text, config) if patient_text else None
    now = utc_now()
    signer, vihf, caller = None, None, None
    context = domain.tls() if domain else None
    if domain is None or config.asserts or config.signs:
        settings = load_settings(settings_file)
        keyring = load_keyring(settings.keys, now)
        signer, vihf = keyring.sign, settings.vihf
        caller = structure_caller(settings.caller, settings.keys.structure, authn_instant=now)
        context = context or keyring.tls
    with tls_session(context) as session:
        client = DomainClient(
            config,
            session=session,
            signer=signer,
            vihf=vihf,
            caller=caller,
            ins=MatriculeIns(patient.id, patient.oid) if patient else None,
            codes=domain.code_lists() if domain else None,
            capture=Capture(capture) if capture else None,
        )
        yield client, patient
