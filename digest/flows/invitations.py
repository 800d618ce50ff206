"""Invitations: links that let so many addresses in where sign-up is not open to everybody."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.store import invitations
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.tokens import token_hash

_OCTETS = 16  # 128 bits


def invite(engine: Engine, *, count: int, lasts: timedelta, uses: int, now: datetime) -> list[str]:
    """Make invitations and return their tokens, which are stored nowhere."""
    made = [secrets.token_urlsafe(_OCTETS) for _ in range(count)]
    hashes = [token_hash(one) for one in made]
    with writing(engine) as session:
        invitations.add(session, hashes, now=now, expires_at=now + lasts, most_uses=uses)
        detail = f"{count} links of {uses} uses for {lasts.days} days"
        append_audit(session, at=now, actor="command line", action="invite", detail=detail)
    return made


def opens(engine: Engine, token: str, *, now: datetime) -> bool:
    """Say whether an invitation may still be used."""
    with reading(engine) as session:
        return invitations.opens(session, token_hash(token), now)
