"""Who may sit at the desk, as what, and by which proof: the owners of the settings, and accounts that they make."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.roles import Role
from digest.errors import NotFound, PasswordRefused
from digest.store import admins as stored
from digest.store.admins import Account
from digest.store.engine import reading, writing
from digest.tokens import address_key

FEWEST_CHARACTERS, MOST_CHARACTERS = 12, 200  # of a password
_hasher = PasswordHasher()  # Argon2id with the library's own parameters, which follow RFC 9106


def role_of(session: Session, address: str, owners: Collection[str]) -> Role | None:
    """Return what an address may do, or None: the settings' addresses are owners, whatever an account says."""
    key = address_key(address)
    account = stored.account_of(session, key)
    if key in {address_key(owner) for owner in owners}:
        return Role.OWNER
    return account.role if account else None


def appoint(engine: Engine, address: str, role: Role, *, actor: str, now: datetime) -> None:
    """Make an account, or give one another role, at once."""
    with writing(engine) as session:
        stored.put_account(session, address_key(address), address, role, actor=actor, now=now)
        stored.append_audit(session, at=now, actor=actor, action="appoint", target=address, detail=role)


def dismiss(engine: Engine, address: str, *, actor: str, now: datetime) -> None:
    """Remove an account and end its sessions; raises NotFound."""
    with writing(engine) as session:
        if not stored.drop_account(session, address_key(address)):
            raise NotFound(f"{address} has no account; owners are named in DIGEST_ADMINS")
        stored.append_audit(session, at=now, actor=actor, action="dismiss", target=address)


def listed(engine: Engine) -> list[Account]:
    """List the accounts by address."""
    with reading(engine) as session:
        return stored.accounts(session)


def set_password(engine: Engine, address: str, password: str, *, actor: str, now: datetime) -> None:
    """Give an account a password, beside the mailed links; an empty one takes it away.

    Raises PasswordRefused for a short or endless one, NotFound where there is no account.
    """
    if password and not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise PasswordRefused(f"a password has {FEWEST_CHARACTERS} to {MOST_CHARACTERS} characters")
    if password and len(set(password)) < 5:
        raise PasswordRefused("a password of so few different characters is soon guessed")
    hashed = _hasher.hash(password) if password else ""
    with writing(engine) as session:
        if not stored.put_password(session, address_key(address), hashed):
            raise NotFound(f"{address} has no account; make one first: digest admin create {address}")
        action = "password set" if password else "password removed"
        stored.append_audit(session, at=now, actor=actor, action=action, target=address)


def knows_password(engine: Engine, address: str, password: str) -> str | None:
    """Return the address of the account that this password opens, or None; the work is the same for any address."""
    with reading(engine) as session:
        account = stored.account_of(session, address_key(address))
    kept = account.password_hash if account and account.password_hash else _nobodys()
    try:
        _hasher.verify(kept, password[:MOST_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return None
    return account.address if account and account.password_hash else None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("nobody has this password, but checking it takes as long")
