"""Queries on the admin's sessions and the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, literal, select, update
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.roles import Role
from digest.store.deliveries import NEW_DELIVERY
from digest.store.dialects import changed, insert_into, insert_row, table_of
from digest.store.tables import AdminRow, AdminSession, AuditEntry, Delivery

_admin = table_of(AdminRow)
_session = table_of(AdminSession)
_delivery = table_of(Delivery)
_HOUR = timedelta(hours=1)
_MOST_LINKS_AN_HOUR = 5


class Account(NamedTuple):
    """An admin who is not named in the settings."""

    address: str
    role: Role
    password_hash: str
    created_at: datetime
    created_by: str


def account_of(session: Session, address_key: str) -> Account | None:
    """Return the account of an address, or None."""
    row = session.connection().execute(_accounts().where(_admin.c.address_key == address_key)).one_or_none()
    return _account(row) if row else None


def accounts(session: Session) -> list[Account]:
    """List the accounts by address."""
    return [_account(row) for row in session.connection().execute(_accounts().order_by(_admin.c.address_key))]


def put_account(session: Session, address_key: str, address: str, role: Role, *, actor: str, now: datetime) -> None:
    """Make an account, or give one another role."""
    named = {"address_key": address_key, "address": address, "role": role.value, "password_hash": ""}
    made = insert_into(session, _admin).values(**named, created_at=now, created_by=actor)
    session.connection().execute(
        made.on_conflict_do_update(index_elements=["address_key"], set_={"role": role.value, "address": address})
    )


def put_password(session: Session, address_key: str, password_hash: str) -> bool:
    """Give an account a password, or with an empty hash none; False where there is no account."""
    return (
        changed(session, update(_admin).where(_admin.c.address_key == address_key).values(password_hash=password_hash))
        == 1
    )


def drop_account(session: Session, address_key: str) -> bool:
    """Remove an account with its sessions; False where there is none."""
    address = select(_admin.c.address).where(_admin.c.address_key == address_key).scalar_subquery()
    session.connection().execute(_session.delete().where(_session.c.address == address))
    return changed(session, _admin.delete().where(_admin.c.address_key == address_key)) == 1


def _accounts() -> Select[Any]:
    return select(*(_admin.c[name] for name in Account._fields))


def _account(row: Row[Any]) -> Account:
    address, role, *rest = tuple[Any, ...](row)
    return Account(address, Role(role), *rest)


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
