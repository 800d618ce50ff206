"""Keep the hashed words of papers, and how new they make each."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_text",
        sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.Column("distance", sa.Float(), nullable=True),
        sa.Column("novelty", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("paper_id"),
    )
    with op.batch_alter_table("paper_text", schema=None) as batch_op:
        batch_op.create_index("ix_paper_text_listed_on", ["listed_on"], unique=False)


def downgrade() -> None:
    op.drop_table("paper_text")
