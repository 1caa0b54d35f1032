"""Foundation: every table, row-level security, the application's role"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

SCOPED = (
    "app_user",
    "connection",
    "api_token",
    "budget",
    "credential",
    "event",
    "reconcile_run",
    "scan_cursor",
    "snapshot",
    "sync_record",
    "approval",
    "attempt",
    "history",
    "write",
)


def upgrade() -> None:
    op.create_table(
        "company",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), server_default="NZD", nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="Pacific/Auckland", nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
    )
    op.create_table(
        "schedule_slot",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "claimed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("schedule", "slot", name=op.f("pk_schedule_slot")),
    )
    op.create_table(
        "app_user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("role IN ('viewer', 'approver', 'admin')", name=op.f("ck_app_user_role")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_app_user_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_app_user_company_id_name")),
    )
    op.create_table(
        "connection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("settings_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("mirror_version", sa.Text(), nullable=True),
        sa.Column("hook_address", sa.Text(), nullable=False),
        sa.Column("hook_secrets", sa.LargeBinary(), nullable=False),
        sa.Column(
            "covered", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("blocked_code", sa.Text(), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "NOT (coalesce((settings->>'lentune_purchase_order')::boolean, false)"
            " AND coalesce((settings->>'procore_purchase_order')::boolean, false))",
            name=op.f("ck_connection_one_po_master"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_connection_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("company_id", "system", name=op.f("uq_connection_company_id_system")),
        sa.UniqueConstraint("hook_address", name=op.f("uq_connection_hook_address")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('sign_in', 'session', 'api')", name=op.f("ck_api_token_purpose")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_api_token_company_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )
    op.create_table(
        "budget",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("learn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("spike_limit", sa.Integer(), nullable=True),
        sa.Column("spike_left", sa.Integer(), nullable=True),
        sa.Column("spike_reset", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hour_limit", sa.Integer(), nullable=True),
        sa.Column("hour_left", sa.Integer(), nullable=True),
        sa.Column("hour_reset", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shut_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_budget_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_budget_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sa.UniqueConstraint("company_id", "connection_id", name=op.f("uq_budget_company_id_connection_id")),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("token_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_credential_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_credential_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("company_id", "connection_id", name=op.f("uq_credential_company_id_connection_id")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('received', 'done', 'ignored', 'parked')", name=op.f("ck_event_state")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_event_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_event_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("company_id", "system", "event_id", name=op.f("uq_event_company_id_system_event_id")),
    )
    op.create_index(
        "ix_event_received", "event", ["received_at"], unique=False, postgresql_where=sa.text("state = 'received'")
    )
    op.create_table(
        "reconcile_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unexplained", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_reconcile_run_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_reconcile_run_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconcile_run")),
    )
    op.create_table(
        "scan_cursor",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), server_default="", nullable=False),
        sa.Column("source_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_scan_cursor_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_scan_cursor_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_cursor")),
        sa.UniqueConstraint(
            "company_id",
            "connection_id",
            "kind",
            "project_id",
            name=op.f("uq_scan_cursor_company_id_connection_id_kind_project_id"),
        ),
    )
    op.create_table(
        "snapshot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_snapshot_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_snapshot_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint(
            "company_id",
            "connection_id",
            "kind",
            "source_id",
            name=op.f("uq_snapshot_company_id_connection_id_kind_source_id"),
        ),
    )
    op.create_index("ix_snapshot_name", "snapshot", ["company_id", "connection_id", "kind", "name"], unique=False)
    op.create_index(
        "ix_snapshot_project", "snapshot", ["company_id", "connection_id", "kind", "project_id"], unique=False
    )
    op.create_table(
        "sync_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column(
            "problems", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column(
            "warnings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("waits_for", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unfinished", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("held_hash", sa.LargeBinary(), nullable=True),
        sa.Column("sent_hash", sa.LargeBinary(), nullable=True),
        sa.Column("told_hash", sa.LargeBinary(), nullable=True),
        sa.Column("asked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("remote_number", sa.Text(), nullable=True),
        sa.Column("remote_version", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "state_since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("direction IN ('from_procore', 'to_procore')", name=op.f("ck_sync_record_direction")),
        sa.CheckConstraint(
            "state IN ('pending', 'held', 'awaiting_approval', 'sending', 'synced', 'checking', "
            "'needs_attention', 'rejected', 'conflict', 'ignored', 'unlinked', 'source_deleted')",
            name=op.f("ck_sync_record_state"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_sync_record_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_sync_record_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_record")),
        sa.UniqueConstraint(
            "company_id",
            "connection_id",
            "kind",
            "source_id",
            "direction",
            name=op.f("uq_sync_record_company_id_connection_id_kind_source_id_direction"),
        ),
    )
    op.create_index(
        "ix_sync_record_due", "sync_record", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index("ix_sync_record_number", "sync_record", ["company_id", "number"], unique=False)
    op.create_index(
        "ix_sync_record_remote", "sync_record", ["company_id", "connection_id", "kind", "remote_id"], unique=False
    )
    op.create_index("ix_sync_record_state", "sync_record", ["company_id", "state", "kind"], unique=False)
    op.create_index(
        "ix_sync_record_waits",
        "sync_record",
        ["waits_for"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("waits_for <> '{}'"),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("held_hash", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("decision IN ('approved', 'rejected')", name=op.f("ck_approval_decision")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_approval_company_id")),
        sa.ForeignKeyConstraint(["record_id"], ["sync_record.id"], name=op.f("fk_approval_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_record", "approval", ["company_id", "record_id"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_attempt_company_id")),
        sa.ForeignKeyConstraint(["record_id"], ["sync_record.id"], name=op.f("fk_attempt_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("company_id", "record_id", "attempt", name=op.f("uq_attempt_company_id_record_id_attempt")),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_history_company_id")),
        sa.ForeignKeyConstraint(["record_id"], ["sync_record.id"], name=op.f("fk_history_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_record", "history", ["company_id", "record_id", "id"], unique=False)
    op.create_table(
        "write",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("absent_looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("done", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "planned_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uncertain_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'confirmed', 'rejected', 'uncertain', 'abandoned')",
            name=op.f("ck_write_state"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_write_company_id")),
        sa.ForeignKeyConstraint(["record_id"], ["sync_record.id"], name=op.f("fk_write_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write")),
        sa.UniqueConstraint(
            "company_id", "record_id", "version", "step", name=op.f("uq_write_company_id_record_id_version_step")
        ),
    )
    _row_level_security()


def _row_level_security() -> None:
    """Policies for a role that does not own the tables. ENABLE without FORCE: the owner's functions see every company."""
    op.execute("""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sitebooks_app') THEN
                CREATE ROLE sitebooks_app NOLOGIN;
            END IF;
            IF NOT pg_has_role(current_user, 'sitebooks_app', 'SET') THEN
                EXECUTE format('GRANT sitebooks_app TO %I', current_user);
            END IF;
        END $$
    """)
    op.execute("GRANT USAGE ON SCHEMA public TO sitebooks_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON schedule_slot TO sitebooks_app")
    for table in SCOPED:
        rights = "SELECT, INSERT" if table in ("history", "approval") else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {rights} ON {table} TO sitebooks_app")
        _protect(table, "company_id")
    op.execute("GRANT SELECT, UPDATE ON company TO sitebooks_app")
    _protect("company", "id")


