"""Known, filled from Postgres: what the rules of a batch will look at is fetched by two statements beforehand."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, TextClause

from connectors.flow import Flow, Need
from models import text
from objects.known import Link
from objects.text import folded
from sync import snapshots
from sync.company import Company, Connected

#: What is known of a record or a snapshot -> how the rows for it are found.
_RECORDS = {
    "link": "r.connection_id = :c AND r.source_id = n.value",
    "linked_from": "r.connection_id = :c AND r.remote_id = n.value",
    "numbered": "r.number = n.value AND r.connection_id = :c AND r.direction = :d "
    "AND r.state NOT IN ('source_deleted', 'ignored')",
}
_SNAPSHOTS = {
    "snapshot": "r.connection_id = n.c AND r.source_id = n.value AND r.gone_at IS NULL",
    "find_project": "r.connection_id = n.c AND r.project_id = n.value AND r.gone_at IS NULL",
    "find_name": "r.connection_id = n.c AND r.name = n.value AND r.gone_at IS NULL",
    # no index: one pass over a kind serves a whole batch
    "find_invoice": "r.connection_id = n.c AND r.data->>'invoice_id' = n.value AND r.gone_at IS NULL",
}
_SHOWN = {
    "sync_record": "r.source_id, r.remote_id, r.remote_number, r.state, r.number, r.held, r.sent->'gone' AS gone, "
    "EXISTS (SELECT FROM write w WHERE w.record_id = r.id AND w.side = 'target' "
    "AND w.state IN ('sending', 'uncertain')) AS doubtful, "
    "EXISTS (SELECT FROM write w WHERE w.record_id = r.id AND w.side = 'target' AND w.key = r.key "
    "AND (w.state IN ('sending', 'uncertain', 'confirmed') OR w.state = 'rejected' AND w.lands_until IS NOT NULL)) AS begun",
    "snapshot": "r.data",
}


@functools.cache
def _union(table: str, kinds: tuple[str, ...]) -> TextClause:
    """One statement, one arm per kind of need, so that each arm uses its own index."""
    given = "unnest(CAST(:{0}_kind AS text[]), CAST(:{0}_value AS text[]), CAST(:{0}_c AS bigint[]), CAST(:{0}_system AS text[]))"
    where = _RECORDS | _SNAPSHOTS
    return text(
        " UNION ALL ".join(
            f"SELECT '{what}' AS what, n.kind, n.value, n.system, {_SHOWN[table]} "
            f"FROM {given.format(what)} AS n(kind, value, c, system) JOIN {table} r ON r.kind = n.kind AND {where[what]}"
            for what in kinds
        )
    )


def _kinds(needs: Sequence[Need]) -> tuple[str, ...]:
    return tuple(sorted({need.what for need in needs}))


def _columns(what: str, needs: Sequence[Need], connections: dict[str, int] | None = None) -> dict[str, list[Any]]:
    mine = [n for n in needs if n.what == what]
    return {
        f"{what}_kind": [n.kind for n in mine],
        f"{what}_value": [n.value for n in mine],
        f"{what}_c": [(connections or {}).get(n.system, 0) for n in mine],
        f"{what}_system": [n.system for n in mine],
    }


class BatchKnown:
    """Implements objects.known.Known for one flow and one batch. What was not named beforehand is looked up when asked."""

    def __init__(self, db: Connection, company: Company, connected: Connected, flow: Flow) -> None:
        self._db, self._company, self._connected, self._flow = db, company, connected, flow
        self._links: dict[tuple[str, str], Link | None] = {}
        self._from: dict[tuple[str, str], Link | None] = {}
        self._snapshots: dict[tuple[str, str, str], Any] = {}
        self._found: dict[tuple[str, str, str, str], list[Any]] = {}
        self._numbered: dict[tuple[str, str], set[str]] = {}

    @property
    def settings(self) -> Any:
        return self._connected.settings

    @property
    def site_company_id(self) -> str:
        return self._company.site_id

    def link(self, kind: str, source_id: str) -> Link | None:
        if (kind, source_id) not in self._links:
            self.fill([Need("link", kind, source_id)])
        return self._links[kind, source_id]

    def linked_from(self, kind: str, remote_id: str) -> Link | None:
        if (kind, remote_id) not in self._from:
            self.fill([Need("linked_from", kind, remote_id)])
        return self._from[kind, remote_id]

    def snapshot(self, system: str, kind: str, source_id: str) -> Any | None:
        if (system, kind, source_id) not in self._snapshots:
            self.fill([Need("snapshot", kind, source_id, system)])
        return self._snapshots[system, kind, source_id]

    def find(self, system: str, kind: str, project_id: str | None = None, name: str | None = None) -> list[Any]:
        need = (
            Need("find_name", kind, folded(name), system)
            if name is not None
            else Need("find_project", kind, project_id or "", system)
        )
        key = (need.what, system, kind, need.value)
        if key not in self._found:
            self.fill([need])
        found = self._found[key]
        return [o for o in found if project_id is None or o.project_id == project_id]

    def about(self, system: str, kind: str, invoice_id: str) -> list[Any]:
        key = ("find_invoice", system, kind, invoice_id)
        if key not in self._found:
            self.fill([Need("find_invoice", kind, invoice_id, system)])
        return self._found[key]

    def others_numbered(self, kind: str, number: str, source_id: str) -> list[str]:
        if (kind, number) not in self._numbered:
            self.fill([Need("numbered", kind, number)])
        return sorted(self._numbered[kind, number] - {source_id})

    def fill(self, needs: Iterable[Need]) -> None:
        """Answers these needs, absent ones with nothing."""
        wanted = sorted(set(needs), key=lambda n: (n.what, n.system, n.kind, n.value))
        records = [n for n in wanted if n.what in _RECORDS]
        seen = [n for n in wanted if n.what in _SNAPSHOTS]
        if records:
            self._fill_records(records)
        if seen:
            self._fill_snapshots(seen)

    def _fill_records(self, needs: Sequence[Need]) -> None:
        for need in needs:
            if need.what == "numbered":
                self._numbered[need.kind, need.value] = set()
            else:
                (self._links if need.what == "link" else self._from)[need.kind, need.value] = None
        kinds = _kinds(needs)
        values: dict[str, Any] = {"c": self._connected.id, "d": self._flow.direction}
        for what in kinds:
            values |= _columns(what, needs)
        rows = self._db.execute(_union("sync_record", kinds), values)
        for row in rows:
            if row.what == "numbered":
                self._numbered[row.kind, row.value].add(row.source_id)
                continue
            named = row.kind, row.source_id, row.remote_id, row.remote_number, row.state, row.number
            link = Link(*named, row.held or {}, tuple(row.gone or ()), row.doubtful, row.begun)
            target = self._links if row.what == "link" else self._from
            if target[row.kind, row.value] is None or row.remote_id:
                target[row.kind, row.value] = link

    def _fill_snapshots(self, needs: Sequence[Need]) -> None:
        for need in needs:
            if need.what == "snapshot":
                self._snapshots[need.system, need.kind, need.value] = None
            else:
                self._found[need.what, need.system, need.kind, need.value] = []
        connections = {name: c.id for name, c in self._company.connections.items()}
        asked = [n for n in needs if n.system in connections]
        if not asked:
            return
        values: dict[str, Any] = {}
        for what in _kinds(asked):
            values |= _columns(what, asked, connections)
        rows = self._db.execute(_union("snapshot", _kinds(asked)), values)
        for row in rows:
            obj = snapshots.load(row.kind, row)
            if row.what == "snapshot":
                self._snapshots[row.system, row.kind, row.value] = obj
            else:
                self._found[row.what, row.system, row.kind, row.value].append(obj)
