"""Who may come in, and how often: invitations, and how far each limit is used up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, key


class Invitation(SQLModel, table=True):
    """A link by which so many addresses may be entered where sign-up is not open; only its hash is kept."""

    id: int | None = key()
    token_hash: str = Field(unique=True)
    created_at: datetime = instant(nullable=False)
    expires_at: datetime = instant(nullable=False)
    most_uses: int = 1
    uses: int = 0


class LimitRow(SQLModel, table=True):
    """How far a limit is used up, under a keyed hash of whom it counts; `free_at` is in milliseconds since 1970.

    From `free_at` on nothing of it is used, and the row may go.
    """

    __tablename__ = "limit_use"

    key: str = Field(primary_key=True)
    free_at: int = Field(sa_type=BigInteger, index=True)
