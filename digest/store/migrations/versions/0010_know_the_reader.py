"""Keep what readers are interested in, what they made of papers, the taste learned from both, and how they read."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SWITCHES = (("plain_text", sa.false()), ("when_empty", sa.false()), ("outside", sa.true()))


def upgrade() -> None:
    # The defaults stay in the database: the code before this one does not know the columns, and goes on inserting.
    op.add_column("subscription", sa.Column("language", sa.String(), nullable=False, server_default=""))
    for name, default in _SWITCHES:
        op.add_column("subscription", sa.Column(name, sa.Boolean(), nullable=False, server_default=default))
    op.create_table(
        "interest",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.PrimaryKeyConstraint("subscriber_id", "kind", "key"),
    )
    op.create_index("ix_interest_kind_key", "interest", ["kind", "key"])
    op.create_table(
        "reaction",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("leaning", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saved_version", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id"),
    )
    op.create_index("ix_reaction_paper_id", "reaction", ["paper_id"])
    op.create_table(
        "taste",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.PrimaryKeyConstraint("subscriber_id"),
    )


def downgrade() -> None:
    for table in ("taste", "reaction", "interest"):
        op.drop_table(table)
    with op.batch_alter_table("subscription") as subscription:
        for name in ("language", *(name for name, _ in _SWITCHES)):
            subscription.drop_column(name)
