"""Links rebuilt from the keys that the outside systems hold: first only shown, then written (reliability 6.6)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from connectors.flow import Counted, Flow
from connectors.registry import connector
from models import session, text
from models.states import RecordState
from sync import clients, records, restored, stops, vanished
from sync.company import Company, Connected, load
from sync.scan import scanned_projects


@dataclass(frozen=True, slots=True)
class Difference:
    """`what`: unlinked (stands there, no link here), otherwise (linked to another), gone (linked, not there), unknown."""

    what: str
    system: str
    kind: str
    number: str
    here: str
    there: str
    record_id: int = 0


@dataclass(slots=True)
class Rebuilt:
    """What was compared, and what differs. `applied`: links written. `stopped`: what is still stopped for a restored database."""

    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    applied: int = 0
    stopped: list[str] = field(default_factory=list)


def run(company_id: int, system: str = "", *, apply: bool = False, actor: str = "sitebooks") -> Rebuilt:
    """Compares the links of one connection, or of all, with what stands in the targets. Reads only unless `apply`.

    With `apply` links are set, what is gone is shown to people, and writing to what was compared goes on where it was stopped
    for a restored database. Raises connectors.calls.CallFailed when a system cannot be read: then nothing was changed.
    """
    found = Rebuilt()
    with session(company_id) as db:
        company = load(db, company_id)
    for connected, flow in _flows(company, system):
        listing = connector(flow.target).anchored.get(flow.kind)
        if listing is None or flow.target not in company.connections:
            continue
        with session(company_id) as db:
            projects = _projects(db, company, connected, flow, found)
        there = list(listing(clients.client(company, flow.target), projects))
        with session(company_id) as db:
            _compare(db, connected, flow, there, found)
    if apply:
        _apply(company, found, actor)
        found.stopped = _let_go(company, {connected.system for connected, _ in _flows(company, system)}, actor)
    return found


def _flows(company: Company, system: str) -> Iterator[tuple[Connected, Flow]]:
    """Projects first: their links say whose lists are read. Nothing is asked of a connection that is switched off."""
    for name, connected in company.connections.items():
        if system in ("", name) and not company.off(name):
            for flow in connector(name).flows:
                yield connected, flow


def _projects(db: Connection, company: Company, connected: Connected, flow: Flow, found: Rebuilt) -> list[str]:
    """The target's ids of the projects in this sync, by our links and by those just found; all that Procore shows, where
    the connection syncs no projects."""
    if not any(one.kind == "project" for one in connector(connected.system).flows):
        return scanned_projects(db, company.connections["procore"].id) if flow.target == "procore" else []
    rebuilt = {d.record_id: d.there for d in found.differences if d.kind == "project" and d.record_id and d.there}
    rows = db.execute(
        text("SELECT id, source_id, remote_id FROM sync_record WHERE connection_id = :c AND kind = 'project' ORDER BY id"),
        {"c": connected.id},
    )
    links = [(row.source_id, rebuilt.get(row.id) or row.remote_id) for row in rows]
    return [link if flow.direction == "from_procore" else source for source, link in links if link]


def _compare(db: Connection, connected: Connected, flow: Flow, there: list[Counted], found: Rebuilt) -> None:
    rows = db.execute(
        text("SELECT * FROM sync_record WHERE connection_id = :c AND kind = :k AND direction = :d ORDER BY id"),
        {"c": connected.id, "k": flow.kind, "d": flow.direction},
    ).all()
    by_anchor = {row.source_id if flow.direction == "from_procore" else row.key: row for row in rows}
    standing = set()
    for one in there:
        link = one.link or one.remote_id
        row = by_anchor.get(one.anchor)
        standing.add(link)
        found.compared += bool(one.anchor)
        if row is not None and row.remote_id != link:
            what = "unlinked" if row.remote_id is None else "otherwise"
            found.differences.append(Difference(what, flow.target, flow.kind, one.number, row.remote_id or "", link, row.id))
        elif row is None and one.anchor:
            found.differences.append(Difference("unknown", flow.target, flow.kind, one.number, "", link))
    for row in rows:
        if row.remote_id is not None and row.remote_id not in standing and row.state == RecordState.synced:
            found.differences.append(Difference("gone", flow.target, flow.kind, row.number, row.remote_id, "", row.id))


def _apply(company: Company, found: Rebuilt, actor: str) -> None:
    with session(company.id) as db:
        for one in found.differences:
            if one.what in ("unlinked", "otherwise"):
                found.applied += _link(db, company.id, one, actor)
        for system in {one.system for one in found.differences if one.what == "gone"}:
            gone = [one.record_id for one in found.differences if one.what == "gone" and one.system == system]
            vanished.mark(db, company, _rows(db, gone), system)


def _let_go(company: Company, compared: set[str], actor: str) -> list[str]:
    """Writing to what was compared goes on. A connection without flows (Procore) has no links of its own to compare: it goes
    on with the last of the others that are switched on. Gives what is still stopped."""
    linked = {name for name, connected in company.connections.items() if connector(name).flows and connected.enabled}
    if compared or not linked:
        restored.accept(company.id, compared or set(company.connections))
        stopped = _stopped(company)
        going = [name for name in stopped if name in compared]
        for name in going if linked & (set(stopped) - compared) else stopped:
            stops.go_on(company.id, name, actor, rebuilt=True)
    return _stopped(company)


def _stopped(company: Company) -> list[str]:
    with session(company.id) as db:
        return list(db.scalars(text("SELECT system FROM connection WHERE blocked_code = 'restored' ORDER BY id")))


def _link(db: Connection, company_id: int, one: Difference, actor: str) -> int:
    """Set where nobody works on the record; what the target holds is written anew by the next run, under its own id."""
    done = db.execute(
        text("""
        UPDATE sync_record SET remote_id = :to, sent_hash = NULL, due_at = clock_timestamp()
        WHERE id = :id AND (lease_until IS NULL OR lease_until < clock_timestamp()) RETURNING id
    """),
        {"to": one.there, "id": one.record_id},
    ).first()
    if done is not None:
        records.write_history(
            db, company_id, one.record_id, actor, "record.linked", {"remote_id": one.here}, {"remote_id": one.there}, "rebuilt"
        )
    return int(done is not None)


def _rows(db: Connection, ids: list[int]) -> list[Any]:
    return list(db.execute(text("SELECT * FROM sync_record WHERE id = ANY(:ids) AND state = 'synced' FOR UPDATE"), {"ids": ids}))
