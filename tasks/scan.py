"""Scans: one message per list, chained in dependency order; a pass is only the first kick, the rows are the memory."""

from collections.abc import Sequence

from celery import Task, chain, shared_task, signature

from connectors.calls import CallFailed, NotUnderstood
from connectors.registry import connector
from settings.environment import environment
from sync import scan as scans
from sync import settings, unread
from tasks import publish
from tasks.base import DATABASE_TROUBLE, countdown_to


@shared_task(
    name="sitebooks.scan.read",
    bind=True,
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=4,
    retry_backoff_max=60,
    max_retries=20,  # each waits until the source, or our share of its limit, said to come back
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def read(self: Task, company_id: int, system: str, kind: str, full: bool = False) -> None:
    """Reads one kind of one system: the company's list, or rings once for the list of each project."""
    read_kind(self, company_id, system, kind, full)


@shared_task(
    name="sitebooks.scan.list",
    bind=True,
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=4,
    retry_backoff_max=60,
    max_retries=20,  # each waits until the source, or our share of its limit, said to come back
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def read_list(self: Task, company_id: int, system: str, kind: str, project_id: str, full: bool = False) -> None:
    """Reads one kind of one project."""
    _read(self, company_id, system, kind, project_id, full)


@shared_task(
    name="sitebooks.scan.one",
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=5,
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def read_one(company_id: int, system: str, kind: str, source_id: str, project_id: str) -> None:
    """Reads one object that a record waits for and that nobody has read yet."""
    publish.ring_all(company_id, unread.read(company_id, (system, kind, source_id, project_id)))


@shared_task(
    name="sitebooks.scan.settings",
    autoretry_for=DATABASE_TROUBLE,
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=3,
    soft_time_limit=environment().soft_limit_seconds,
    time_limit=environment().hard_limit_seconds,
)
def read_settings(company_id: int, system: str) -> None:
    """Takes over the settings that the outside system holds, in case the event of their change was lost."""
    try:
        publish.ring_all(company_id, settings.fetch(company_id, system, actor=f"{system} (scan)"))
    except (CallFailed, NotUnderstood, settings.Refused) as error:
        publish.log.warning("settings of %s for company %s stay as they were: %s", system, company_id, error)


def read_kind(task: Task, company_id: int, system: str, kind: str, full: bool = False) -> None:
    """What `read` does, for tasks of other names too."""
    if connector(system).readers[kind].scope == "company":
        _read(task, company_id, system, kind, None, full)
        return
    for project_id in scans.lists(company_id, system, kind):
        publish.send("sitebooks.scan.list", [company_id, system, kind, project_id, full], queue="bulk")


def _read(task: Task, company_id: int, system: str, kind: str, project_id: str | None, full: bool) -> None:
    found = scans.scan(company_id, system, kind, project_id, full)
    publish.ring_all(company_id, found.rung, queue="bulk")
    if not found.unfinished:
        return
    countdown = countdown_to(found.retry_at)
    if found.rows:  # it came forward: the rest is a new message, however long the whole takes
        publish.send(task.name, list(task.request.args), queue="bulk", countdown=countdown)
    elif task.request.retries < task.max_retries:
        raise task.retry(countdown=countdown)


def start(company_id: int, system: str, full: bool = False, kinds: Sequence[str] | None = None) -> None:
    """A connection's whole pass, its lists chained in dependency order. It is only the first kick: the rows remember."""
    links = [
        signature("sitebooks.scan.read", args=(company_id, system, kind, full), immutable=True)
        for kind in connector(system).scans
        if kinds is None or kind in kinds
    ]
    if connector(system).read_settings is not None:
        links.insert(0, signature("sitebooks.scan.settings", args=(company_id, system), immutable=True))
    try:
        chain(*links).apply_async()
    except publish.BROKER_TROUBLE as error:
        publish.log.warning("the broker cannot be reached; the next pass of %s reads it: %s", system, error)
