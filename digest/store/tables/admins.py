"""The admin's sessions and the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, key


class AdminRow(SQLModel, table=True):
    """An admin beside those of the settings, who are owners; `password_hash` is Argon2's own form, or empty."""

    __tablename__ = "admin"

    address_key: str = Field(primary_key=True)
    address: str
    role: str
    password_hash: str = ""
    created_at: datetime = instant(nullable=False)
    created_by: str = ""


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
