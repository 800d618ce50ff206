"""Keep where papers stood once they have left the ranking, what is usual there, and whom sources list them under."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Scores are kept for 35 days; what they say of each paper's best and last is not to be lost with them.
_FILL = """
    INSERT INTO paper_standing (paper_id, best_percentile, best_at, last_percentile, as_of, simulated)
    SELECT best.paper_id, best.percentile, best.as_of, newest.percentile, newest.as_of, best.simulated
    FROM (SELECT paper_id, percentile, as_of, simulated, row_number() OVER
              (PARTITION BY paper_id ORDER BY percentile DESC, as_of) AS place
          FROM score WHERE percentile IS NOT NULL) AS best
    JOIN (SELECT paper_id, percentile, as_of, row_number() OVER
              (PARTITION BY paper_id ORDER BY as_of DESC) AS place
          FROM score WHERE percentile IS NOT NULL) AS newest
      ON newest.paper_id = best.paper_id AND newest.place = 1
    WHERE best.place = 1
"""
_MEASURE = """
    INSERT INTO yardstick (name, value, papers, as_of)
    SELECT 'best_percentile', avg(best_percentile), count(*), max(as_of) FROM paper_standing HAVING count(*) > 0
"""


def upgrade() -> None:
    op.create_table(
        "paper_standing",
        sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("best_percentile", sa.Float(), nullable=False),
        sa.Column("best_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_percentile", sa.Float(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("paper_id"),
    )
    op.create_table(
        "yardstick",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "paper_credit",
        sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("paper_id", "slug"),
    )
    with op.batch_alter_table("paper_credit", schema=None) as batch_op:
        batch_op.create_index("ix_paper_credit_slug", ["slug"], unique=False)
    op.execute(_FILL)
    op.execute(_MEASURE)


def downgrade() -> None:
    op.drop_table("paper_credit")
    op.drop_table("yardstick")
    op.drop_table("paper_standing")
