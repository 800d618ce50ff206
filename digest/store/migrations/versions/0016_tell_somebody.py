"""Keep which alarms hold, what was told of them and to whom, and for which days it was told that they were good."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big_key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "alarm",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("told_at", instant, nullable=True),
        sa.Column("over_at", instant, nullable=True),
        sa.Column("told_over_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "alert_notice",
        sa.Column("id", big_key, autoincrement=True, nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("post_state", sa.String(), nullable=False),
        sa.Column("post_until", instant, nullable=True),
        sa.Column("post_attempts", sa.Integer(), nullable=False),
        sa.Column("post_words", sa.String(), nullable=False),
        sa.Column("posted_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_notice_post_state", "alert_notice", ["post_state"])
    op.create_table(
        "alert_mail",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notice_id", big_key, nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["alert_notice.id"]),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index("ix_alert_mail_notice_id", "alert_mail", ["notice_id"])
    op.create_table(
        "heartbeat",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("called_at", instant, nullable=False),
        sa.Column("until", instant, nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "outage",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    for name in ("outage", "heartbeat", "alert_mail", "alert_notice", "alarm"):
        op.drop_table(name)
