"""What readers make of papers, from the links in their mail: more or less like one, save it, mute its topic."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.boxes import MOST
from digest.core.interests import InterestKind, interest_of
from digest.core.issue import Card
from digest.core.language import mark
from digest.core.prints import place, singular
from digest.core.subscription import SubscriptionState
from digest.core.topics import topics
from digest.errors import NotFound, PreferencesRefused
from digest.flows.links import reader_behind
from digest.store import reactions
from digest.store.choices import choices_of, one_at_a_time
from digest.store.engine import reading, writing
from digest.store.interests import add_interests, drop_interest, interests_of
from digest.store.papers import current_ids
from digest.store.site import card_of
from digest.store.tables import Paper
from digest.store.texts import frequencies
from digest.tokens import Tokens

_LONGEST_TOPIC = 200


class Verb(StrEnum):
    """What a link in the mail asks for."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"
    MUTE = "mute"


_LEANINGS = {Verb.MORE: 1, Verb.LESS: -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A paper and what one reader made of it; `topics` can be muted because of it, `muted` are those that are."""

    card: Card
    leaning: int
    saved_at: datetime | None
    topics: tuple[str, ...]
    muted: tuple[str, ...]
    language: str = ""

    def holds(self, verb: Verb) -> bool:
        """Say whether what a verb asks for is so already."""
        if verb is Verb.SAVE:
            return self.saved_at is not None
        return bool(self.muted) if verb is Verb.MUTE else self.leaning == _LEANINGS[verb]


def opinion(engine: Engine, tokens: Tokens, token: str, paper_id: int, *, now: datetime) -> Opinion:
    """Return what the reader behind a link made of a paper; raises TokenInvalid or NotFound."""
    with reading(engine) as session:
        return _opinion(session, of_reader(session, tokens, token, now), paper_id)


def react(  # a link's parts, in its order
    engine: Engine,
    tokens: Tokens,
    token: str,
    paper_id: int,
    verb: Verb,
    *,
    now: datetime,
    undo: bool = False,
    topic: str = "",
) -> Opinion:
    """Do what a link asks for, or undo it, and learn from it; doing it again is no error.

    More and less exclude one another; saving is apart from both. To mute takes a topic that the paper's page offers.
    Raises TokenInvalid, NotFound, or PreferencesRefused for a topic that is not offered or is one too many.
    """
    from digest.flows.learn import learn_taste  # noqa: PLC0415  # numpy comes with the first click

    with writing(engine) as session:
        subscriber_id = acting_reader(session, tokens, token, now)
        before = _opinion(session, subscriber_id, paper_id)
        paper = _paper(session, paper_id)
        assert paper.id is not None  # noqa: S101  # it was read from the database
        if verb is Verb.MUTE:
            _mute(session, subscriber_id, before, topic, now, undo=undo)
        elif verb is Verb.SAVE:
            if undo:
                reactions.unsave(session, subscriber_id, paper.id, now)
            else:
                reactions.save(session, subscriber_id, paper.id, paper.version, now)
        elif not undo or before.holds(verb):  # what is undone late must not undo its opposite
            reactions.lean(session, subscriber_id, paper.id, 0 if undo else _LEANINGS[verb], now)
        learn_taste(session, subscriber_id, now=now)
        return _opinion(session, subscriber_id, paper_id)


def saved(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> list[tuple[Paper, datetime]]:
    """Return the papers that the reader behind a link saved, the last first; raises TokenInvalid or NotFound."""
    with reading(engine) as session:
        return list(reactions.saved_papers(session, of_reader(session, tokens, token, now)))


def language_of(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> str:
    """Return the language that the reader behind a link chose, or an empty string; raises TokenInvalid or NotFound."""
    with reading(engine) as session:
        found = choices_of(session, of_reader(session, tokens, token, now))
    return found[2].language if found else ""


def of_reader(session: Session, tokens: Tokens, token: str, now: datetime) -> int:
    """Return whose link this is, if they are still subscribed; raises TokenInvalid, or NotFound if they left."""
    subscriber_id = reader_behind(session, tokens, token, now, "react")
    found = choices_of(session, subscriber_id)
    if found is None or found[1] in (SubscriptionState.PENDING, SubscriptionState.UNSUBSCRIBED):
        raise NotFound(mark("there is no running subscription behind this link; subscribe again to get the digest"))
    return subscriber_id


def acting_reader(session: Session, tokens: Tokens, token: str, now: datetime) -> int:
    """Return whose link this is, as `of_reader` does, and let nothing else of theirs happen meanwhile."""
    subscriber_id = of_reader(session, tokens, token, now)
    one_at_a_time(session, subscriber_id)
    return subscriber_id


def _mute(session: Session, subscriber_id: int, before: Opinion, topic: str, now: datetime, *, undo: bool) -> None:
    wanted = interest_of(InterestKind.EXCLUSION, topic[:_LONGEST_TOPIC])
    offered = {read.key: read for one in before.topics if (read := interest_of(InterestKind.EXCLUSION, one))}
    if wanted is None or wanted.key not in offered:
        raise PreferencesRefused("choose one of the topics of this paper")
    if undo:
        drop_interest(session, subscriber_id, InterestKind.EXCLUSION, wanted.key)
        return
    have = [one for one in _interests(session, subscriber_id, InterestKind.EXCLUSION) if one != wanted.key]
    if len(have) >= MOST[InterestKind.EXCLUSION]:
        raise PreferencesRefused(
            "%(count)s topics are muted already, the most that are kept; take some away in your preferences",
            count=len(have),
        )
    add_interests(session, subscriber_id, [offered[wanted.key]], now)


def _opinion(session: Session, subscriber_id: int, paper_id: int) -> Opinion:
    paper = _paper(session, paper_id)
    found = choices_of(session, subscriber_id)
    out = _interests(session, subscriber_id, InterestKind.EXCLUSION)
    offered = topics(
        paper.title,
        paper.categories or [paper.primary_category],
        paper.keywords,
        gets=found[2].categories if found else (),
        common=_common(session),
    )
    keys = {one: read.key for one in offered if (read := interest_of(InterestKind.EXCLUSION, one))}
    current = reactions.reaction_to(session, subscriber_id, paper.id or 0)
    return Opinion(
        card=card_of(paper, None),
        leaning=current.leaning if current else 0,
        saved_at=current.saved_at if current else None,
        topics=tuple(keys),
        muted=tuple(one for one, key in keys.items() if key in out),
        language=found[2].language if found else "",
    )


def _paper(session: Session, paper_id: int) -> Paper:
    now_known_as = current_ids(session, [paper_id]).get(paper_id)
    paper = session.get(Paper, now_known_as) if now_known_as is not None else None
    if paper is None:
        raise NotFound(mark("the paper behind this link is not known here any more"))
    return paper


def _interests(session: Session, subscriber_id: int, kind: InterestKind) -> set[str]:
    return {one.key for one in interests_of(session, [subscriber_id]).get(subscriber_id, ()) if one.kind is kind}


def _common(session: Session) -> Callable[[str], int]:
    counts = frequencies(session).counts

    def common(word: str) -> int:
        found: int = struct.unpack_from("<i", counts, 4 * place(singular(word)))[0]
        return found

    return common
