"""Never twice, never lost: the history's seals, second looks, heartbeats, and the mark that tells a restored database"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

#: The form that is hashed must never change: old seals could not be verified any more.
SEALS = """
CREATE FUNCTION sitebooks_line(h history) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_array(h.id, h.company_id, h.record_id, h.actor, h.what, h.before, h.after, h.reason,
        to_char(h.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::text
$$;
CREATE FUNCTION sitebooks_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE last seal;
BEGIN
    PERFORM pg_advisory_xact_lock(8700, NEW.company_id::int);
    SELECT * INTO last FROM seal WHERE company_id = NEW.company_id ORDER BY no DESC LIMIT 1;
    INSERT INTO seal (company_id, no, history_id, hash) VALUES (NEW.company_id, coalesce(last.no, 0) + 1, NEW.id,
        sha256(coalesce(last.hash, ''::bytea) || convert_to(sitebooks_line(NEW), 'UTF8')));
    RETURN NULL;
END $$;
"""
#: What was written before this release is sealed in the order it was written.
SEAL_WHAT_IS_THERE = """
DO $$ DECLARE h history; last bytea; at bigint; n bigint; BEGIN
    FOR h IN SELECT * FROM history ORDER BY company_id, id LOOP
        IF at IS DISTINCT FROM h.company_id THEN at := h.company_id; n := 0; last := ''; END IF;
        n := n + 1;
        last := sha256(last || convert_to(sitebooks_line(h), 'UTF8'));
        INSERT INTO seal (company_id, no, history_id, hash) VALUES (h.company_id, n, h.id, last);
    END LOOP;
END $$
"""


def upgrade() -> None:
    _seals()
    op.create_table(
        "heartbeat",
        sa.Column("queue", sa.Text(), primary_key=True),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("ran_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "mark",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one", name="ck_mark_one"), primary_key=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
    )
    op.add_column("sync_record", sa.Column("sent", postgresql.JSONB()))
    op.execute("UPDATE sync_record SET sent = held WHERE sent_hash IS NOT NULL AND sent_hash = held_hash")
    op.add_column("connection", sa.Column("blocked_reason", sa.Text()))
    op.add_column("write", sa.Column("answer", sa.Text()))
    op.add_column("write", sa.Column("verified_at", sa.DateTime(timezone=True)))
    op.add_column("write", sa.Column("checked_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE write SET checked_at = clock_timestamp() WHERE state = 'confirmed'")
    op.create_index("ix_write_planned", "write", ["company_id", "planned_at"])
    unchecked = sa.text("state = 'confirmed' AND side = 'target' AND checked_at IS NULL")
    op.create_index("ix_write_unchecked", "write", ["ended_at"], postgresql_where=unchecked)


def _seals() -> None:
    op.create_table(
        "seal",
        sa.Column("company_id", sa.BigInteger(), sa.ForeignKey("company.id", name="fk_seal_company_id"), primary_key=True),
        sa.Column("no", sa.BigInteger(), primary_key=True),
        sa.Column("history_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("company_id", "history_id", name="uq_seal_company_id_history_id"),
    )
    op.execute(SEALS)
    op.execute(SEAL_WHAT_IS_THERE)
    # at the commit, when no other lock is asked for any more: sealing one after the other can never become a deadlock
    op.execute("""
        CREATE CONSTRAINT TRIGGER seal AFTER INSERT ON history DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION sitebooks_seal()
    """)
    op.execute("GRANT SELECT ON seal TO sitebooks_app")
    op.execute("ALTER TABLE seal ENABLE ROW LEVEL SECURITY")
    mine = "company_id = nullif(current_setting('app.company', true), '')::bigint"
    op.execute(f"CREATE POLICY one_company ON seal TO sitebooks_app USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.drop_index("ix_write_unchecked", table_name="write")
    op.drop_index("ix_write_planned", table_name="write")
    op.drop_column("write", "checked_at")
    op.drop_column("write", "verified_at")
    op.drop_column("write", "answer")
    op.drop_column("connection", "blocked_reason")
    op.drop_column("sync_record", "sent")
    op.drop_table("mark")
    op.drop_table("heartbeat")
    op.execute("DROP TRIGGER seal ON history")
    op.execute("DROP FUNCTION sitebooks_seal(), sitebooks_line(history)")
    op.drop_table("seal")
