"""Tables written once for both databases."""

from __future__ import annotations

from typing import Final

from alembic import op

_WORDS: Final = {
    "sqlite": {
        "{serial}": "INTEGER PRIMARY KEY",
        "{kept_serial}": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "{id}": "INTEGER",
        "{bytes}": "BLOB",
        "{text}": "TEXT",
    },
    # Byte order, whatever the database's language: keys and times are compared as text.
    "postgresql": {
        "{serial}": "BIGSERIAL PRIMARY KEY",
        "{kept_serial}": "BIGSERIAL PRIMARY KEY",
        "{id}": "BIGINT",
        "{bytes}": "BYTEA",
        "{text}": 'TEXT COLLATE "C"',
    },
}


def run(script: str) -> None:
    """Runs the statements of `script` inside a migration, its {words} put in the database's own terms."""
    words = _WORDS[op.get_bind().dialect.name]
    for word, own in words.items():
        script = script.replace(word, own)
    for statement in script.split(";"):
        if statement.strip():
            op.execute(statement)


def dialect() -> str:
    return op.get_bind().dialect.name
