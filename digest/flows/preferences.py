"""A reader's preferences behind a signed link: shown, and changed, without a password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.core.preferences import Choices, chosen
from digest.core.subscription import SubscriptionState
from digest.errors import NotFound, TokenInvalid
from digest.flows.reslot import planned_anew
from digest.store import choices as stored
from digest.store.engine import reading, writing
from digest.tokens import Tokens


@dataclass(frozen=True, slots=True)
class ReaderPreferences:
    """What a reader sees of themselves: the address, how their consent stands, and their choices."""

    address: str
    state: SubscriptionState
    choices: Choices


def preferences_of(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> ReaderPreferences:
    """Return the preferences behind a link; raises TokenInvalid, or NotFound for an erased reader."""
    subscriber_id = reader_behind(tokens, token, now)
    with reading(engine) as session:
        found = stored.choices_of(session, subscriber_id)
    if found is None:
        raise NotFound("this subscription no longer exists; subscribe again if you like")
    return ReaderPreferences(*found)


def change_preferences(
    engine: Engine,
    tokens: Tokens,
    token: str,
    *,
    now: datetime,
    categories: Sequence[str],
    paper_count: int,
    hour: int,
    timezone: str,
    cadence: str = "daily",
    weekday: int = 0,
    last_cut_off: datetime,
) -> ReaderPreferences:
    """Change the preferences behind a link, from the next digest on; its hour and date follow them at once.

    A digest that is already due at the old hour keeps it. `last_cut_off` is the last that has passed. Raises
    TokenInvalid, NotFound, or PreferencesRefused, naming the choice that is wrong.
    """
    subscriber_id = reader_behind(tokens, token, now)
    wanted = chosen(
        categories=categories,
        paper_count=paper_count,
        hour=hour,
        timezone=timezone,
        cadence=cadence,
        weekday=weekday,
    )
    with (
        writing(engine) as session,
        planned_anew(session, subscriber_id, now=now, last_cut_off=last_cut_off),
    ):
        stored.change_choices(session, subscriber_id, wanted)
    return preferences_of(engine, tokens, token, now=now)


def reader_behind(tokens: Tokens, token: str, now: datetime) -> int:
    subscriber_id = tokens.verify("preferences", token, now=now).get("s")
    if not isinstance(subscriber_id, int):
        raise TokenInvalid("this link is not one of ours; copy it whole from the mail")
    return subscriber_id
