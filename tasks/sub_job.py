"""Sub jobs: they move as the budget codes under them, so reading one again is all there is to do."""

from celery import shared_task

from settings.environment import environment
from sync import scan
from tasks import publish
from tasks.base import DATABASE_TROUBLE


@shared_task(
    name="sitebooks.sub_job.read",
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=5,
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def read_sub_jobs(company_id: int, system: str, project_id: str) -> None:
    """Reads a project's sub jobs and then its budget codes, whose descriptions carry the sub job's name (L-04)."""
    for kind in ("sub_job", "budget_code"):
        publish.ring_all(company_id, scan.scan(company_id, system, kind, project_id).rung)
