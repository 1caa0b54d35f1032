"""Having a worker compare both sides of a connection, with something to see while it takes."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from cli.exits import UNREACHABLE, Failure
from cli.output import Output
from cli.quiet import POLL_SECONDS, Workers
from cli.waiting import Waiting
from models import session
from sync.reconcile import Report
from sync.views import system_word
from tasks import publish

TASK = "sitebooks.maintenance.compare"
#: The task's own hard limit: what takes longer has ended.
MOST_SECONDS = 600.0


def compare(out: Output, company_id: int, systems: Sequence[str]) -> dict[str, Report]:
    """Each connection's report. Raises Failure when no worker answers or a system could not be read."""
    workers, reports = Workers(), dict[str, Report]()
    with Waiting(out, "Comparing") as waiting:
        for system in systems:
            before = _newest(company_id, system, 0)
            if not publish.send(TASK, [company_id, system], "maintenance"):
                raise Failure(
                    "broker_unreachable", "The broker took no message.", "sitebooks doctor says what answers.", UNREACHABLE
                )
            reports[system] = _await(company_id, system, before.id if before else 0, workers, waiting)
    return reports


def _await(company_id: int, system: str, before: int, workers: Workers, waiting: Waiting) -> Report:
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        waiting.tick(f"reading Procore and {system_word(system)}")
        # asked first: a task that ends between the two questions has left its row before it is gone
        underway = workers.holding(TASK)
        run = _newest(company_id, system, before)
        if run is not None and run.ended_at is not None:
            return Report.of(run.result)
        if run is not None and not underway:
            break
        time.sleep(POLL_SECONDS)
    raise Failure(
        "not_compared",
        f"The comparison with {system_word(system)} ended without a result: a system could not be read.",
        "sitebooks connections test says which one and why.",
        UNREACHABLE,
    )


def _newest(company_id: int, system: str, after: int) -> Any:
    with session(company_id) as db:
        return db.execute(
            text("""
            SELECT * FROM reconcile_run WHERE id > :after AND connection_id = (SELECT id FROM connection WHERE system = :s)
            ORDER BY id DESC LIMIT 1
        """),
            {"s": system, "after": after},
        ).first()
