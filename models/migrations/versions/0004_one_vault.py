"""One Procore company to one vault, whatever writes the rows; sign-ins by a person that are under way"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

#: Which Procore company is tied to which vault (S-15). Two rows of two tables of ours say it, so the triggers bring it
#: together in one row, and its unique keys hold it between companies too. A connection that is switched off ties nothing.
TIES = """
CREATE FUNCTION sitebooks_tie(one bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE wanted vault_tie; held vault_tie;
BEGIN
    SELECT c.id, coalesce(p.settings->>'base_url', '') || ' ' || c.site_id,
        lower(coalesce(nullif(v.settings->>'base_url', ''), v.settings->>'folder', '')) || ' ' || (v.settings->>'vault_id'),
        c.site_id, coalesce(nullif(v.settings->>'vault', ''), v.settings->>'vault_id')
    INTO wanted
    FROM company c JOIN connection v ON v.company_id = c.id AND v.system = 'sage_paperless' AND v.enabled
    LEFT JOIN connection p ON p.company_id = c.id AND p.system = 'procore'
    WHERE c.id = one AND c.site_id <> '' AND v.settings ? 'vault_id';
    IF wanted.company_id IS NULL THEN
        DELETE FROM vault_tie WHERE company_id = one;
        RETURN;
    END IF;
    BEGIN
        INSERT INTO vault_tie SELECT wanted.*
        ON CONFLICT (company_id) DO UPDATE SET site = excluded.site, place = excluded.place,
            site_id = excluded.site_id, vault = excluded.vault;
    EXCEPTION WHEN unique_violation THEN
        SELECT * INTO held FROM vault_tie WHERE company_id <> one AND (site = wanted.site OR place = wanted.place)
        ORDER BY site = wanted.site DESC LIMIT 1;
        RAISE unique_violation USING CONSTRAINT = 'one_company_one_vault', MESSAGE = CASE WHEN held.site = wanted.site
            THEN format('Procore company %s is tied to the vault %s already', held.site_id, held.vault)
            ELSE format('the vault %s holds Procore company %s already', held.vault, held.site_id) END;
    END;
END $$;
CREATE FUNCTION sitebooks_tie_connection() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM sitebooks_tie(CASE TG_OP WHEN 'DELETE' THEN OLD.company_id ELSE NEW.company_id END);
    RETURN NULL;
END $$;
CREATE FUNCTION sitebooks_tie_company() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM sitebooks_tie(NEW.id);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION sitebooks_tie(bigint) FROM PUBLIC;
CREATE TRIGGER one_vault AFTER INSERT OR DELETE OR UPDATE OF settings, enabled ON connection
FOR EACH ROW EXECUTE FUNCTION sitebooks_tie_connection();
CREATE TRIGGER one_vault AFTER UPDATE OF site_id ON company FOR EACH ROW EXECUTE FUNCTION sitebooks_tie_company();
"""


def upgrade() -> None:
    for name in ("granted_by", "granted_as"):
        op.add_column("connection", sa.Column(name, sa.Text()))
    op.add_column("connection", sa.Column("granted_at", sa.DateTime(timezone=True)))
    op.create_table(
        "vault_tie",
        sa.Column("company_id", sa.BigInteger(), sa.ForeignKey("company.id", name="fk_vault_tie_company_id"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("vault", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", name="pk_vault_tie"),
        sa.UniqueConstraint("site", name="uq_vault_tie_site"),
        sa.UniqueConstraint("place", name="uq_vault_tie_place"),
    )
    op.create_table(
        "access_grant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.BigInteger(), sa.ForeignKey("company.id", name="fk_access_grant_company_id"), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_grant"),
        sa.UniqueConstraint("company_id", "hash", name="uq_access_grant_company_id_hash"),
    )
    op.execute(TIES)
    op.execute("SELECT sitebooks_tie(id) FROM company ORDER BY id")
    op.execute("GRANT SELECT ON vault_tie TO sitebooks_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON access_grant TO sitebooks_app")
    mine = "company_id = nullif(current_setting('app.company', true), '')::bigint"
    for table in ("vault_tie", "access_grant"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_company ON {table} TO sitebooks_app USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.execute("DROP TRIGGER one_vault ON connection")
    op.execute("DROP TRIGGER one_vault ON company")
    op.execute("DROP FUNCTION sitebooks_tie_connection(), sitebooks_tie_company(), sitebooks_tie(bigint)")
    op.drop_table("access_grant")
    op.drop_table("vault_tie")
    for name in ("granted_at", "granted_as", "granted_by"):
        op.drop_column("connection", name)
