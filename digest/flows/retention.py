"""Keep nothing longer than it is needed: erase who never confirmed or left long ago, shorten IP addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine, Select

from digest.core.networks import shortened
from digest.flows.erasure import erase_chosen
from digest.store import invitations, retention
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.store.growth import keep_days
from digest.store.prune import note_chore
from digest.tokens import Tokens

CHORE = "retain"
_READERS = 200  # erased in one transaction
_CONSENTS = 1_000
_REPORTS = timedelta(days=30)  # what came back about nobody we know


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what is kept."""

    pending: timedelta
    unsubscribed: timedelta
    ip: timedelta

    @classmethod
    def in_days(cls, pending: int, unsubscribed: int, ip: int) -> Terms:
        """Make the terms from whole days."""
        return cls(timedelta(pending), timedelta(unsubscribed), timedelta(ip))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many readers were erased, IP addresses shortened, and other rows forgotten, or would be."""

    never_confirmed: int = 0
    unsubscribed: int = 0
    addresses: int = 0
    other: int = 0


def due(engine: Engine, terms: Terms, *, now: datetime) -> Forgotten:
    """Count what `retain` would do now; changes nothing, and does not count the other rows."""
    with reading(engine) as session:
        return Forgotten(
            never_confirmed=retention.count(session, retention.never_confirmed(now - terms.pending)),
            unsubscribed=retention.count(session, retention.gone_since(now - terms.unsubscribed)),
            addresses=retention.count(session, retention.long_addresses(now - terms.ip)),
        )


def retain(
    engine: Engine,
    tokens: Tokens,
    terms: Terms,
    *,
    now: datetime,
    most: int = 100_000,
    progress: Callable[[int], None] = lambda _done: None,
) -> Forgotten:
    """Do it, a few hundred in a transaction, and at most `most` readers of each kind; a later run goes on.

    `progress` is told how many readers and addresses each transaction took. Stopped in the middle it has done what
    it has done.
    """
    with writing(engine) as session:
        keep_days(session, now.date())  # whoever is forgotten below still counts on the day they came and left
    pending, gone = (now - kept for kept in (terms.pending, terms.unsubscribed))
    forgotten = Forgotten(
        never_confirmed=_erase(
            engine, tokens, retention.never_confirmed(pending), now=now, most=most, progress=progress
        ),
        unsubscribed=_erase(engine, tokens, retention.gone_since(gone), now=now, most=most, progress=progress),
        addresses=_shorten(engine, now - terms.ip, progress),
        other=_forget_others(engine, terms, now),
    )
    with writing(engine) as session:
        detail = (
            f"{forgotten.never_confirmed} never confirmed, {forgotten.unsubscribed} left, "
            f"{forgotten.addresses} addresses shortened"
        )
        note_chore(session, CHORE, now, detail)
        if forgotten != Forgotten():
            append_audit(session, at=now, actor="retention", action="retain", detail=detail)
    return forgotten


def _erase(
    engine: Engine,
    tokens: Tokens,
    chosen: Select[tuple[int]],
    *,
    now: datetime,
    most: int,
    progress: Callable[[int], None],
) -> int:
    erased = 0
    while erased < most:
        some = partial(retention.some, chosen=chosen, limit=min(_READERS, most - erased))
        gone = erase_chosen(engine, tokens, some, actor="retention", now=now).readers
        if not gone:
            break
        progress(gone)
        erased += gone
    return erased


def _shorten(engine: Engine, before: datetime, progress: Callable[[int], None]) -> int:
    together = 0
    while True:
        with writing(engine) as session:
            done = retention.shorten_addresses(session, before, shortened, _CONSENTS)
        progress(done)
        together += done
        if done < _CONSENTS:
            return together


def _forget_others(engine: Engine, terms: Terms, now: datetime) -> int:
    with writing(engine) as session:
        forgotten = retention.forget_asides(
            session,
            changes_before=now - terms.pending,
            ips_before=now - terms.ip,
            reports_before=now - _REPORTS,
        )
        return forgotten + invitations.forget_old(session, now - terms.pending)
