"""The overview: what agrees, what needs a person, what heals by itself, both sides' money per kind, the systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from models import session
from models.states import RecordState
from sync.names import system_word
from sync.views.records import THERE
from sync.views.words import APART, HEALING, NEEDS_YOU, kind_order, kinds_word

#: A system is slow when the oldest record that is due waits longer than this, and blocked beyond the second.
SLOW_AFTER = timedelta(minutes=5)
BLOCKED_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class StateSum:
    """How many records of one kind are in one state, and their money in one currency."""

    kind: str
    system: str
    state: str
    currency: str
    records: int
    site: Decimal
    books: Decimal
    with_money: bool


@dataclass(frozen=True, slots=True)
class KindSum:
    """One kind of one connection in one currency. `explained`: (state, records) of all that do not agree."""

    kind: str
    system: str
    currency: str
    records: int
    agreed: int
    site: Decimal
    books: Decimal
    with_money: bool
    explained: tuple[tuple[str, int], ...]
    unexplained: Decimal

    @property
    def difference(self) -> Decimal:
        """Site less books."""
        return self.site - self.books

    @property
    def kinds_word(self) -> str:
        """"Commitments"."""
        return kinds_word(self.kind)


@dataclass(frozen=True, slots=True)
class SystemView:
    """One connection. `state` is working, slow, blocked, off or unknown (which is never shown as good)."""

    system: str
    state: str
    blocked_code: str | None
    enabled: bool
    last_call_at: datetime | None
    last_event_at: datetime | None
    last_scan_at: datetime | None
    due: int
    oldest_due: datetime | None
    limit: int | None
    left: int | None
    reset_at: datetime | None
    token_expires_at: datetime | None

    @property
    def system_word(self) -> str:
        """As its maker writes it."""
        return system_word(self.system)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview says, as of `at` (UTC)."""

    at: datetime
    company: str
    time_zone: str
    states: dict[str, int]
    money: dict[str, dict[str, Decimal]]  # state -> currency -> amount at the source
    kinds: tuple[KindSum, ...]
    systems: tuple[SystemView, ...]
    events: dict[str, int]  # of the last 24 hours, by state
    hours: tuple[int, ...]  # events per hour, the oldest first
    compared_at: datetime | None
    unexplained: Decimal | None
    last_event_at: datetime | None
    last_scan_at: datetime | None
    ticked_at: datetime | None

    @property
    def records(self) -> int:
        """All records."""
        return sum(self.states.values())

    @property
    def agreed(self) -> int:
        """Those that stand in both systems."""
        return self.states.get(RecordState.synced, 0)

    def count(self, *states: str) -> int:
        """How many records are in these states."""
        return sum(self.states.get(state, 0) for state in states)

    @property
    def needs_you(self) -> int:
        """Records that only a person can get on."""
        return self.count(*NEEDS_YOU)

    @property
    def healing(self) -> int:
        """Records that go on by themselves."""
        return self.count(*HEALING)

    def money_of(self, *states: str) -> dict[str, Decimal]:
        """Currency -> amount, over these states."""
        sums: dict[str, Decimal] = {}
        for state in states:
            for currency, amount in self.money.get(state, {}).items():
                sums[currency] = sums.get(currency, Decimal("0.00")) + amount
        return sums


def overview(company_id: int) -> Overview:
    """Raises LookupError when there is no such company."""
    with session(company_id) as db:
        company = db.execute(text("SELECT name, time_zone, clock_timestamp() AS at FROM company")).first()
        if company is None:
            raise LookupError(f"there is no company {company_id}")
        sums = _sums(db)
        systems = _systems(db, company.at)
        events = db.execute(text("""
            SELECT state, count(*) AS n,
                CAST(floor(extract(epoch FROM clock_timestamp() - received_at) / 3600) AS int) AS hours_ago
            FROM event WHERE received_at > clock_timestamp() - interval '24 hours' GROUP BY 1, 3
        """)).all()
        run = db.execute(text("""
            SELECT max(ended_at) AS at, sum(unexplained) AS unexplained FROM (
                SELECT DISTINCT ON (connection_id) ended_at, unexplained FROM reconcile_run
                WHERE ended_at IS NOT NULL ORDER BY connection_id, id DESC) newest
        """)).one()
        ticked_at = db.scalar(text("SELECT max(claimed_at) FROM schedule_slot"))
    return Overview(
        company.at, company.name, company.time_zone, _states(sums), _money(sums), _kinds(sums), systems,
        _per_state(events), _per_hour(events), run.at, run.unexplained,
        max((s.last_event_at for s in systems if s.last_event_at), default=None),
        max((s.last_scan_at for s in systems if s.last_scan_at), default=None),
        ticked_at,
    )


