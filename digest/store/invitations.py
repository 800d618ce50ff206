"""Queries on invitations: make them, see whether one still opens, spend a use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlmodel import Session

from digest.store.dialects import changed, table_of
from digest.store.tables import Invitation

_invitation = table_of(Invitation)


def add(session: Session, hashes: Sequence[str], *, now: datetime, expires_at: datetime, most_uses: int) -> None:
    """Store invitations by the hashes of their tokens."""
    rows = [
        {"token_hash": one, "created_at": now, "expires_at": expires_at, "most_uses": most_uses, "uses": 0}
        for one in hashes
    ]
    session.connection().execute(insert(_invitation), rows)


def opens(session: Session, token_hash: str, now: datetime) -> bool:
    """Say whether an invitation has a use left and is not too old."""
    return bool(session.connection().scalar(select(exists().where(*_good(token_hash, now)))))


def spend(session: Session, token_hash: str, now: datetime) -> bool:
    """Spend a use; False where none is left, also at this very moment."""
    spent = update(_invitation).where(*_good(token_hash, now)).values(uses=_invitation.c.uses + 1)
    return changed(session, spent) == 1


def forget_old(session: Session, before: datetime) -> int:
    """Delete invitations that expired before an instant; return how many."""
    return changed(session, delete(_invitation).where(_invitation.c.expires_at < before))


def _good(token_hash: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _invitation.c.token_hash == token_hash,
        _invitation.c.expires_at > now,
        _invitation.c.uses < _invitation.c.most_uses,
    )
