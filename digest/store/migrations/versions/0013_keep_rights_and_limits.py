"""Keep changes of address, invitations, and how far limits are used up."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "address_change",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", _KEY, nullable=False),
        sa.Column("old_address", sa.String(), nullable=False),
        sa.Column("new_address", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("letter_id", sa.BigInteger(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objected_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("letter_id"),
        sa.UniqueConstraint("notice_id"),
    )
    op.create_index("ix_address_change_subscriber_id", "address_change", ["subscriber_id"])
    op.create_table(
        "invitation",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("most_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "limit_use",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_limit_use_free_at", "limit_use", ["free_at"])


def downgrade() -> None:
    for table in ("limit_use", "invitation", "address_change"):
        op.drop_table(table)
