"""Keep which service was asked for which paper, what it said and when it is asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signal_check",
        sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("named", sa.String(), nullable=False),
        sa.Column("known_as", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("paper_id", "service"),
    )
    with op.batch_alter_table("signal_check", schema=None) as batch_op:
        batch_op.create_index("ix_signal_check_due", ["service", "next_at"], unique=False)


def downgrade() -> None:
    op.drop_table("signal_check")
