"""Budget codes: many, awaited by commitments."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("budget_code", max_retries=6))
def sync_budget_code(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these budget codes forward."""
    self.bring_forward(company_id, record_ids)
