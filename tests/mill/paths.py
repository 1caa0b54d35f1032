"""I13: the interesting paths that a run has been through, counted from our tables and the simulators' faults."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mill.run import Run

#: Path -> how often it was taken, of one company, whatever the system.
COUNTED = {
    "uncertain, then found": "write WHERE state = 'confirmed' AND sends > 0 AND status IS NULL",
    "uncertain, then sent once more": "write WHERE looked_at IS NOT NULL AND sends > 1",
    "a repeatable step was sent again": "write WHERE sends > 1 AND looked_at IS NULL",
    "a doubt was taken over by a newer version": "write WHERE state = 'abandoned'",
    "a second attempt": "sync_record WHERE attempt > 1",
    "an attempt never ended": "attempt WHERE ended_at IS NULL",
    "an unfinished plan was resumed": "history WHERE before->>'state' IN ('sending', 'checking')",
    "a write was read back": "write WHERE verified_at IS NOT NULL",
    "a write was looked for a second time": "write WHERE checked_at IS NOT NULL",
    "a person must settle an outcome": "sync_record WHERE problems::text LIKE '%%outcome_needs_person%%'",
    "a conflict": "history WHERE after->>'state' = 'conflict'",
    "something was deleted at its source": "sync_record WHERE state = 'source_deleted'",
    "an event was parked": "event WHERE state = 'parked'",
}


def count(run: "Run") -> None:
    """Adds what the tables tell at the end of a run."""
    for sight in run.sights:
        for path, rows in (COUNTED | dict(run.world.counted)).items():
            if found := sight.rows(f"SELECT count(*) FROM {rows} AND {_own(rows)}company_id = %s", [sight.company])[0]["count"]:
                run.paths[path] += found


def _own(rows: str) -> str:
    """Of the record, where several tables are read."""
    return "r." if "sync_record r" in rows else ""


def count_faults(run: "Run") -> None:
    """Adds how often each fault struck; before they are cleared."""
    for site in run.sites:
        run.paths.update(site.world.met(site))
        for system, core in site.simulators.items():
            for fault in core.faults.rules:
                status = f" {fault.status}" if fault.action == "status" else ""
                if fault.fired:
                    run.paths[f"{fault.on}: {fault.action}{status}"] += fault.fired
            if any(fault.action == "apply_later" and fault.fired for fault in core.faults.rules):
                run.paths["a late write arrived"] += 1
                run.note(f"{system}: late writes")
