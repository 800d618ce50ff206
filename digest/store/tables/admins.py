"""The admin's sessions and the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, key


class AdminSession(SQLModel, table=True):
    """A signed-in admin; only the hash of the cookie's token is kept."""

    __tablename__ = "admin_session"

    token_hash: str = Field(primary_key=True)
    address: str
    created_at: datetime = instant(nullable=False)
    expires_at: datetime = instant(nullable=False)


class AuditEntry(SQLModel, table=True):
    """What was done at the admin's desk, by whom; only ever appended."""

    __tablename__ = "audit_entry"

    id: int | None = key()
    at: datetime = instant(nullable=False, index=True)
    actor: str
    action: str
    target: str = ""
    detail: str = ""
    ip: str = ""
