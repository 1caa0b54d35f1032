"""The sweep, the schedule's passes, the nightly comparison and housekeeping."""

from typing import Any

from celery import Task, current_app, shared_task

from connectors.calls import CallFailed, Unavailable
from connectors.registry import connector
from settings.environment import environment
from settings.schedule import ENTRIES
from sync import audit, connections, documents, inbox, reconcile, restored, second_look, sweep
from sync.clients import SwitchedOff
from tasks import publish, scan
from tasks.base import DATABASE_TROUBLE, countdown_to
from tasks.queues import BrokerAway, lengths
from tasks.slots import claimed

#: Messages in a queue up to which the sweep adds to it.
SHORT = 100
#: When the database is away; besides, the schedule's next tick asks anew.
TRIES: dict[str, Any] = {"autoretry_for": DATABASE_TROUBLE, "retry_backoff": 2, "max_retries": 3}


@shared_task(name="sitebooks.maintenance.sweep", **TRIES)
def sweep_due() -> None:
    """Rings again for whatever is due and was not rung lately, while the queues are short: a long one holds it already.

    Records go to the bulk queue: what comes back after a loss never stands before a fresh webhook.
    """
    restored.check()
    try:
        waiting = lengths(current_app)
    except BrokerAway as error:
        publish.log.warning("nothing is rung again: %s", error)
        return
    if waiting["bulk"] < SHORT:
        for company_id, kind, ids in sweep.due():
            publish.ring(company_id, kind, ids, queue="bulk")
    if waiting["interactive"] < SHORT:
        for company_id, ids in inbox.due(sweep.MOST, environment().rering_seconds):
            publish.send("sitebooks.inbox.process", [company_id, ids])


@shared_task(name="sitebooks.maintenance.second_looks", **TRIES)
def second_looks() -> None:
    """Has everything written some minutes ago looked up by its key: one message a company, so that none holds up another."""
    for company_id, ids in second_look.due():
        publish.send("sitebooks.maintenance.second_look", [company_id, ids])


@shared_task(name="sitebooks.maintenance.second_look", **TRIES)
def look_again(company_id: int, record_ids: list[int]) -> None:
    """Looks these records up in their targets: exactly one stands there, as it was sent."""
    second_look.run(company_id, record_ids)


@shared_task(name="sitebooks.maintenance.pass", **TRIES)
def scheduled_pass(schedule: str) -> None:
    """One tick of a schedule entry: for each slot claimed, the connection's scans, chained in dependency order."""
    entry = ENTRIES[schedule]
    for connection in claimed(schedule):
        scan.start(connection.company_id, connection.system, full=entry.full, kinds=entry.kinds)


@shared_task(name="sitebooks.maintenance.payments", **TRIES)
def read_payments(schedule: str) -> None:
    """Twice daily: the one job that a person's Sync Payments for Synced Invoices starts too (C-10)."""
    for connection in claimed(schedule):
        publish.send("sitebooks.payment.pull", [connection.company_id, connection.system], "bulk")


@shared_task(name="sitebooks.maintenance.reconcile", **TRIES)
def nightly(schedule: str) -> None:
    """Compares every connection whose slot is claimed: one message for each, so that one cannot hold up another."""
    for connection in claimed(schedule):
        if connector(connection.system).flows:
            publish.send("sitebooks.maintenance.compare", [connection.company_id, connection.system])


@shared_task(
    name="sitebooks.maintenance.compare",
    bind=True,
    **TRIES | {"max_retries": 20},
    soft_time_limit=540,
    time_limit=600,
)
def compare(self: Task, company_id: int, system: str, run_id: int = 0) -> None:
    """Compares both sides of one connection, to the cent. It only reads; told to come back later, it goes on then."""
    try:
        run_id = run_id or reconcile.begin(company_id, system)
        reconcile.run(company_id, system, run_id)
    except (reconcile.Overtaken, SwitchedOff) as error:
        publish.log.info("company %s with %s: %s", company_id, system, error)
    except CallFailed as error:
        if isinstance(error, Unavailable) and self.request.retries < self.max_retries:
            again = (company_id, system, run_id)
            raise self.retry(args=again, countdown=countdown_to(error.answer.retry_at)) from error
        publish.log.warning("company %s with %s is not compared: %s", company_id, system, error)


@shared_task(name="sitebooks.maintenance.subscribe", **TRIES)
def subscribe(schedule: str) -> None:
    """Registers our webhooks where they are missing: people delete hooks, and systems drop those that failed long."""
    for connection in claimed(schedule):
        try:
            connections.subscribe(connection.company_id, connection.system)
        except CallFailed as error:
            publish.log.warning("webhooks of %s for company %s: %s", connection.system, connection.company_id, error)


@shared_task(name="sitebooks.maintenance.housekeeping", **TRIES)
def housekeeping(schedule: str) -> None:
    """Forgets settled events, old slots and documents that no record names, once a day, and writes the head of each
    company's history to the log.

    Logs leave this machine: a head that was kept there proves later that the history was not written anew.
    """
    if list(claimed(schedule)):
        sweep.forget_slots()
        inbox.prune()
        for company_id, _ in connections.companies():
            documents.prune(company_id)
            publish.log.info("history of company %s ends at %s", company_id, audit.head(company_id))
