"""Running the comparison of several connections, with something to see while it takes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from cli.output import Output
from cli.waiting import Waiting
from sync import reconcile
from sync.reconcile import Report
from sync.views import system_word


def compare(out: Output, company_id: int, systems: Sequence[str]) -> dict[str, Report]:
    """Each connection's report. Raises connectors.calls.CallFailed."""
    reports: dict[str, Report] = {}
    with Waiting(out, "Comparing") as waiting, ThreadPoolExecutor(1) as pool:
        for system in systems:
            running = pool.submit(reconcile.run, company_id, system)
            while not running.done():
                waiting.tick(f"reading Procore and {system_word(system)}")
                wait([running], timeout=0.2)
            reports[system] = running.result()
    return reports
