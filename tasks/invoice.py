"""Invoices: money owed. Few quick tries; after them the due time and the sweep, calmly."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("invoice", retry_backoff=4, max_retries=4))
def sync_invoice(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these invoices forward."""
    self.bring_forward(company_id, record_ids)