def _protect(table: str, column: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    mine = f"{column} = nullif(current_setting('app.company', true), '')::bigint"
    op.execute(f"CREATE POLICY one_company ON {table} TO sitebooks_app USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.drop_table("write")
    op.drop_index("ix_history_record", table_name="history")
    op.drop_table("history")
    op.drop_table("attempt")
    op.drop_index("ix_approval_record", table_name="approval")
    op.drop_table("approval")
    op.drop_index(
        "ix_sync_record_waits",
        table_name="sync_record",
        postgresql_using="gin",
        postgresql_where=sa.text("waits_for <> '{}'"),
    )
    op.drop_index("ix_sync_record_state", table_name="sync_record")
    op.drop_index("ix_sync_record_remote", table_name="sync_record")
    op.drop_index("ix_sync_record_number", table_name="sync_record")
    op.drop_index("ix_sync_record_due", table_name="sync_record", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("sync_record")
    op.drop_index("ix_snapshot_project", table_name="snapshot")
    op.drop_index("ix_snapshot_name", table_name="snapshot")
    op.drop_table("snapshot")
    op.drop_table("scan_cursor")
    op.drop_table("reconcile_run")
    op.drop_index("ix_event_received", table_name="event", postgresql_where=sa.text("state = 'received'"))
    op.drop_table("event")
    op.drop_table("credential")
    op.drop_table("budget")
    op.drop_table("api_token")
    op.drop_table("connection")
    op.drop_table("app_user")
    op.drop_table("schedule_slot")
    op.drop_table("company")
