"""Variations: change orders to commitments."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("variation", retry_backoff=4, max_retries=6))
def sync_variation(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these variations forward."""
    self.bring_forward(company_id, record_ids)
