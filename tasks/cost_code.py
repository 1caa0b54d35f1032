"""Standard cost codes: the company's own list."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("cost_code", max_retries=5))
def sync_cost_code(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these codes forward."""
    self.bring_forward(company_id, record_ids)
