"""Keep what editors do to an issue before it is frozen, and who besides the owners may sit at the desk."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("subject", "preheader"):
        op.add_column("issue", sa.Column(name, sa.String(), nullable=False, server_default=""))
    big_key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "issue_edit",
        sa.Column("id", big_key, autoincrement=True, nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("paper_id", big_key, nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_issue_edit_issued_on", "issue_edit", ["issued_on"])
    op.create_index("ix_issue_edit_paper_id", "issue_edit", ["paper_id"])
    op.create_table(
        "admin",
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("address_key"),
    )


def downgrade() -> None:
    op.drop_table("admin")
    op.drop_table("issue_edit")
    with op.batch_alter_table("issue") as issue:
        for name in ("preheader", "subject"):
            issue.drop_column(name)
