"""The journal's own tables, release after release (alembic)."""
