"""Until when a request whose answer was lost may still be carried out"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("write", sa.Column("lands_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("write", "lands_until")
