"""Cost types: a handful per company, awaited by every budget code."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("cost_type", retry_backoff=1, max_retries=6))
def sync_cost_type(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these types forward."""
    self.bring_forward(company_id, record_ids)
