"""Options of the commands that speak MLLP over TLS: whom to trust, and who calls."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

import typer

from connector.base.errors import SettingsError

_PEM = {"exists": True, "dir_okay": False}
Ca = Annotated[
    Path | None, typer.Option("--ca", **_PEM, help="Speak TLS: PEM authorities trusted for the listener's certificate.")
]
Cert = Annotated[
    Path | None, typer.Option("--cert", **_PEM, help="PEM certificate to show to the listener (with --ca).")
]
CertKey = Annotated[
    Path | None, typer.Option("--cert-key", **_PEM, help="Its PEM key; --cert holds it too if left out.")
]


def client_tls(ca: Path | None, cert: Path | None, cert_key: Path | None) -> ssl.SSLContext | None:
    """TLS 1.2 or better towards a listener that `ca` signed and that is named as called; None without `ca`.

    Raises SettingsError when files are missing or cannot be used.
    """
    if ca is None:
        if cert is not None or cert_key is not None:
            raise SettingsError("TLS of whom?", name="--ca", found="", allowed="the authorities of the listener")
        return None
    if cert is None and cert_key is not None:
        raise SettingsError("a key without its certificate", name="--cert", found="", allowed="a PEM certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    name = "--ca"
    try:
        context.load_verify_locations(cafile=ca)
        if cert is not None:
            name = "--cert, --cert-key"
            # an empty password, rather than none, keeps OpenSSL from asking one at the terminal
            context.load_cert_chain(cert, cert_key, "")
    except (OSError, ValueError) as error:
        raise SettingsError("unusable TLS file", name=name, found=type(error).__name__, allowed="PEM files") from error
    return context
