"""Let an admin in by a mailed link: no password exists that could leak."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.errors import TokenInvalid, TokenSpent
from digest.store import admins as stored
from digest.store.engine import reading, writing
from digest.store.subscribers import spend
from digest.tokens import Tokens, address_key, spent_key, token_hash

LINK_LASTS = timedelta(hours=1)
SESSION_LASTS = timedelta(hours=12)


def request_sign_in(engine: Engine, address: str, admins: Collection[str], *, now: datetime, ip: str = "") -> None:
    """Queue a sign-in mail if the address is an admin's; the same answer and the same work if it is not.

    It goes to the address as listed in the settings, not as typed.
    """
    listed = {address_key(admin): admin for admin in admins}.get(address_key(address))
    with writing(engine) as session:
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
        stored.open_session(session, token_hash(opened), address, now, now + SESSION_LASTS)
        stored.append_audit(session, at=now, actor=address, action="signed in", ip=ip)
    return opened


def session_admin(engine: Engine, cookie_token: str, *, now: datetime) -> str | None:
    """Return the address of the admin whose session a cookie holds, or None."""
    with reading(engine) as session:
        return stored.session_address(session, token_hash(cookie_token), now)


def sign_out(engine: Engine, cookie_token: str, *, now: datetime) -> None:
    """End the session that a cookie holds, if there is one."""
    ended = token_hash(cookie_token)
    with writing(engine) as session:
        address = stored.session_address(session, ended, now)
        stored.close_session(session, ended)
        if address is not None:
            stored.append_audit(session, at=now, actor=address, action="signed out")
