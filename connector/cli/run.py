"""`connector run`: the daemon in the foreground, for a terminal, systemd or a container."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file (TOML).")],
    check_only: Annotated[bool, typer.Option("--check", help="Check settings and certificates, then stop.")] = False,
) -> None:
    """Run the connector until SIGTERM or SIGINT; work in progress is finished first."""
    from connector.cli.output import console
    from connector.daemon import check_settings, run_daemon
    from connector.settings import load_settings

    settings = load_settings(config)
    if check_only:
        check_settings(settings)
        console().print("[green]settings and certificates are good[/green]")
        return
    run_daemon(settings)
