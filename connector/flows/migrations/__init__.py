"""The tables of the flows room, release after release (alembic)."""
