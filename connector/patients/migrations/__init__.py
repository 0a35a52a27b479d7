"""The tables of the patients room, release after release (alembic)."""
