"""Tables of the flows: which document went through which delivery, for idempotence and the timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from connector.journal.db.migrate import Room

SCHEMA: Final = Room("flows", Path(__file__).parent / "migrations", "flows_0001")
