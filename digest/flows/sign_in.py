"""Let an admin in by a mailed link, or by the password of an account that has one."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.roles import Role
from digest.errors import TokenInvalid, TokenSpent
from digest.flows.admins import knows_password, role_of
from digest.store import admins as stored
from digest.store.engine import reading, writing
from digest.store.subscribers import spend
from digest.tokens import Tokens, address_key, spent_key, token_hash

LINK_LASTS = timedelta(hours=1)
SESSION_LASTS = timedelta(hours=12)


def request_sign_in(engine: Engine, address: str, admins: Collection[str], *, now: datetime, ip: str = "") -> None:
    """Queue a sign-in mail if the address is an admin's; the same answer and the same work if it is not.

    It goes to the address as listed in the settings or in an account, not as typed.
    """
    with writing(engine) as session:
        account = stored.account_of(session, address_key(address))
        own = account.address if account else None
        listed = {address_key(admin): admin for admin in admins}.get(address_key(address), own)
        queued = stored.queue_sign_in(session, listed or "", now, listed=listed is not None)
        action = "sign-in link mailed" if queued else "sign-in link refused"
        stored.append_audit(session, at=now, actor=listed or "unknown", action=action, ip=ip)


def shown_sign_in_token(engine: Engine, tokens: Tokens, address: str, *, now: datetime) -> str:
    """Make the token of a sign-in link to be shown on the operator's own screen; it works once."""
    with writing(engine) as session:
        delivery_id = stored.shown_sign_in(session, address, now)
        stored.append_audit(session, at=now, actor=address, action="sign-in link shown")
    return tokens.sign("sign-in", {"d": delivery_id}, at=now)


def sign_in(engine: Engine, tokens: Tokens, token: str, *, now: datetime, ip: str = "") -> str:
    """Open a session by a link's token and return the session's token, for a cookie; it lasts 12 hours.

    Works once and for an hour. Raises TokenSpent the second time, otherwise TokenInvalid.
    """
    delivery_id = tokens.verify("sign-in", token, now=now, max_age=LINK_LASTS).get("d")
    if not isinstance(delivery_id, int):
        raise TokenInvalid("this link is not one of ours; ask for a new one")
    opened = secrets.token_urlsafe(32)
    with writing(engine) as session:
        if not spend(session, spent_key("sign-in", delivery_id), "sign-in", now):
            raise TokenSpent("this sign-in link has been used; ask for a new one")
        address = stored.sign_in_address(session, delivery_id)
        if address is None:
            raise TokenInvalid("this sign-in link is no longer known; ask for a new one")
        _open(session, opened, address, now, ip)
    return opened


def sign_in_by_password(engine: Engine, address: str, password: str, *, now: datetime, ip: str = "") -> str | None:
    """Open a session and return its token, or None where no account has this address and password."""
    known = knows_password(engine, address, password)
    opened = secrets.token_urlsafe(32)
    with writing(engine) as session:
        if known is None:
            stored.append_audit(session, at=now, actor="unknown", action="password refused", ip=ip)
            return None
        _open(session, opened, known, now, ip)
    return opened


def _open(session: Session, opened: str, address: str, now: datetime, ip: str) -> None:
    stored.open_session(session, token_hash(opened), address, now, now + SESSION_LASTS)
    stored.append_audit(session, at=now, actor=address, action="signed in", ip=ip)


def session_admin(
    engine: Engine, cookie_token: str, owners: Collection[str], *, now: datetime
) -> tuple[str, Role] | None:
    """Return whose session a cookie holds and what they may do now, or None.

    Whoever is no longer listed is out at once.
    """
    with reading(engine) as session:
        address = stored.session_address(session, token_hash(cookie_token), now)
        role = role_of(session, address, owners) if address is not None else None
    return (address, role) if address is not None and role is not None else None


def sign_out(engine: Engine, cookie_token: str, *, now: datetime) -> None:
    """End the session that a cookie holds, if there is one."""
    ended = token_hash(cookie_token)
    with writing(engine) as session:
        address = stored.session_address(session, ended, now)
        stored.close_session(session, ended)
        if address is not None:
            stored.append_audit(session, at=now, actor=address, action="signed out")
