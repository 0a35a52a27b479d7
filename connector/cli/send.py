"""`connector send`: messages over MLLP, the ACK printed readably."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.base.errors import SettingsError
from connector.cli.mllp_tls import Ca, Cert, CertKey, client_tls
from connector.cli.output import console, print_json

if TYPE_CHECKING:
    from connector.hl7.ack import AckError


def send(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="HL7 v2 messages (ER7).")],
    to: Annotated[str, typer.Option("--to", help="HOST:PORT of the MLLP listener.")],
    as_is: Annotated[bool, typer.Option("--as-is", help="Keep the line ends of the file (CR otherwise).")] = False,
    ca: Ca = None,
    cert: Cert = None,
    cert_key: CertKey = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each ACK.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Send HL7 messages over MLLP, or MLLP over TLS, and print each acknowledgement. Exit 1 when one is not AA."""
    from connector.hl7.ack import parse_ack
    from connector.hl7.mllp_client import MllpClient

    host, port = host_and_port(to)
    client = MllpClient(host, port, timeout=timeout, tls=client_tls(ca, cert, cert_key))
    results: list[dict[str, Any]] = []
    try:
        for path in files:
            raw = path.read_bytes()
            started = time.perf_counter()
            ack = parse_ack(client.exchange(raw if as_is else with_cr(raw)))
            results.append(
                {
                    "file": path.name,
                    "ack": ack.code,
                    "controlId": ack.control_id,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                    "errors": [_error(e) for e in ack.errors],
                }
            )
            if not as_json:
                _print(results[-1])
    finally:
        client.close()
    if as_json:
        print_json(results)
    if any(result["ack"] not in ("AA", "CA") for result in results):
        raise typer.Exit(1)


def with_cr(raw: bytes) -> bytes:
    """`raw` with CR line ends, as MLLP receivers expect."""
    return raw.replace(b"\r\n", b"\r").replace(b"\n", b"\r")


def host_and_port(value: str) -> tuple[str, int]:
    """(host, port) of `HOST:PORT`. Raises SettingsError (name, found, allowed)."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError("not an address", name="--to", found=value, allowed="HOST:PORT")
    return host.strip("[]"), int(port)


def _error(error: AckError) -> dict[str, str]:
    return {
        "location": error.location,
        "code": error.code,
        "text": error.text,
        "appCode": error.app_code,
        "appText": error.app_text,
    }


def _print(result: dict[str, Any]) -> None:
    colour = "green" if result["ack"] in ("AA", "CA") else "red"
    line = f"[{colour}]{result['ack']}[/{colour}] {result['file']} ({result['milliseconds']} ms)"
    console().print(line, highlight=False)
    for error in result["errors"]:
        application = f" / {error['appCode']} {error['appText']}" if error["appCode"] else ""
        place = f" at {error['location']}" if error["location"] else ""
        console().print(f"   {error['code']} {error['text']}{application}{place}", highlight=False, markup=False)
