"""`connector simulate`: the other side alone, for integrators."""

from __future__ import annotations

import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.base.errors import SettingsError

if TYPE_CHECKING:
    from connector.simulator.config import SimConfig
    from connector.simulator.server import Simulator


class Profile(StrEnum):
    """How severe the other side is (ihe-rules D.8)."""

    DMP = "dmp"
    IHE = "ihe"


def simulate(
    folder: Annotated[Path, typer.Option(help="Store: certificates, world, documents.")] = Path(".demo/simulator"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    https_port: Annotated[int, typer.Option(help="DMP services and PIXv3, mutual TLS (0: any free port).")] = 8443,
    psc_port: Annotated[int, typer.Option(help="Pro Santé Connect user-info.")] = 8444,
    control_port: Annotated[int, typer.Option(help="Faults, log and counters (HTTP, loopback).")] = 8445,
    feed_port: Annotated[int, typer.Option(help="ITI-8 identity feed (MLLP).")] = 3700,
    query_port: Annotated[int, typer.Option(help="ITI-9 identity query (MLLP).")] = 3701,
    faults: Annotated[Path | None, typer.Option(exists=True, help="Faults to program at start (JSON).")] = None,
    profile: Annotated[Profile, typer.Option(help="dmp: judges as the DMP does; ihe: as IHE alone, without VIHF.")] = (
        Profile.DMP
    ),
    matrix: Annotated[
        Path | None, typer.Option(exists=True, help="Profession by document class (CSV), instead of the packaged one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Start the simulated identity server, DMP and Pro Santé Connect, until SIGINT or SIGTERM."""
    from connector.base.clock import utc_now
    from connector.cli.output import console, print_json
    from connector.cli.seed import seed_samples
    from connector.simulator.config import SimConfig

    config = SimConfig(
        folder=folder,
        host=host,
        https_port=https_port,
        psc_port=psc_port,
        control_port=control_port,
        feed_port=feed_port,
        query_port=query_port,
        ihe_pure=profile is Profile.IHE,
        assertion_required=profile is Profile.DMP,
        matrix_file=matrix,
    )
    simulator = _started(config, faults)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        seed_samples(simulator, utc_now())
        if as_json:
            print_json(simulator.urls)
        else:
            for name, url in simulator.urls.items():
                console().print(f"{name:12} {url}", highlight=False)
            console().print(f"certificates {folder}/pki; stop with Ctrl-C", highlight=False)
        stop.wait()
    finally:
        simulator.stop()


def _started(config: SimConfig, faults: Path | None) -> Simulator:
    """Raises SettingsError for a matrix, a fault file or a port that cannot be used."""
    from connector.simulator.server import Simulator

    try:
        simulator = Simulator(config)
    except ValueError as error:
        found = str(config.matrix_file)
        raise SettingsError("matrix refused", name="--matrix", found=found, allowed=str(error)) from error
    try:
        if faults is not None:
            simulator.faults.load(faults)
        return simulator.start()
    except ValueError as error:
        raise SettingsError("fault file refused", name="--faults", found=str(faults), allowed=str(error)) from error
    except OSError as error:
        found = error.strerror or str(error)
        raise SettingsError("the simulator cannot listen", name="port", found=found, allowed="free ports") from error
