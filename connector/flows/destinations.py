"""The far ends a delivery may speak to, by the name of their workers, rate and circuit breaker (engine.destinations).

Reading the DMP and feeding it are two destinations: a feed that hangs delays no consultation, and the reverse.
"""

from __future__ import annotations

from typing import Final

IDENTITY: Final = "identity"
"""The hospital's identity server (ITI-9, ITI-45): admissions."""

DMP: Final = "dmp"
"""The DMP as it is fed (ITI-41, and TD3.1b after a doubt): publications."""

DMP_READ: Final = "dmp-read"
"""The DMP as it is read (TD0.2, TD0.3, TD3.1, TD3.2): consultations."""


def zam_destination(sender: str) -> str:
    """The MLLP listener of one sender ("MSH-3|MSH-4" of its requests): business acknowledgements."""
    return f"zam:{sender}"
