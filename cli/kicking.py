"""What `sync` sets going: reading the chosen lists, and pushing what only waits for the schedule."""

from collections.abc import Sequence

from sqlalchemy import text

from cli.exits import UNREACHABLE, Failure, wrong_usage
from cli.place import Place, actor
from connectors.registry import connector
from models import session
from sync import records
from sync.clients import SwitchedOff
from sync.company import load
from tasks import publish, scan


def start_scans(place: Place, systems: Sequence[str], kind: str | None, project: str | None) -> int:
    """Starts the reading; gives how many lists or chains were rung for. Raises Failure, SwitchedOff when all are off."""
    with session(place.company_id) as db:
        company = load(db, place.company_id)
    off = {system: company.off(system) for system in systems if company.off(system)}
    if systems and len(off) == len(systems):
        raise SwitchedOff(off[systems[0]])
    systems = [system for system in systems if system not in off]
    started = 0
    for system in systems:
        kinds = [name for name in connector(system).scans if kind in (None, name)]
        if not kinds:
            continue
        if project is None:
            scan.start(place.company_id, system, kinds=kinds)
            started += 1
        else:
            started += _start_project(place, system, kinds, project)
    if not started:
        what = f"list of {kind.replace('_', ' ')}s" if kind else "list"
        raise wrong_usage(f"No connected system has a {what} to read.", "See the kinds: sitebooks list --kind", "unknown_kind")
    return started


def _start_project(place: Place, system: str, kinds: Sequence[str], project: str) -> int:
    """One project's lists; a system that has one list for all is read whole."""
    project_id = _project_id(place, system, project)
    sent = 0
    for kind in kinds:
        if connector(system).readers[kind].scope == "company":
            sent += publish.send("sitebooks.scan.read", [place.company_id, system, kind, False], "bulk")
        elif project_id is not None:
            sent += publish.send("sitebooks.scan.list", [place.company_id, system, kind, project_id, False], "bulk")
    if not sent:
        raise Failure(
            "broker_unreachable", "The broker took none of the messages.", "sitebooks doctor says what answers.", UNREACHABLE
        )
    return sent


def _project_id(place: Place, system: str, project: str) -> str | None:
    """This system's own id of the project; None where it has no such project. Raises Failure for a number nobody has."""
    with session(place.company_id) as db:
        rows = db.execute(
            text("""
            SELECT n.system, s.source_id FROM snapshot s JOIN connection n ON n.id = s.connection_id
            WHERE s.kind = 'project' AND s.gone_at IS NULL AND (s.number = :p OR s.source_id = :p)
        """),
            {"p": project},
        ).all()
    if not rows:
        raise wrong_usage(f"There is no project {project}.", "See them: sitebooks list --kind project", "not_found")
    return next((row.source_id for row in rows if row.system == system), None)


def push_waiting(place: Place, system: str, project: str | None) -> int:
    """Invoices that only wait for the push schedule are asked for by a person (L-06); gives how many."""
    with session(place.company_id) as db:
        ids = list(
            db.scalars(
                text("""
            SELECT r.id FROM sync_record r JOIN connection n ON n.id = r.connection_id
            WHERE r.kind = 'invoice' AND r.state = 'ignored' AND r.problems @> '[{"code": "waiting_for_push"}]'
                AND (:system = '' OR n.system = :system) AND (CAST(:project AS text) IS NULL OR EXISTS (
                    SELECT FROM snapshot p WHERE p.kind = 'project' AND p.number = :project AND p.source_id = r.project_id))
        """),
                {"system": system, "project": project},
            )
        )
    if ids:
        publish.ring_all(place.company_id, records.retry(place.company_id, ids, actor()), "interactive")
    return len(ids)
