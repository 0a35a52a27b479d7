"""Tables of the patients room; they live in the journal's database so that one commit covers both."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from connector.journal.db.migrate import Room

SCHEMA: Final = Room("patients", Path(__file__).parent / "migrations", "patients_0003")
