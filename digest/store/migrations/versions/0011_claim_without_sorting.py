"""Order the queue of deliveries wholly by its index; keep leases in theirs only while they run.

With a million due at one instant PostgreSQL sorted all of them for each claim.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_RUNNING = sa.text("lease_until IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_delivery_work", table_name="delivery")
    op.create_index("ix_delivery_work", "delivery", ["state", "kind", "due_at", "id"])
    op.drop_index("ix_delivery_lease", table_name="delivery")
    op.create_index(
        "ix_delivery_lease", "delivery", ["state", "lease_until"], sqlite_where=_RUNNING, postgresql_where=_RUNNING
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_lease", table_name="delivery")
    op.create_index("ix_delivery_lease", "delivery", ["state", "lease_until"])
    op.drop_index("ix_delivery_work", table_name="delivery")
    op.create_index("ix_delivery_work", "delivery", ["state", "kind", "due_at"])
