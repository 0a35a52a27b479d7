"""`connector run`: the daemon in the foreground, for a terminal, systemd or a container."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file (TOML).")],
    role: Annotated[
        str, typer.Option(help="listener, worker or all; only PostgreSQL lets several processes share the work.")
    ] = "all",
    check_only: Annotated[bool, typer.Option("--check", help="Check settings and certificates, then stop.")] = False,
) -> None:
    """Run the connector until SIGTERM or SIGINT; work in progress is finished first. SIGHUP rereads the settings."""
    from connector.cli.output import console
    from connector.daemon import check_settings
    from connector.foreground import run_daemon
    from connector.settings import load_settings

    if check_only:
        check_settings(load_settings(config), role)
        console().print("[green]settings and certificates are good[/green]")
        return
    run_daemon(config, role)
