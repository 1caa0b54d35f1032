"""The webhook enqueuer: turns stored events into rung records."""

from celery import shared_task

from settings.environment import environment
from sync import inbox
from tasks import publish
from tasks.base import DATABASE_TROUBLE


@shared_task(
    name="sitebooks.inbox.process",
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=6,
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def process(company_id: int, event_ids: list[int]) -> None:
    """Settles these events and rings what they are about."""
    rung, lists = inbox.process(company_id, event_ids)
    # a storm takes its turn with what is read in bulk: other companies' webhooks do not stand behind it (F18)
    publish.ring_all(company_id, rung, queue="bulk" if inbox.storm(company_id) else None)
    for system, kind, project_id in lists:
        publish.send(f"sitebooks.{kind}.read", [company_id, system, project_id])
