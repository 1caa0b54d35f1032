"""What Postgres remembers: tables, one way to open a transaction for a company, migrations."""

from models.session import counters, dispose, engine, session, text, unscoped

__all__ = ["counters", "dispose", "engine", "session", "text", "unscoped"]
