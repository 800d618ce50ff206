"""What a reader may ask about themselves by their own link: see it all, be forgotten, be mailed again after bounces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.bounce import ReportKind
from digest.core.language import mark
from digest.core.subscription import SubscriptionState
from digest.errors import NotFound, TokenInvalid
from digest.flows import erasure
from digest.flows import export as exporting
from digest.flows.ban_list import lift_within
from digest.flows.links import reader_behind
from digest.store.choices import choices_of
from digest.store.engine import reading, writing
from digest.store.suppressions import bans_on
from digest.tokens import Tokens

_BOUNCES = (ReportKind.HARD, ReportKind.SOFT)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a reader stands: `banned_since` where mail to them is stopped, `liftable` if they may end that themselves."""

    subscriber_id: int
    address: str
    state: SubscriptionState
    banned_since: datetime | None
    liftable: bool
    language: str  # that they chose, or empty


def standing_of(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> Standing:
    """Return how the reader behind a link stands; raises TokenInvalid, or NotFound for an erased reader."""
    with reading(engine) as session:
        return _standing(session, tokens, token, now)


def _standing(session: Session, tokens: Tokens, token: str, now: datetime, *, locked: bool = False) -> Standing:
    subscriber_id = reader_behind(session, tokens, token, now)
    found = choices_of(session, subscriber_id)
    if found is None:
        raise NotFound(mark("nothing is held about the reader of this link; they were erased, or never were here"))
    address, state, choices = found
    bans = bans_on(session, tokens.address_hashes(address), locked=locked)
    since = min((ban.since for ban in bans), default=None)
    bounced = bool(bans) and all(ban.reason.startswith(_BOUNCES) for ban in bans)
    return Standing(subscriber_id, address, state, since, bounced, choices.language)


def export_own(engine: Engine, tokens: Tokens, token: str, *, base_url: str, now: datetime) -> str:
    """Return everything held about the reader behind a link, as JSON; raises TokenInvalid or NotFound."""
    with reading(engine) as session:
        subscriber_id = reader_behind(session, tokens, token, now)
    return exporting.export(engine, tokens, subscriber_id, base_url=base_url, now=now)


def erase_own(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> None:
    """Erase the reader behind a link; doing it again is no error. Raises TokenInvalid."""
    with reading(engine) as session:
        subscriber_id = reader_behind(session, tokens, token, now)
    erasure.erase(engine, tokens, [subscriber_id], actor="the reader", now=now)


def mail_again(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> None:
    """Lift a ban that bounces brought about; the link shows that an earlier mail arrived. It bans again if it bounces.

    Raises TokenInvalid where the ban has another cause: a complaint, or the operator's own decision.
    """
    with writing(engine) as session:  # one, so that a ban of another cause cannot come between look and deed
        standing = _standing(session, tokens, token, now, locked=True)
        if standing.banned_since is not None and not standing.liftable:
            raise TokenInvalid(
                "mail to this address was stopped by a complaint or by the operator; only they can lift it"
            )
        lift_within(session, tokens, standing.address, actor="the reader", now=now)
