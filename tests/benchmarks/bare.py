"""The anchor of the object benchmark: a Celery task that does one upsert and nothing else."""

from celery import shared_task
from sqlalchemy import text

from models.session import engine

TABLE = "CREATE TABLE IF NOT EXISTS bare (id bigint PRIMARY KEY, at timestamptz NOT NULL)"
_UPSERT = text("""
    INSERT INTO bare (id, at) VALUES (:id, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET at = excluded.at
""")


@shared_task(name="bench.upsert")
def upsert(number: int) -> None:
    """One row, one statement, one commit."""
    with engine().begin() as db:
        db.execute(_UPSERT, {"id": number})
