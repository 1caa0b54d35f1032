"""What Postgres remembers: tables, one way to open a transaction for a company, migrations."""

from models.session import dispose, engine, session, unscoped

__all__ = ["dispose", "engine", "session", "unscoped"]
