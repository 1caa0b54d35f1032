"""The circuit against mass mistakes: more new documents within an hour than is usual wait for a person (reliability F58)."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from models import text
from objects.money import text_of
from objects.problem import Problem
from sync.work import Work

#: Kinds that book money.
KINDS = ("commitment", "variation", "invoice", "payment")


def unusual(db: Connection, work: Work, amount: Decimal | None) -> Problem | None:
    """The problem when this new document would be one too many, or too much money, of its kind within an hour."""
    settings = work.connected.settings
    if work.flow.kind not in KINDS or work.row.remote_id is not None:
        return None
    sent = _of_the_last_hour(db, work)
    count, total = sent.count + 1, (sent.total or Decimal(0)) + (amount or Decimal(0))
    if count > settings.most_new_per_hour:
        reason = f"the settings say that more than {settings.most_new_per_hour} are unusual"
    elif settings.most_amount_per_hour is not None and total > settings.most_amount_per_hour:
        most = text_of(settings.most_amount_per_hour)
        reason = f"together {text_of(total)}, and the settings say that more than {most} is unusual"
    else:
        return None
    return Problem("unusual_volume", {"count": str(count), "kinds": f"{work.flow.kind.replace('_', ' ')}s", "reason": reason})


def _of_the_last_hour(db: Connection, work: Work) -> Any:
    """Every record counts once, with the largest amount that one of its steps carried."""
    return db.execute(
        text("""
        WITH sent AS (
            SELECT r.id, min(w.planned_at) AS first, max(w.amount) AS amount FROM write w JOIN sync_record r ON r.id = w.record_id
            WHERE w.planned_at > clock_timestamp() - interval '1 hour' AND w.side = 'target' AND w.sends > 0
                AND r.connection_id = :c AND r.kind = :k AND r.direction = :d AND r.id <> :id GROUP BY r.id
        ) SELECT count(*) AS count, sum(amount) AS total FROM sent
        WHERE NOT EXISTS (SELECT FROM write e WHERE e.record_id = sent.id AND e.planned_at < sent.first AND e.sends > 0)
    """),
        {"c": work.connected.id, "k": work.flow.kind, "d": work.flow.direction, "id": work.id},
    ).one()
