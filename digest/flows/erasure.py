"""Forget readers: at their own wish, at the operator's, or because their time is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.errors import NotFound
from digest.flows.ban_list import short
from digest.store.admins import append_audit
from digest.store.choices import subscriber_of
from digest.store.engine import reading, writing_again
from digest.store.erasure import Erased, addresses_of, keep_deliveries
from digest.store.erasure import erase as erase_rows
from digest.tokens import Tokens


def erase_address(engine: Engine, tokens: Tokens, address: str, *, actor: str, now: datetime) -> Erased:
    """Erase the reader at an address; raises NotFound where there is none."""
    with reading(engine) as session:
        reader = subscriber_of(session, address)
    if reader is None:
        raise NotFound(f"nobody is known by the address {address}; digest suppressions list shows a ban on it")
    return erase(engine, tokens, [reader], actor=actor, now=now)


def erase(engine: Engine, tokens: Tokens, ids: Sequence[int], *, actor: str, now: datetime, ip: str = "") -> Erased:
    """Erase readers in one transaction; those who are gone already are no error.

    The audit log keeps the beginning of the keyed hash of a single address. Somebody who changes something of theirs
    at this very moment can make the database refuse it; then it is tried again.
    """
    return erase_chosen(engine, tokens, lambda _session: ids, actor=actor, now=now, ip=ip)


def erase_chosen(
    engine: Engine,
    tokens: Tokens,
    choose: Callable[[Session], Sequence[int]],
    *,
    actor: str,
    now: datetime,
    ip: str = "",
) -> Erased:
    """Erase the readers that are chosen within the transaction, so that none of them can change before it ends."""
    return writing_again(
        engine, lambda session: _erase(session, tokens, choose, actor=actor, now=now, ip=ip), called="erasure"
    )


def _erase(
    session: Session, tokens: Tokens, choose: Callable[[Session], Sequence[int]], *, actor: str, now: datetime, ip: str
) -> Erased:
    keep_deliveries(session)
    ids = choose(session)
    addresses = addresses_of(session, ids)
    hashes = [one for address in addresses for one in tokens.address_hashes(address)]
    erased = erase_rows(session, ids, addresses, hashes, now)
    if erased.readers:
        target = short(tokens.address_hashes(addresses[0])[0]) if len(ids) == 1 else f"{erased.readers} readers"
        append_audit(session, at=now, actor=actor, action="erase", target=target, ip=ip)
    return erased
