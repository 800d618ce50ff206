"""A reader's preferences behind a signed link: shown, and changed, without a password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.cadence import local_date
from digest.core.interests import Interest, InterestKind, distinct
from digest.core.language import mark
from digest.core.preferences import RUNNING, Choices, Pause, chosen
from digest.core.subscription import ConsentAction, SubscriptionState, may_receive
from digest.errors import NotFound
from digest.flows.audience import known_zone
from digest.flows.links import Held, held, reader_behind
from digest.flows.reslot import planned_anew
from digest.store import choices as stored
from digest.store.engine import reading, writing
from digest.store.interests import added_since, interests_of, put_interests
from digest.store.subscribers import Evidence, apply_consent
from digest.tokens import Tokens


@dataclass(frozen=True, slots=True)
class ReaderPreferences:
    """What a reader sees of themselves: the address, how their consent stands, and what they want.

    `own` is what their links hold.
    """

    subscriber_id: int
    own: Held
    address: str
    state: SubscriptionState
    choices: Choices
    interests: tuple[Interest, ...] = ()
    pause: Pause = RUNNING


def preferences_of(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> ReaderPreferences:
    """Return the preferences behind a link; raises TokenInvalid, or NotFound for an erased reader."""
    with reading(engine) as session:
        return reader_preferences(session, reader_behind(session, tokens, token, now), now)


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
    language: str = "",
    plain_text: bool = False,
    when_empty: bool = False,
    outside: bool = True,
    interests: Sequence[Interest] | None = None,
    seen: datetime | None = None,
    pause: Pause | None = None,
    ip: str = "",
    last_cut_off: datetime,
) -> ReaderPreferences:
    """Change the preferences behind a link, from the next digest on; interests and pause only where they are given.

    The hour and date of what is planned follow at once; a digest that is already due at the old hour keeps it.
    `last_cut_off` is the last that has passed. Interests that were added after `seen`, when the reader's page was
    made, stay: a topic may have been muted from a mail meanwhile. Raises TokenInvalid, NotFound, or
    PreferencesRefused, naming the choice that is wrong.
    """
    wanted = chosen(
        categories=categories,
        paper_count=paper_count,
        hour=hour,
        timezone=timezone,
        cadence=cadence,
        weekday=weekday,
        language=language,
        plain_text=plain_text,
        when_empty=when_empty,
        outside=outside,
    )
    with writing(engine) as session:
        subscriber_id = reader_behind(session, tokens, token, now)
        with planned_anew(session, subscriber_id, now=now, last_cut_off=last_cut_off):
            before = reader_preferences(session, subscriber_id, now)
            if before.state not in (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED):
                words = mark("there is no running subscription behind this link; subscribe again to get the digest")
                raise NotFound(words)
            if pause is not None and pause != before.pause:
                _pause(session, subscriber_id, before, pause, Evidence(at=now, ip=ip, source="preferences"))
            stored.change_choices(session, subscriber_id, wanted)
            if interests is not None:
                since = added_since(session, subscriber_id, seen) if seen is not None else ()
                put_interests(session, subscriber_id, distinct([*interests, *since]), now)
                after = reader_preferences(session, subscriber_id, now)
                if _seeds(after) != _seeds(before):
                    from digest.flows.learn import learn_taste  # noqa: PLC0415  # numpy comes with the first one to learn of

                    learn_taste(session, subscriber_id, now=now)
    return preferences_of(engine, tokens, token, now=now)


def reader_preferences(session: Session, subscriber_id: int, now: datetime) -> ReaderPreferences:
    """Return a reader's preferences; raises NotFound where there is none, or they were erased."""
    found = stored.choices_of(session, subscriber_id)
    if found is None:
        raise NotFound(mark("this subscription no longer exists; subscribe again if you like"))
    address, state, choices = found
    until = stored.paused_until(session, subscriber_id)
    waits = state in (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED)
    paused = waits and not may_receive(state, until, local_date(known_zone(choices.timezone), now))
    interests = interests_of(session, [subscriber_id]).get(subscriber_id, ())
    pause = Pause(True, until) if paused else RUNNING
    own = held(subscriber_id, stored.link_generation(session, subscriber_id) or 0)
    return ReaderPreferences(subscriber_id, own, address, state, choices, interests, pause)


def _pause(session: Session, subscriber_id: int, before: ReaderPreferences, wanted: Pause, evidence: Evidence) -> None:
    if not wanted.paused:
        apply_consent(session, subscriber_id, ConsentAction.RESUME, evidence)
    elif before.state is SubscriptionState.CONFIRMED:
        apply_consent(session, subscriber_id, ConsentAction.PAUSE, evidence)
    stored.set_pause(session, subscriber_id, wanted.until)


def _seeds(reader: ReaderPreferences) -> set[str]:
    return {one.key for one in reader.interests if one.kind is InterestKind.PAPER}
