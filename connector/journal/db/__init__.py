"""Where the rows live: SQLite in one process, PostgreSQL beyond one machine; the SQL is the same."""
