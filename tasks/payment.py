"""Payments. Procore and Lentune exchange none; the systems that report payments declare the flows this task serves."""

from celery import Task, shared_task

from settings.environment import environment
from tasks import scan
from tasks.base import DATABASE_TROUBLE, RecordTask, policy


@shared_task(**policy("payment", retry_backoff=8, max_retries=3))
def sync_payment(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these payments forward: never sent again by itself while an outcome is uncertain."""
    self.bring_forward(company_id, record_ids)


@shared_task(
    name="sitebooks.payment.pull",
    bind=True,
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=4,
    retry_backoff_max=60,
    max_retries=20,
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def pull(self: Task, company_id: int, system: str) -> None:
    """A person pressed Sync Payments for Synced Invoices: the payments are read as by the schedule and the webhook (Y-16)."""
    scan.read_kind(self, company_id, system, "payment")
