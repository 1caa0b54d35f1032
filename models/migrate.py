"""Brings a database to this release's schema; safe to run from several processes at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from models.session import sqlalchemy_url

HERE = Path(__file__).parent
#: Any number, the same in every process: whoever migrates first makes the others wait.
MIGRATION_LOCK = 7_201_446


def config() -> Config:
    """Alembic's configuration, independent of the working directory."""
    made = Config()
    made.set_main_option("script_location", str(HERE / "migrations"))
    return made


def upgrade(url: str) -> None:
    """All migrations, then the functions of functions.sql as this release has them."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            made = config()
            made.attributes["connection"] = connection
            command.upgrade(made, "head")
            connection.exec_driver_sql((HERE / "functions.sql").read_text().replace("%", "%%"))
    finally:
        engine.dispose()


def head() -> str | None:
    """The newest migration of this release."""
    return ScriptDirectory.from_config(config()).get_current_head()
