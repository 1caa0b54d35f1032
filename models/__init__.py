"""What Postgres remembers: tables, one way to open a transaction for a company, migrations."""

from models.quick import Quick
from models.session import counters, dispose, engine, session, text, unscoped

__all__ = ["Quick", "counters", "dispose", "engine", "session", "text", "unscoped"]
