"""Alembic's way in: one connection, handed over by models.migrate, or DATABASE_URL from the command line."""

from alembic import context
from sqlalchemy import create_engine

from models.session import sqlalchemy_url
from models.tables import metadata
from settings.environment import environment


def _run(connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with create_engine(sqlalchemy_url(environment().database())).connect() as opened:
        _run(opened)
        opened.commit()
