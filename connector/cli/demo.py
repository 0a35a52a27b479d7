"""`connector demo`: the main job told step by step, over real sockets, against the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps everything; emptied at start.")] = Path(".demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show the whole purpose on this machine: admission, identity, DMP search, letter, acknowledgement, refusals."""
    from connector.cli.demo_stage import Stage
    from connector.cli.demo_story import tell
    from connector.cli.demo_teller import Teller

    teller = Teller(as_json)
    with Stage(folder) as stage:
        good = tell(stage, teller)
    teller.end()
    if not good:
        raise typer.Exit(1)
