"""Commitments: purchase orders and subcontracts, with their schedules of values."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("commitment", retry_backoff=4, max_retries=6))
def sync_commitment(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these commitments forward."""
    self.bring_forward(company_id, record_ids)
