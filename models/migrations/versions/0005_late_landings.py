"""Until when a request whose answer was lost may still be carried out; what a person agreed to"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("write", sa.Column("lands_until", sa.DateTime(timezone=True)))
    op.add_column("sync_record", sa.Column("consent", sa.Text()))
    op.execute("UPDATE sync_record SET sent = jsonb_set(sent, '{gone}', jsonb_build_array(sent->'gone'))"
               " WHERE jsonb_typeof(sent->'gone') = 'string'")  # all that it ever was, instead of the last


def downgrade() -> None:
    op.drop_column("sync_record", "consent")
    op.drop_column("write", "lands_until")
