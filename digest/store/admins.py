"""Queries on the admin's sessions and the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, literal, select
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState
from digest.store.deliveries import NEW_DELIVERY
from digest.store.dialects import insert_row, table_of
from digest.store.tables import AdminSession, AuditEntry, Delivery

_session = table_of(AdminSession)
_delivery = table_of(Delivery)
_HOUR = timedelta(hours=1)
_MOST_LINKS_AN_HOUR = 5


def append_audit(
    session: Session, *, at: datetime, actor: str, action: str, target: str = "", detail: str = "", ip: str = ""
) -> None:
    """Append to the audit log."""
    row = {"at": at, "actor": actor, "action": action, "target": target, "detail": detail, "ip": ip}
    insert_row(session, table_of(AuditEntry), row, literal(True))


def queue_sign_in(session: Session, address: str, now: datetime, *, listed: bool) -> bool:
    """Queue a sign-in mail if the address is listed and has not had too many; the same statement either way."""
    lately = (
        select(func.count())
        .select_from(_delivery)
        .where(
            _delivery.c.kind == DeliveryKind.SIGN_IN,
            _delivery.c.state.in_(list(DeliveryState)),  # names every state, so that the index serves
            _delivery.c.address == address,
            _delivery.c.created_at > now - _HOUR,
        )
        .scalar_subquery()
    )
    return insert_row(session, _delivery, _sign_in_row(address, now), literal(listed), lately < _MOST_LINKS_AN_HOUR)


def shown_sign_in(session: Session, address: str, now: datetime) -> int:
    """Record a sign-in link that is shown on the operator's own screen instead of mailed; return its delivery id."""
    row = _sign_in_row(address, now) | {
        "state": DeliveryState.SKIPPED.value,
        "reason": "shown on the operator's screen",
        "settled_at": now,
    }
    insert_row(session, _delivery, row, literal(True))
    newest: int = (
        session.connection()
        .execute(
            select(func.max(_delivery.c.id)).where(
                _delivery.c.kind == DeliveryKind.SIGN_IN, _delivery.c.address == address
            )
        )
        .scalar_one()
    )
    return newest


def _sign_in_row(address: str, now: datetime) -> dict[str, object]:
    return NEW_DELIVERY | {
        "kind": DeliveryKind.SIGN_IN.value,
        "address": address,
        "due_at": now,
        "expires_at": now + _HOUR,
        "created_at": now,
    }


def sign_in_address(session: Session, delivery_id: int) -> str | None:
    """Return the address a sign-in link was made for, or None."""
    found: str | None = session.connection().scalar(
        select(_delivery.c.address).where(_delivery.c.id == delivery_id, _delivery.c.kind == DeliveryKind.SIGN_IN)
    )
    return found


def open_session(session: Session, token_hash: str, address: str, now: datetime, expires_at: datetime) -> None:
    """Record a session by the hash of its token."""
    row = {"token_hash": token_hash, "address": address, "created_at": now, "expires_at": expires_at}
    insert_row(session, _session, row, literal(True))


def session_address(session: Session, token_hash: str, now: datetime) -> str | None:
    """Return whose session a token's hash stands for, or None if there is none or it is over."""
    found: str | None = session.connection().scalar(
        select(_session.c.address).where(_session.c.token_hash == token_hash, _session.c.expires_at > now)
    )
    return found


def close_session(session: Session, token_hash: str) -> None:
    """End a session."""
    session.connection().execute(_session.delete().where(_session.c.token_hash == token_hash))
