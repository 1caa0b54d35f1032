"""Payments. Procore and Lentune exchange none; the systems that report payments declare the flows this task serves."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("payment", retry_backoff=8, max_retries=3))
def sync_payment(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these payments forward: never sent again by itself while an outcome is uncertain."""
    self.bring_forward(company_id, record_ids)
