"""Vendors: matched or written; nothing waits long for one."""

from celery import shared_task

from tasks.base import RecordTask, policy


@shared_task(**policy("vendor", max_retries=5))
def sync_vendor(self: RecordTask, company_id: int, record_ids: list[int]) -> None:
    """Brings these vendors forward."""
    self.bring_forward(company_id, record_ids)
