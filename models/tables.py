"""The tables. Every row that holds a company's data carries company_id, and every unique key of one starts with it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from models.states import EventState, RecordState, WriteState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _company() -> Column[int]:
    return Column("company_id", BigInteger, ForeignKey("company.id"), nullable=False)


def _connection() -> Column[int]:
    return Column("connection_id", BigInteger, ForeignKey("connection.id"), nullable=False)


def _time(name: str, **options: object) -> Column[object]:
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]


def _now(name: str) -> Column[object]:
    return _time(name, nullable=False, server_default=func.clock_timestamp())


def _one_of(name: str, column: str, values: type) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]
    return CheckConstraint(f"{column} IN ({listed})", name=name)


EMPTY_OBJECT = text("'{}'::jsonb")
EMPTY_LIST = text("'[]'::jsonb")

company = Table(
    "company",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("site_id", Text, nullable=False),  # Procore's id of the company
    Column("currency", Text, nullable=False, server_default="NZD"),
    Column("time_zone", Text, nullable=False, server_default="Pacific/Auckland"),
    Column("salt", LargeBinary, nullable=False),  # keys of outside records are derived with it
    _now("created_at"),
)

connection = Table(
    "connection",
    metadata,
    _id(),
    _company(),
    Column("system", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("settings", JSONB, nullable=False, server_default=EMPTY_OBJECT),
    Column("settings_version", Integer, nullable=False, server_default="1"),
    Column("mirror_version", Text),  # ETag of the settings held by the outside system
    Column("hook_address", Text, nullable=False),  # unguessable, not the secret
    Column("hook_secrets", LargeBinary, nullable=False),  # encrypted JSON list, newest first; two valid at once
    Column("covered", JSONB, nullable=False, server_default=EMPTY_LIST),  # what webhooks cover; the rest is polled
    Column("blocked_code", Text),  # why nothing is sent: reconnect_needed, permission_missing ...
    Column("blocked_at", DateTime(timezone=True)),
    Column("blocked_reason", Text),
    _time("last_event_at"),
    _time("granted_at"),  # when a person signed in there and let us in, who of ours, and as whom there
    Column("granted_by", Text),
    Column("granted_as", Text),
    _now("created_at"),
    UniqueConstraint("company_id", "system"),
    UniqueConstraint("hook_address"),
    # P-17: both boxes on must not exist, whatever wrote the row
    CheckConstraint(
        "NOT (coalesce((settings->>'lentune_purchase_order')::boolean, false)"
        " AND coalesce((settings->>'procore_purchase_order')::boolean, false))",
        name="one_po_master",
    ),
)

credential = Table(
    "credential",
    metadata,
    _id(),
    _company(),
    _connection(),
    Column("secrets", LargeBinary, nullable=False),  # encrypted JSON
    Column("token", LargeBinary),  # encrypted JSON: access, refresh
    _time("token_expires_at"),
    _time("refreshed_at"),
    UniqueConstraint("company_id", "connection_id"),
)

event = Table(
    "event",
    metadata,
    _id(),
    _company(),
    _connection(),
    Column("system", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=EventState.received),
    Column("body", JSONB, nullable=False),
    Column("kind", Text),
    Column("ref", Text),
    Column("note", Text),  # why it was ignored or parked, as a catalogue code or a sentence
    Column("tries", Integer, nullable=False, server_default="0"),
    _now("received_at"),
    _time("rung_at"),
    _time("settled_at"),
    UniqueConstraint("company_id", "system", "event_id"),
    _one_of("state", "state", EventState),
    Index("ix_event_received", "received_at", postgresql_where=text("state = 'received'")),
)

snapshot = Table(
    "snapshot",
    metadata,
    _id(),
    _company(),
    _connection(),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("project_id", Text, nullable=False, server_default=""),
    Column("number", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False, server_default=""),  # folded, for equal-name rules
    Column("data", JSONB, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),  # of what the list carries
    Column("hash", LargeBinary, nullable=False),
    _now("read_at"),
    _time("gone_at"),
    UniqueConstraint("company_id", "connection_id", "kind", "source_id"),
    Index("ix_snapshot_project", "company_id", "connection_id", "kind", "project_id"),
    Index("ix_snapshot_name", "company_id", "connection_id", "kind", "name"),
)

sync_record = Table(
    "sync_record",
    metadata,
    _id(),
    _company(),
    _connection(),
    Column("kind", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("project_id", Text, nullable=False, server_default=""),
    Column("number", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False, server_default=""),
    Column("amount", Numeric(18, 2)),
    Column("currency", Text),
    Column("state", Text, nullable=False, server_default=RecordState.pending),
    Column("problems", JSONB, nullable=False, server_default=EMPTY_LIST),
    Column("warnings", JSONB, nullable=False, server_default=EMPTY_LIST),
    Column("waits_for", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _time("due_at"),
    _time("rung_at"),
    _time("lease_until"),
    _time("stale_at"),  # a doorbell rang: what was read before this is not enough
    Column("attempt", Integer, nullable=False, server_default="0"),  # the fence: results are stored WHERE attempt = mine
    Column("unfinished", Integer, nullable=False, server_default="0"),  # attempts begun since one last ended
    Column("tries", Integer, nullable=False, server_default="0"),  # of this version, for the back-off
    Column("key", Text, nullable=False),  # the external key, allocated once
    Column("version", Integer, nullable=False, server_default="0"),  # rises when what the target should hold changes
    Column("held", JSONB),
    Column("held_hash", LargeBinary),  # what the target should hold
    Column("sent_hash", LargeBinary),  # what it was last confirmed to hold
    Column("sent", JSONB),  # the same in full, to tell what somebody else changed there
    Column("told_hash", LargeBinary),  # the verdict the source was last told
    Column("asked", Boolean, nullable=False, server_default=false()),  # a person asked: do not skip for the schedule
    Column("consent", Text),  # the problem that a person has given their word on; good for one try, and until it rests again
    Column("remote_id", Text),
    Column("remote_number", Text),
    Column("remote_version", Text),
    _now("created_at"),
    _now("state_since"),
    _time("synced_at"),
    UniqueConstraint("company_id", "connection_id", "kind", "source_id", "direction"),
    _one_of("state", "state", RecordState),
    CheckConstraint("direction IN ('from_procore', 'to_procore')", name="direction"),
    Index("ix_sync_record_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_sync_record_waits", "waits_for", postgresql_using="gin", postgresql_where=text("waits_for <> '{}'")),
    Index("ix_sync_record_remote", "company_id", "connection_id", "kind", "remote_id"),
    Index("ix_sync_record_number", "company_id", "number"),
    Index("ix_sync_record_state", "company_id", "state", "kind"),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    _company(),
    Column("record_id", BigInteger, ForeignKey("sync_record.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    _now("started_at"),
    _time("ended_at"),
    Column("outcome", Text),
    Column("note", Text),
    UniqueConstraint("company_id", "record_id", "attempt"),
)

write = Table(
    "write",
    metadata,
    _id(),
    _company(),
    Column("record_id", BigInteger, ForeignKey("sync_record.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=WriteState.planned),
    Column("key", Text, nullable=False),
    Column("request", Text, nullable=False),  # method and path
    Column("body_hash", LargeBinary, nullable=False),
    Column("amount", Numeric(18, 2)),
    Column("attempt", Integer, nullable=False),
    Column("sends", Integer, nullable=False, server_default="0"),
    Column("absent_looks", Integer, nullable=False, server_default="0"),
    Column("status", Integer),
    Column("reason", Text),
    Column("answer", Text),  # what came back from a call in doubt, without secrets and clipped (reliability F30)
    Column("done", JSONB),  # what the step left there, fed back when the plan resumes
    _now("planned_at"),
    _time("sent_at"),
    _time("ended_at"),
    _time("uncertain_until"),
    _time("lands_until"),  # the last of its tries in doubt may be carried out until then; null: none was in doubt
    _time("looked_at"),
    _time("verified_at"),  # read back by its id
    _time("checked_at"),  # looked for by its key once more: exactly one stands there
    UniqueConstraint("company_id", "record_id", "version", "step"),
    _one_of("state", "state", WriteState),
    Index("ix_write_planned", "company_id", "planned_at"),
    Index(
        "ix_write_unchecked",
        "ended_at",
        postgresql_where=text("state = 'confirmed' AND side = 'target' AND checked_at IS NULL"),
    ),
)

approval = Table(
    "approval",
    metadata,
    _id(),
    _company(),
    Column("record_id", BigInteger, ForeignKey("sync_record.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("held_hash", LargeBinary, nullable=False),
    Column("amount", Numeric(18, 2)),
    Column("currency", Text),
    Column("decision", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    _now("at"),
    CheckConstraint("decision IN ('approved', 'rejected')", name="decision"),
    Index("ix_approval_record", "company_id", "record_id"),
)

history = Table(
    "history",
    metadata,
    _id(),
    _company(),
    Column("record_id", BigInteger, ForeignKey("sync_record.id")),
    Column("actor", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("reason", Text),
    _now("at"),
    Index("ix_history_record", "company_id", "record_id", "id"),
)

#: One for each line of the history, made at its commit: the hash of the line and of the seal before it.
seal = Table(
    "seal",
    metadata,
    Column("company_id", BigInteger, ForeignKey("company.id"), primary_key=True),
    Column("no", BigInteger, primary_key=True),
    Column("history_id", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("company_id", "history_id"),
)

scan_cursor = Table(
    "scan_cursor",
    metadata,
    _id(),
    _company(),
    _connection(),
    Column("kind", Text, nullable=False),
    Column("project_id", Text, nullable=False, server_default=""),
    Column("source_time", DateTime(timezone=True)),  # the source's own clock, never ours
    _time("full_at"),
    UniqueConstraint("company_id", "connection_id", "kind", "project_id"),
)

schedule_slot = Table(
    "schedule_slot",
    metadata,
    Column("schedule", Text, primary_key=True),
    Column("slot", DateTime(timezone=True), primary_key=True),
    _now("claimed_at"),
)

#: The last message that went through each queue, end to end.
heartbeat = Table(
    "heartbeat",
    metadata,
    Column("queue", Text, primary_key=True),
    _time("sent_at"),
    _time("ran_at"),
)

#: Messages that no worker could carry out, by what was wrong and the task they named.
odd_message = Table(
    "odd_message",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False, server_default="1"),
    _now("first_at"),
    _now("last_at"),
)

#: Which database this is, as it was last seen: another one holds a copy, or was put back to an earlier day.
mark = Table(
    "mark",
    metadata,
    Column("one", Boolean, CheckConstraint("one", name="one"), primary_key=True),
    Column("place", Text, nullable=False),
    _now("at"),
)

budget = Table(
    "budget",
    metadata,
    _id(),
    _company(),
    _connection(),
    Column("learn", Boolean, nullable=False, server_default=false()),  # one request at a time until a header was seen
    Column("spike_limit", Integer),
    Column("spike_left", Integer),
    _time("spike_reset"),
    Column("hour_limit", Integer),
    Column("hour_left", Integer),
    _time("hour_reset"),
    _time("shut_until"),
    _time("probe_until"),
    _time("answered_at"),  # the last time the system answered us at all
    UniqueConstraint("company_id", "connection_id"),
)

reconcile_run = Table(
    "reconcile_run",
    metadata,
    _id(),
    _company(),
    _connection(),
    _now("started_at"),
    _time("ended_at"),
    Column("unexplained", Numeric(18, 2)),
    Column("result", JSONB),
)

app_user = Table(
    "app_user",
    metadata,
    _id(),
    _company(),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    _now("created_at"),
    UniqueConstraint("company_id", "name"),
    CheckConstraint("role IN ('viewer', 'approver', 'admin')", name="role"),
)

api_token = Table(
    "api_token",
    metadata,
    _id(),
    _company(),
    Column("user_id", BigInteger, ForeignKey("app_user.id"), nullable=False),
    Column("purpose", Text, nullable=False),  # sign_in (one time), session, api
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _now("created_at"),
    _time("expires_at", nullable=False),
    _time("used_at"),
    UniqueConstraint("hash"),
    CheckConstraint("purpose IN ('sign_in', 'session', 'api')", name="purpose"),
)

access_grant = Table(
    "access_grant",
    metadata,
    _id(),
    _company(),
    Column("system", Text, nullable=False),
    Column("token_id", BigInteger, nullable=False),  # the session of the person who began it
    Column("hash", LargeBinary, nullable=False),  # of the state that comes back with the browser
    Column("settings", JSONB, nullable=False),  # kept with the secrets until the other system has let us in
    Column("secrets", LargeBinary, nullable=False),  # encrypted JSON
    Column("redirect_uri", Text, nullable=False),
    _now("created_at"),
    _time("expires_at", nullable=False),
    UniqueConstraint("company_id", "hash"),
)

vault_tie = Table(  # written by triggers of connection and company only
    "vault_tie",
    metadata,
    Column("company_id", BigInteger, ForeignKey("company.id"), primary_key=True, autoincrement=False),
    Column("site", Text, nullable=False),  # Procore's address and id of the company
    Column("place", Text, nullable=False),  # where the vault is, and its id
    Column("site_id", Text, nullable=False),
    Column("vault", Text, nullable=False),  # its name, for the prompt
    UniqueConstraint("site"),
    UniqueConstraint("place"),
)

#: Tables under row-level security: all that carry company_id, and company itself.
SCOPED = tuple(t.name for t in metadata.sorted_tables if "company_id" in t.c)
