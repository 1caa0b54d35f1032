"""Projects: few, awaited by everything else, so they are tried again quickly."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("project", retry_backoff=1, retry_backoff_max=30, max_retries=8))
def sync_project(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these projects forward."""
    self.bring_forward(company_id, record_ids)
