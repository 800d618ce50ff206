"""Remember former titles of papers and the language of a consent; find by index what speaks of an address."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # The default stays in the database: the code before this one does not know the column, and goes on inserting.
    op.add_column("consent", sa.Column("language", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "former_title",
        sa.Column("title_key", sa.String(), nullable=False),
        sa.Column("paper_id", _KEY, nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("title_key", "paper_id"),
    )
    op.create_index("ix_former_title_paper_id", "former_title", ["paper_id"])
    op.create_index("ix_address_change_new_address", "address_change", ["new_address"])
    op.create_index("ix_bounce_event_recipient", "bounce_event", [sa.text("lower(recipient)")])
    op.create_index("ix_suppression_address", "suppression", [sa.text("lower(address)")])


def downgrade() -> None:
    op.drop_index("ix_suppression_address", "suppression")
    op.drop_index("ix_bounce_event_recipient", "bounce_event")
    op.drop_index("ix_address_change_new_address", "address_change")
    op.drop_table("former_title")
    with op.batch_alter_table("consent") as consent:
        consent.drop_column("language")
