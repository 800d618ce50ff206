"""Keep the papers nearest to each paper by their words, and how common words are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "paper_neighbour",
        sa.Column("paper_id", _KEY, nullable=False),
        sa.Column("other_id", _KEY, nullable=False),
        sa.Column("cosine", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["other_id"], ["paper.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("paper_id", "other_id"),
    )
    op.create_index("ix_paper_neighbour_other_id", "paper_neighbour", ["other_id"])
    op.create_table(
        "word_frequency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("word_frequency")
    op.drop_table("paper_neighbour")
