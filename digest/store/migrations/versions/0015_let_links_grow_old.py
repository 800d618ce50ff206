"""Count how often a reader's address has changed, so that links mailed to an earlier one lead nowhere."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default stays in the database: the code before this one does not know the column, and goes on inserting.
    op.add_column("subscriber", sa.Column("link_generation", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("subscriber") as subscriber:
        subscriber.drop_column("link_generation")