def _sums(db: Connection) -> list[StateSum]:
    rows = db.execute(text(f"""
        SELECT kind, system, state, counted_in, count(*) AS records, bool_or(here IS NOT NULL) AS with_money,
            coalesce(sum(CASE WHEN from_site THEN here ELSE there END), 0) AS site,
            coalesce(sum(CASE WHEN from_site THEN there ELSE here END), 0) AS books
        FROM (
            SELECT r.kind, n.system, r.state, coalesce(r.currency, c.currency) AS counted_in,
                r.direction = 'from_procore' AS from_site, r.amount AS here, {THERE} AS there
            FROM sync_record r JOIN company c ON c.id = r.company_id JOIN connection n ON n.id = r.connection_id
        ) t GROUP BY 1, 2, 3, 4
    """))
    return [StateSum(r.kind, r.system, r.state, r.counted_in, r.records, r.site, r.books, r.with_money) for r in rows]


def _states(sums: Sequence[StateSum]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in sums:
        counts[one.state] = counts.get(one.state, 0) + one.records
    return counts


def _money(sums: Sequence[StateSum]) -> dict[str, dict[str, Decimal]]:
    """The larger side's amount: what is on its way stands at its source only."""
    money: dict[str, dict[str, Decimal]] = {}
    for one in sums:
        if one.with_money:
            of_state = money.setdefault(one.state, {})
            of_state[one.currency] = of_state.get(one.currency, Decimal("0.00")) + max(one.site, one.books, key=abs)
    return money


def _kinds(sums: Sequence[StateSum]) -> tuple[KindSum, ...]:
    groups: dict[tuple[str, str, str], list[StateSum]] = {}
    for one in sums:
        groups.setdefault((one.system, one.kind, one.currency), []).append(one)
    made = [_kind(key, group) for key, group in groups.items()]
    return tuple(sorted(made, key=lambda k: (k.system, kind_order(k.kind), k.currency)))


def _kind(key: tuple[str, str, str], group: Sequence[StateSum]) -> KindSum:
    system, kind, currency = key
    compared = [one for one in group if one.state not in APART]
    agreed = [one for one in group if one.state == RecordState.synced]
    explained = tuple(
        (one.state, one.records)
        for one in sorted(group, key=lambda one: list(RecordState).index(RecordState(one.state)))
        if one.state != RecordState.synced
    )
    return KindSum(
        kind, system, currency, sum(one.records for one in group), sum(one.records for one in agreed),
        sum((one.site for one in compared), Decimal("0.00")), sum((one.books for one in compared), Decimal("0.00")),
        any(one.with_money for one in group), explained,
        sum((one.site - one.books for one in agreed), Decimal("0.00")),
    )


def _systems(db: Connection, at: datetime) -> tuple[SystemView, ...]:
    rows = db.execute(text("""
        SELECT n.*, coalesce(b.hour_limit, b.spike_limit) AS hour_limit,
            coalesce(b.hour_left, b.spike_left) AS hour_left, coalesce(b.hour_reset, b.spike_reset) AS hour_reset,
            b.answered_at AS last_call_at, k.token_expires_at, d.due, d.oldest,
            (SELECT max(full_at) FROM scan_cursor s WHERE s.connection_id = n.id) AS scanned
        FROM connection n
        LEFT JOIN budget b ON b.connection_id = n.id LEFT JOIN credential k ON k.connection_id = n.id
        LEFT JOIN LATERAL (
            SELECT count(*) AS due, min(due_at) AS oldest FROM sync_record r
            WHERE r.connection_id = n.id AND r.due_at <= clock_timestamp()
        ) d ON true ORDER BY n.id
    """)).all()
    return tuple(_system(row, at) for row in rows)


def _system(row: Any, at: datetime) -> SystemView:
    waited = at - row.oldest if row.oldest else timedelta(0)
    if not row.enabled:
        state = "off"
    elif row.blocked_code or waited > BLOCKED_AFTER:
        state = "blocked"
    elif row.last_call_at is None:
        state = "unknown"
    else:
        state = "slow" if waited > SLOW_AFTER else "working"
    return SystemView(
        row.system, state, row.blocked_code, row.enabled, row.last_call_at, row.last_event_at, row.scanned, row.due,
        row.oldest, row.hour_limit, row.hour_left, row.hour_reset, row.token_expires_at,
    )


def _per_state(events: Sequence[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in events:
        counts[row.state] = counts.get(row.state, 0) + row.n
    return counts


def _per_hour(events: Sequence[Any]) -> tuple[int, ...]:
    hours = [0] * 24
    for row in events:
        hours[23 - min(row.hours_ago, 23)] += row.n
    return tuple(hours)
