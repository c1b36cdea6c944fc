"""One way to a database: SQLite and PostgreSQL behind one unit of work."""
